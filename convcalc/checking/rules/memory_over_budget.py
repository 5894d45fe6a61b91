"""More memory or activations than the budget allows.

Why: 'memory' is parameters and buffers plus the most that is alive at once in the order of the
file, nothing done in place; 'dtype' (float32 if not given), 'batch' and 'part' (weights,
activations_peak or total) belong to it. 'activations' are the outputs of layers that multiply by
weights, 'moved' the bytes read and written at float32 if every tensor goes through memory once.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      memory: {max: 30KiB, dtype: float32}

Fix: look at the two parts in the notes: weights shrink with the type, the peak with early strides
and smaller batches.

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      memory: {max: 30KiB, dtype: float16}
"""
