"""A budget's pattern matches no network file.

Why: A file was moved or renamed, and the budget holds for nothing, which looks like success.
Patterns count from the folder of the file that holds them.

Example:

    budgets:
    - name: edge
      models: ["edge/*.convcalc.yaml"]
      assert: {params: {max: 1M}}

Fix: correct the pattern, or remove the budget.

    budgets:
    - name: edge
      models: ["*.convcalc.yaml"]
      assert: {params: {max: 1M}}
"""
