"""A count or an amount of memory is not the one that is demanded.

Why: 'equals' in a budget is for numbers that a rule or a contract fixes. Numbers of a release are
better pinned under 'expect', which 'convcalc pin' keeps.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      params: {equals: 216}

Fix: mend the network, or the demand.

    layers:
    - conv: {out: 8, k: 3, bias: false}
    budgets:
      params: {equals: 216}
"""
