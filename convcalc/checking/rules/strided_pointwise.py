"""A kernel of 1 with a stride skips positions that nothing else reads.

Why: A 1x1 convolution with stride 2 reads one of four positions. Beside a larger kernel with the
same stride, as on the shortcut of a residual block, nothing is lost; alone, three quarters of
what the layer before computed is thrown away. The first layout of ResNet does so, and later ones
moved the stride to the 3x3 convolution (He et al., "Bag of tricks", arXiv 1812.01187).

Example:

    layers:
    - conv: {out: 8, k: 3, p: 1}
    - conv: {out: 16, k: 1, s: 2}

Fix: put the stride on a layer with a larger kernel, or pool first.

    layers:
    - conv: {out: 8, k: 3, p: 1}
    - conv: {out: 16, k: 2, s: 2}
"""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import warning
from convcalc.model.graph.unread import unread_tensors

NAME = "strided-pointwise"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Tensors whose positions a kernel of 1 skips, and nobody else reads."""
    for unread in unread_tensors(network):
        if unread.skips and unread.is_pointwise:
            layer = unread.reading.layer
            message = (
                f"kernel_size 1 with stride {unread.stride} skips {unread.missing} of "
                f"{unread.size} positions in {unread.axis}, and nothing else reads them"
            )
            advice = "put the stride on a layer with a larger kernel, or pool first"
            yield warning(NAME, layer, message, advice)
