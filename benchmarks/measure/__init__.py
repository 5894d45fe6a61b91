"""What the benchmarks measure with: instructions, seconds and memory of commands, and tables."""
