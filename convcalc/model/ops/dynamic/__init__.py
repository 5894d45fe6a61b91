"""Operators whose weights or positions depend on the input."""
