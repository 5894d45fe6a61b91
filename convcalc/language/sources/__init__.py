"""Finds and reads network files: on disk, at a git revision, or among the shipped networks."""
