"""Receptive field, jump, coverage or look-ahead are not as demanded.

Why: A detector must see an object whole, and a causal network nothing of the future.
'receptive_field' is compared per axis, in input positions: a minimum with the smallest over all
phases, a maximum with the largest; a global dependence is set aside. 'coverage' is the share of
it that is read, 'jump' the distance of neighbouring outputs, 'look_ahead' how far an output sees
beyond the input positions that are its own.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      receptive_field: {min: 5}

Fix: add layers, kernels, dilation or strides; 'at' demands it of an inner layer.

    layers:
    - conv: {out: 8, k: 3}
    - conv: {out: 8, k: 3}
    budgets:
      receptive_field: {min: 5}
"""
