"""What each other tool counts, one module per tool; the docstring is the manual page."""
