"""Turns YAML nodes into typed params, blocks and items."""
