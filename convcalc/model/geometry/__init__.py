"""One axis at a time: output sizes, and which positions an output reads."""
