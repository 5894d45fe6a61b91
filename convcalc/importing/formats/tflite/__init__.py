"""The reader of TensorFlow Lite files."""
