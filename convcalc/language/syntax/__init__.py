"""Reads YAML text into nodes with places, and evaluates the expressions in them."""
