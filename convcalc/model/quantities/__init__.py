"""Numbers and their formulas: shapes, counts, the unknown."""
