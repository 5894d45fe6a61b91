"""Layers that walk along an axis and carry a state from position to position."""
