"""A number that must divide another does not.

Why: Groups must divide the input and the output channels, since every group gets as many;
likewise heads, splits and shuffles.

Example:

    layers:
    - conv: {out: 8, k: 1}
    - conv: {out: 9, k: 3, g: 3}

Fix: use one of the divisors that the help line lists.

    layers:
    - conv: {out: 8, k: 1}
    - conv: {out: 8, k: 3, g: 4}
"""
