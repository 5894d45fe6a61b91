"""Checks many files: finds them, reads the settings, runs the rules and the budgets."""
