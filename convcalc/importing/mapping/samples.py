"""Operators over samples that are parts of one: heads, windows or images that became a batch.

convcalc's batch is that of the whole network. Where a program makes more of it, each part is taken,
worked on with the same weights, and put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, NotTheBatch, Rule
from convcalc.importing.mapping.joining import concat
from convcalc.importing.mapping.picking import take
from convcalc.importing.views import BATCH, Group, View, regrouped, size_of
from convcalc.model.graph.network import Layer

MOST_SAMPLES = 16
_EACH_CHANNEL = (
    *("AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "AdaptiveAveragePool"),
    *("AdaptiveMaxPool", "Pad", "Resize"),
)


def in_samples(build: Build, node: Node, rule: Rule, reason: NotTheBatch) -> Sequence[Held]:
    """Return what a rule makes of each part of the first axis, put together again."""
    view = build.view(node)
    batch = tuple(atom for atom in view.axes[0] if view.role(atom) == BATCH)
    outer = view.axes[0][len(batch) :]
    count = size_of(outer)
    if view.axes[0][: len(batch)] != batch or count < 2:
        raise reason
    if node.op in _EACH_CHANNEL and len(view.axes) > 1:
        return [_in_channels(build, node, rule, view, batch)]
    if count > MOST_SAMPLES:
        raise reason
    apart = view._replace(axes=(batch, outer, *view.axes[1:]))
    found: list[Held] = []
    first = len(build.builder.layers)
    for index in range(count):
        part = take(build, apart, 1, index, index + 1)
        name = f"{node.input(0)}#{index}"
        build.values[name] = part._replace(axes=(part.axes[0], *part.axes[2:]))
        start = len(build.builder.layers)
        made = rule(build, node._replace(inputs=(name, *node.inputs[1:])))
        if len(made) != 1 or not isinstance(made[0], View):
            raise reason
        found += made
        _share(build, first, start) if index else None
    return [_joined(build, node, found)]


def _in_channels(build: Build, node: Node, rule: Rule, view: View, batch: Group) -> View:
    """Return what a rule that works on each channel alone makes of the parts as channels."""
    outer = view.axes[0][len(batch) :]
    name = f"{node.input(0)}#"
    build.values[name] = view._replace(axes=(batch, (*outer, *view.axes[1]), *view.axes[2:]))
    made, *others = rule(build, node._replace(inputs=(name, *node.inputs[1:])))
    if others or not isinstance(made, View):
        raise NoRule("parts that cannot be put together")
    first, _, *rest = made.sizes
    sizes = [first * size_of(outer), size_of(view.axes[1]), *rest]
    found = regrouped(made, sizes)
    if found is None:
        raise NoRule("parts that cannot be put together")
    return found


def _share(build: Build, first: int, start: int) -> None:
    """Layers of a part use the weights of the first part's."""
    layers = build.builder.layers
    owners = [index for index in range(first, start) if _stores(layers[index])]
    users = [index for index in range(start, len(layers)) if _stores(layers[index])]
    for owner, user in zip(owners, users, strict=False):
        layers[user] = layers[user]._replace(shares=owner)


def _stores(layer: Layer) -> bool:
    """Whether a layer has weights or buffers; one that cuts out a part states that it has none."""
    return any(prod(dims) for dims in layer.analysis.stored.values())


def _joined(build: Build, node: Node, parts: Sequence[Held]) -> View:
    """The parts one after another in the first axis."""
    names = []
    for index, part in enumerate(parts):
        assert isinstance(part, View)
        name = f"{node.outputs[0]}#{index}"
        build.values[name] = part._replace(axes=(part.axes[0], (), *part.axes[1:]))
        names.append(name)
    (found,) = concat(build, node._replace(inputs=tuple(names), values={"axis": 1}))
    if not isinstance(found, View):
        raise NoRule("parts that cannot be put together")
    batch, outer, *rest = found.axes
    return found._replace(axes=((*batch, *outer), *rest))
