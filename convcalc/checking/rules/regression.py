"""A number changed more than is allowed since the base of the comparison.

Why: A pull request that makes a model heavier should say so. 'compare' names the base, a git
revision or a report saved by 'convcalc show NET -f json'; 'max_increase' and 'max_decrease' are
relative (2%) or in units.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      compare: {base: before.json}
      params: {max_increase: 2%}

Fix: undo the change, or allow it where it is meant.

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      compare: {base: before.json}
      params: {max_increase: 40%}
"""
