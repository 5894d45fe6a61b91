"""A number lies outside the bounds of its field or param.

Why: A kernel of 0 taps or a negative stride means nothing; a param's own min, max, multiple_of
and choices are the author's promise to those who use the file.

Example:

    layers:
    - conv: {out: 8, k: 3, s: 0}

Fix: choose a number within the bounds that the message names.

    layers:
    - conv: {out: 8, k: 3, s: 1}
"""
