"""A value is of another kind than its key needs.

Why: A text where a number is expected, a mapping where a list is, a number with a fraction where
a count is. Nothing is rounded or guessed.

Example:

    layers:
    - conv: {out: 8.5, k: 3}

Fix: write the kind that the message names; '//' and 'round' make whole numbers of fractions.

    layers:
    - conv: {out: 8.5 // 1, k: 3}
"""
