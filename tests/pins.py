"""A network whose numbers are counted by hand, and what pins them."""

from __future__ import annotations

# One convolution: 3·3·3·c weights and c biases, 27·c·64 MACs; jump 2, receptive field 3.
NET = """\
convcalc: 1
name: net
input: [3, 16, 16]
params: {c: 8}
variants:
  wide: {c: 16}
layers:
  - conv: {out: c, k: 3, s: 2, p: 1}   # the only one
"""
BOTH = (
    "net: {params: 224, macs: 13824, output: [8, 8, 8]}",
    "wide: {params: 448, macs: 27648, output: [16, 8, 8]}",
)
