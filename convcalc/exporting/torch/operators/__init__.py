"""Writes each operator in PyTorch: one table for each family."""
