"""Networks as graphs of operators: shapes, weights, work and axis maps.

Nothing here knows about files or YAML.
"""
