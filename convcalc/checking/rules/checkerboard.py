"""A transposed convolution whose kernel is no multiple of its stride.

Why: Its outputs then read different numbers of taps in turn (with kernel 3 and stride 2 one, then
two), and unless training evens it out, which it seldom does, the result shows a checkerboard.
With a dilation that shares a factor with the stride some outputs read nothing at all. See Odena,
Dumoulin, Olah, "Deconvolution and checkerboard artifacts", Distill 2016.

Example:

    layers:
    - conv_transpose: {out: 8, k: 3, s: 2, p: 1, output_padding: 1}

Fix: use a kernel that the stride divides, or upsample and convolve.

    layers:
    - conv_transpose: {out: 8, k: 4, s: 2, p: 1}
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.geometry.axis_maps import Stamp
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import warning

NAME = "checkerboard"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Transposed convolutions whose outputs read different numbers of taps."""
    for layer in network.layers:
        if layer.name != "conv_transpose":
            continue
        for axis, each in enumerate(layer.analysis.axes[0]):
            if isinstance(each, Stamp) and (taps := each.uneven_taps):
                where = axis_name(axis, len(layer.analysis.axes[0]))
                reads = f"{taps[0]} or {taps[1]} taps"
                message = (
                    f"kernel_size {each.kernel_size} with stride {each.stride}{_dilated(each)}: "
                    f"the outputs along {where} read {reads} in turn"
                )
                yield warning(NAME, layer, message, _advice(each))
                break


def _dilated(axis: Stamp) -> str:
    return f" and dilation {axis.dilation}" if axis.dilation > 1 else ""


def _advice(axis: Stamp) -> str:
    if gcd(axis.stride, axis.dilation) > 1:
        return f"use a dilation that has no factor in common with stride {axis.stride}"
    below = axis.kernel_size // axis.stride * axis.stride
    sizes = f"{below} or {below + axis.stride}" if below else str(axis.stride)
    return f"use kernel_size {sizes}, or upsample and convolve"
