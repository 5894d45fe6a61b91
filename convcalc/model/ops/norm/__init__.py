"""Normalization and learned scales."""
