"""The base class of operators, and what operators are built from."""
