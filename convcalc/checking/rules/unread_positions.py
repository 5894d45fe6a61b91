"""Positions of a tensor that no output reads.

Why: If the stride exceeds the window, or the last window ends before the input does, some
positions have no influence on the result at all, though they were computed. Ordinary layers of
stride 2 whose windows cover everything are not meant, nor what another layer reads, nor what is
cropped on purpose.

Example:

    layers:
    - conv: {out: 8, k: 3, s: 4}

Fix: use a larger kernel, padding, or an input size that the strides divide.

    layers:
    - conv: {out: 8, k: 4, s: 4}
"""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import warning
from convcalc.model.graph.unread import unread_tensors

NAME = "unread-positions"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Tensors with positions that no window reaches."""
    for unread in unread_tensors(network):
        if unread.skips and unread.is_pointwise:
            continue  # a rule of its own
        layer = unread.reading.layer
        where = f"{unread.missing} of {unread.size} positions in {unread.axis}"
        if unread.skips:
            message = (
                f"a window that spans {unread.extent} moves on by {unread.stride}: {where} "
                "are never read"
            )
            advice = "use a stride that is at most the window's extent"
        else:
            message = f"the last window ends early: {where} are never read"
            advice = "pad, or choose an input size that the strides divide"
        yield warning(NAME, layer, message, advice)
