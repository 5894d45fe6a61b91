"""Finds strided kernels of size 1 that skip positions which nothing else reads."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import finding
from convcalc.model.graph.unread import unread_tensors

NAME = "strided-pointwise"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each tensor with positions that a strided pointwise layer skips."""
    for unread in unread_tensors(network):
        if unread.skips and unread.is_pointwise:
            layer = unread.reading.layer
            message = (
                f"kernel_size 1 with stride {unread.stride} skips {unread.missing} of "
                f"{unread.size} positions in {unread.axis}, and nothing else reads them"
            )
            advice = "put the stride on a layer with a larger kernel, or pool first"
            yield finding(NAME, layer, message, advice)
