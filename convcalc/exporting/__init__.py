"""Networks as files of other programs, and models as network files."""
