"""Writes each operator in Keras: an expression of its inputs, channels last; by family."""
