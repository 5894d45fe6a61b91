"""Less of a count or of memory than the budget demands.

Why: A minimum catches what fell out by mistake: a head that was left out by an 'if', a variant
that overrides too much.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      params: {min: 1k}

Fix: look for what is missing, or lower the minimum.

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      params: {min: 200}
"""
