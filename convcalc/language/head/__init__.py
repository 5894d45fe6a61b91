"""What a file says beside its layers: inputs, outputs, params of a caller, pinned numbers."""
