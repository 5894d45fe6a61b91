"""Sweeps: the numbers of a network over many values of its params and its input."""
