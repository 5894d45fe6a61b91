"""More work than the budget allows: MACs, FLOPs, training, sampling or elementwise operations.

Why: MACs are multiply-accumulates with weights that are learned or computed from the input, and
FLOPs are twice that, and 'training' those of a step with both gradients; interpolation and all
other arithmetic have metrics of their own.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      macs: {max: 150k}

Fix: find the dearest part in the notes; fewer channels or an earlier stride help most.

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      macs: {max: 200k}
"""
