"""The counting rules of other tools, one module per tool; the docstring is the manual page."""
