"""A key means nothing at its place.

Why: A misspelt field would otherwise leave the default in force, and every number after it would
be that of another network. In budgets an unknown metric would be a limit that limits nothing.

Example:

    layers:
    - conv: {out: 8, k: 3, gruops: 2}

Fix: use the key that the help line names; 'convcalc operator NAME' lists them.

    layers:
    - conv: {out: 8, k: 3, g: 1}
"""
