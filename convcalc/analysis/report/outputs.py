"""Reports what a network returns: the shape of each output, what it sees, and from where on it
sees all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from convcalc.analysis.report.report import LayerReport, OutputReport, ReceptiveField
from convcalc.model.graph.network import Network

Firsts = Sequence[Mapping[str, int]]  # by tensor, then by network input: the index of a layer


def output_reports(
    network: Network, layers: Sequence[LayerReport], *, support: bool = False, fields: bool = True
) -> dict[str, OutputReport]:
    """The outputs by name, in the order of the file; those that could not be made have no shape.

    With ``support``, an output that is an input has coverage and holes too.
    """
    firsts = _first_globals(network, layers) if fields else ()
    names = network.output_names or tuple(network.outputs)
    return {
        name: _output(network, layers, firsts, network.outputs.get(name), support) for name in names
    }


def _output(
    network: Network,
    layers: Sequence[LayerReport],
    firsts: Firsts,
    number: int | None,
    support: bool,
) -> OutputReport:
    if number is None:
        return OutputReport("", None)
    path, shape = network.name_of(number), network.shape(number)
    index = network.index(number)
    if index < 0:
        seen = own_field(shape.spatial, support=support)
        return OutputReport(path, shape, {path: seen} if seen else {})
    fields = layers[index].receptive_fields
    sees_all = (name for name, field in fields.items() if field.is_global)
    global_from = {name: layers[firsts[number][name]].path for name in sees_all}
    return OutputReport(path, shape, fields, global_from)


def own_field(spatial: Sequence[int], *, support: bool) -> ReceptiveField | None:
    """The receptive field of an input on itself: each position is its own; None without axes."""
    ones = (1,) * len(spatial)
    if not ones:
        return None
    return ReceptiveField(
        size=ones,
        size_min=ones,
        jump=tuple(map(Fraction, ones)),
        center=(Fraction(0),) * len(ones),
        input_size=tuple(spatial),
        global_axes=(False,) * len(ones),
        coverage=tuple(map(Fraction, ones)) if support else None,
        holes=(0,) * len(ones) if support else None,
    )


def _first_globals(network: Network, layers: Sequence[LayerReport]) -> Firsts:
    """For each tensor and input: the first layer at or before it that sees all of that input."""
    nothing: Mapping[str, int] = {}
    found: list[Mapping[str, int]] = [nothing] * len(network.inputs)
    for index, (layer, report) in enumerate(zip(network.layers, layers, strict=True)):
        inputs = layer.inputs
        before = (
            found[inputs[0]]
            if len(inputs) == 1
            else _earliest([found[number] for number in inputs])
        )
        own = {
            name: index
            for name, field in report.receptive_fields.items()
            if field.is_global and name not in before
        }
        found.append({**before, **own} if own else before)
    return found


def _earliest(parts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """The least index under each name."""
    found: Mapping[str, int] = {}
    for part in parts:
        if not found:
            found = part
        elif part and part is not found:
            found = {
                name: min(each[name] for each in (found, part) if name in each)
                for name in {**found, **part}
            }
    return found
