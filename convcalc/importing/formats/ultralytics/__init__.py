"""Ultralytics' YAML files: rows of modules, and scales of depth and width."""
