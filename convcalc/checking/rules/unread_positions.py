"""Finds tensors with positions that no window reads."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import finding
from convcalc.model.graph.unread import unread_tensors

NAME = "unread-positions"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each tensor that is not fully read, unless strided-pointwise does."""
    for unread in unread_tensors(network):
        if unread.skips and unread.is_pointwise:
            continue  # the rule strided-pointwise reports it
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
        yield finding(NAME, layer, message, advice)
