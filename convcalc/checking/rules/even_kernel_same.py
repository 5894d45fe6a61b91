"""An even kernel with padding 'same' shifts its output.

Why: The padding that keeps the size is odd, so that one side gets one position more and every
output lies half a position beside its input. Several such layers add up.

Example:

    layers:
    - conv: {out: 8, k: 4, p: same}

Fix: use an odd kernel; if the shift is meant, write the padding in numbers.

    layers:
    - conv: {out: 8, k: 5, p: same}
"""
