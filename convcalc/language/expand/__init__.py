"""Expands parsed items into layers: writes out blocks, loops and branches."""
