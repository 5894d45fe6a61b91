"""An operator for another number of axes.

Why: A convolution cannot read a vector, as it is after 'flatten' or a global pooling, and a 2-D
operation cannot read a signal of one axis.

Example:

    layers:
    - global_avg_pool
    - conv: {out: 8, k: 1}

Fix: move the layer before the pooling, or use 'linear' or 'keepdim: true'.

    layers:
    - global_avg_pool
    - linear: {out: 8}
"""
