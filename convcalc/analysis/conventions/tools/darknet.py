"""darknet: the BFLOPs of its start-up table, 2 FLOPs per MAC of convolutions alone.

Unit: FLOPs, 2 · filters · size² · channels / groups · outputs, printed per layer in 10^9; of one
sample, whatever the batch. The total is the sum of the lines, which darknet does not print.

Left out: bias, batch norm (part of the convolution there), activations, poolings, shortcut,
upsample, fully connected and deconvolutional layers.

Source: pjreddie/darknet, src/convolutional_layer.c.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.quantities import CONVS, MACS, each

CONVENTION = Convention(
    "darknet",
    (Count("flops", "BFLOPs", "FLOP", each(CONVS, 2 * MACS)),),
    per_sample=True,
)
