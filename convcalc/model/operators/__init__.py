"""What an operator is, and what operators are built from."""
