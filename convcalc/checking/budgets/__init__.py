"""Budgets: what networks demand of their numbers, measured and judged."""
