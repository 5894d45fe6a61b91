"""Checking many files: which ones, by which settings, what is found, what is silenced."""
