"""Fields that cannot stand together.

Why: Each is fine alone, but the operator has no meaning for both; the message names the pair.

Example:

    layers:
    - conv_transpose: {out: 8, k: 4, s: 2, p: same}

Fix: leave out one of them, as the help line says.

    layers:
    - conv_transpose: {out: 8, k: 4, s: 2, p: 1}
"""
