"""The YAML network language: text to a network."""
