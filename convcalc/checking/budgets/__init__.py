"""Budgets: what networks demand of their numbers, measured and judged."""

FILE = "convcalc.budgets.yaml"  # the budgets of a repository
