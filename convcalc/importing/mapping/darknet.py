"""Operators that only darknet has: layers with weights of each position, and a reorganisation of
its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.mapping.convolution import windows
from convcalc.importing.views import fresh
from convcalc.model.quantities.unknown import known


def locally_connected(build: Build, node: Node) -> Sequence[Held]:
    """LocallyConnected: its weights follow from the sizes that it meets."""
    x = build.image(build.view(node))
    fields = windows(node, len(x.stored) - 1)
    made = build.add(
        "locally_connected", x.tensor, out_channels=node.value("out_channels"), **fields
    )
    return [fresh(made, x.batch, made.shape.dims[1:])]


def reorg(build: Build, node: Node) -> Sequence[Held]:
    """Reorg: an image read as one of fewer channels, whose squares become channels.

    darknet's ``reorg_cpu`` takes c×h×w as (c / s²)×(h · s)×(w · s), in the order of memory, and its
    s×s squares as channels; what it makes has the elements of (c · s²)×(h / s)×(w / s).
    """
    x = build.image(build.view(node))
    factor = node.value("blocksize")
    channels, height, width = x.tensor.shape.dims[1:]
    if not known((channels, height, width)):
        raise NoRule("the sizes that it reorganises are not known")
    if channels % factor**2 or height % factor or width % factor:
        raise NoRule(f"{channels}×{height}×{width} by {factor}")
    shape = [channels // factor**2, height * factor, width * factor]
    tensor = build.add("reshape", x.tensor, shape=shape)
    tensor = build.add("pixel_unshuffle", tensor, factor=factor)
    shape = [channels * factor**2, height // factor, width // factor]
    tensor = build.add("reshape", tensor, shape=shape)
    return [fresh(tensor, x.batch, tensor.shape.dims[1:])]


RULES: Mapping[str, Rule] = {"LocallyConnected": locally_connected, "Reorg": reorg}
