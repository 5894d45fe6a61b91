"""Checks on what a network returns, once all of its layers are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from convcalc.diagnostics.diagnostic import Diagnostic, Related
from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.graph.network import Layer
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS

ADVICE = (
    "put flatten or global_avg_pool before it, or use pointwise_conv if every position is meant"
)


def missing_flattens(
    layers: Sequence[Layer], first: int, outputs: Iterable[int]
) -> Iterator[Diagnostic]:
    """A warning for each output that ``linear`` layers make at many positions.

    Where a network ends with them, a single position was mostly meant. The place is the first of
    them in a row. ``first`` is the number of the tensor that layer 0 makes, ``outputs`` the
    numbers of those that are returned.
    """
    known: dict[int, int | None] = {}
    found = [_first_linear(layers, number - first, first, known) for number in outputs]
    for index in dict.fromkeys(index for index in found if index is not None):
        yield _missing_flatten(layers[index], layers, first)


def _first_linear(
    layers: Sequence[Layer], index: int, first: int, known: dict[int, int | None]
) -> int | None:
    """The index of the first of the linear layers at many positions that end at ``index``.

    ``known`` holds it for the layers that were passed before.
    """
    passed: list[int] = []
    while index >= 0 and index not in known:
        layer = layers[index]
        if not _is_spread_linear(layer) and not _keeps_positions(layer):
            break
        passed.append(index)
        index = layer.inputs[0] - first
    found = known.get(index)
    for each in reversed(passed):
        if found is None and _is_spread_linear(layers[each]):
            found = each
        known[each] = found
    return found


def _is_spread_linear(layer: Layer) -> bool:
    """Whether a layer is linear at many positions."""
    return layer.name == "linear" and layer.shapes[0].positions > 1


def _keeps_positions(layer: Layer) -> bool:
    """Whether a layer, like a norm or an activation, is not a step from positions to a vector."""
    analysis = layer.analysis
    is_work = any(term.kind in (WEIGHTS, DYNAMIC) for term in analysis.terms)
    axes = [axis for each in analysis.axes for axis in each]
    return len(layer.inputs) == 1 and not is_work and all(axis is IDENTITY for axis in axes)


def _missing_flatten(layer: Layer, layers: Sequence[Layer], first: int) -> Diagnostic:
    (shape,) = layer.shapes
    maker = layers[layer.inputs[0] - first] if layer.inputs[0] >= first else None
    related: tuple[Related, ...] = ()
    if maker is not None and maker.place != layer.place:
        related = (Related(maker.place, f"the input is {shape}, from '{maker.path}'"),)
    message = f"linear acts on {shape.channels} channels at each of {shape.positions} positions"
    within = f"at {layer.path}"
    return Diagnostic("flatten-missing", message, layer.place, ADVICE, related, within)
