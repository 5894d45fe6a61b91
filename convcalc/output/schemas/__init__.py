"""JSON Schemas of what convcalc reads and writes."""
