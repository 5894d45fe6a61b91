"""What each operator is in PyTorch: one table for each family."""
