"""A budget names a variant that none of its models has.

Why: The budget would hold for nothing, which looks like success.

Example:

    budgets:
    - name: edge
      models: net.convcalc.yaml
      variants: [tny]
      assert: {params: {max: 1M}}

Fix: use a name under 'variants' of the network file, or the network's own name for the base.

    budgets:
    - name: edge
      models: net.convcalc.yaml
      variants: [tiny]
      assert: {params: {max: 1M}}
"""
