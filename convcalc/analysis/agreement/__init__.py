"""Whether two networks are the same one, and if not, where they differ."""
