"""One folder or module for each format that is read; all of them make a foreign graph."""
