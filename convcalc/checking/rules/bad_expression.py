"""An expression cannot be read or cannot be computed.

Why: Expressions are arithmetic on numbers and params: + - * / // % **, comparisons, 'and or not',
if-else, lists, and a few functions such as max and make_divisible. Nothing else is run.

Example:

    params: {c: 8}
    layers:
    - conv: {out: c // 0, k: 3}

Fix: mend the expression at the caret.

    params: {c: 8}
    layers:
    - conv: {out: c // 2, k: 3}
"""
