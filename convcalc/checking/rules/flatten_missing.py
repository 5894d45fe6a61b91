"""A linear layer acts at every position of a map.

Why: Without 'flatten' before it, 'linear' multiplies the channels alone, and its weight is
smaller by the number of positions. Most files that do so have forgotten the flatten.

Example:

    layers:
    - conv: {out: 8, k: 3}
    - linear: {out: 10}

Fix: add 'flatten' or a global pooling; 'pointwise_conv' says that every position is meant.

    layers:
    - conv: {out: 8, k: 3}
    - flatten
    - linear: {out: 10}
"""
