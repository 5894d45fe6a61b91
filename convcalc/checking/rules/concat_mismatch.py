"""Tensors that cannot be concatenated.

Why: Concatenation joins channels; batch and spatial sizes must be the same. A valid convolution
makes its map smaller than its neighbour's.

Example:

    layers:
    - branches: [[conv: {out: 8, k: 3}], [conv: {out: 8, k: 1}]]

Fix: pad the branches alike, or crop the larger one.

    layers:
    - branches: [[conv: {out: 8, k: 3, p: 1}], [conv: {out: 8, k: 1}]]
"""
