"""Networks as graphs of operators: shapes, weights, work and axis maps.

Nothing here knows of files or YAML.
"""
