"""A key stands twice, or the same thing is given in two ways.

Why: YAML's readers take the last of two equal keys without a word, so that half of what was
written would be lost.

Example:

    layers:
    - conv: {out: 8, k: 3, out: 16}

Fix: keep one of the two.

    layers:
    - conv: {out: 16, k: 3}
"""
