"""Writes the findings of a check in formats for people, programs and CI services."""
