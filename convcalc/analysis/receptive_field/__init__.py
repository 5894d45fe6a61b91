"""Receptive fields: what one output position sees of a network's input."""
