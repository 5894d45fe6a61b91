"""A number that is limited, pinned or compared cannot be known.

Why: An input size was left open, an opaque layer does not say what it costs, or there is nothing
to compare with. Silence would look like success, so that the budget fails.

Example:

    layers:
    - opaque: {output: [8, 32, 32], params: 100}
    budgets:
      macs: {max: 1M}

Fix: give the size, declare the number, or take away the demand.

    layers:
    - opaque: {output: [8, 32, 32], params: 100, macs: 100k}
    budgets:
      macs: {max: 1M}
"""
