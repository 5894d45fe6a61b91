"""The operators: one file each, named as in a network file."""
