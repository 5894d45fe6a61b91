"""Operators of no other family."""
