"""The parts of a file beside its layers: inputs, outputs, params of a caller, pinned numbers."""
