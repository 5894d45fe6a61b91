"""What each operator is in Keras: an expression of its inputs, channels last; by family."""
