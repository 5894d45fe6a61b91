"""Reads budgets: the bounds that a file sets for a network's numbers. Nothing is measured here."""
