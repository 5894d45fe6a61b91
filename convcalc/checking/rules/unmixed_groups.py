"""Finds stacks of layers with groups whose channels no layer mixes."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.analysis.receptive_field.channel_mixing import unmixed
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import finding

NAME = "unmixed-groups"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for the last layer of each stack whose groups stay apart."""
    for apart in unmixed(network):
        first, last = network.layers[apart.first], network.layers[apart.last]
        before = network.name_of(apart.tensor)
        message = (
            f"no layer mixes the groups from '{first.path}' on: an output channel sees at most "
            f"{apart.most:,} of the {apart.channels:,} channels of '{before}'"
        )
        advice = "a channel_shuffle between them, or a convolution without groups"
        yield finding(NAME, last, message, advice)
