"""Something that is needed is missing.

Why: A required field, param, input or list of layers is not there, a block does not get a param
without a default, or a list is empty.

Example:

    layers:
    - conv: {k: 3}

Fix: add what the message names.

    layers:
    - conv: {out: 8, k: 3}
"""
