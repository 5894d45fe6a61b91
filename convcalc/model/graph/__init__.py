"""A network as a graph of layers, and questions about it."""
