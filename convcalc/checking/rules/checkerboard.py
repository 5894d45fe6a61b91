"""Finds transposed convolutions whose outputs get different numbers of taps."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.geometry.axis_maps import Stamp
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import finding

NAME = "checkerboard"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each transposed convolution with uneven taps on some axis."""
    for layer in network.layers:
        if layer.name != "conv_transpose":
            continue
        for axis, each in enumerate(layer.analysis.axes[0]):
            if isinstance(each, Stamp) and (taps := each.uneven_taps):
                where = axis_name(axis, len(layer.analysis.axes[0]))
                reads = f"{taps[0]} or {taps[1]} taps"
                message = (
                    f"kernel_size {each.kernel_size} with stride {each.stride}{_dilation(each)}: "
                    f"the outputs along {where} read {reads} in turn"
                )
                yield finding(NAME, layer, message, _advice(each))
                break


def _dilation(axis: Stamp) -> str:
    return f" and dilation {axis.dilation}" if axis.dilation > 1 else ""


def _advice(axis: Stamp) -> str:
    if gcd(axis.stride, axis.dilation) > 1:
        return f"use a dilation that has no factor in common with stride {axis.stride}"
    below = axis.kernel_size // axis.stride * axis.stride
    sizes = f"{below} or {below + axis.stride}" if below else str(axis.stride)
    return f"use kernel_size {sizes}, or upsample and convolve"
