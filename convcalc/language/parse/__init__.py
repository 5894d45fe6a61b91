"""Nodes to typed params, blocks and items."""
