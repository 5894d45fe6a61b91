"""Writes a network file that a person would have written, from a graph of layers alone."""
