"""YAML text to nodes with places, and the arithmetic in them."""
