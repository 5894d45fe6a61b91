"""The YAML network language: reads text and builds a network."""
