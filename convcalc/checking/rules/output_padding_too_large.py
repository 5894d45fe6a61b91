"""The output padding of a transposed convolution is too large.

Why: It chooses among the sizes that the stride folds together, so that it must be smaller than
the stride or the dilation; beyond, outputs would have no input at all.

Example:

    layers:
    - conv_transpose: {out: 8, k: 3, s: 2, output_padding: 2}

Fix: use an output padding below the stride.

    layers:
    - conv_transpose: {out: 8, k: 4, s: 2, p: 1}
"""
