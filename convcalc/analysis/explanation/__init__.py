"""Explain how a layer's numbers are computed: formula in words, with its numbers, and result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.analysis.explanation.receptive_field import receptive_field_sections
from convcalc.analysis.explanation.traced import trace_analysis
from convcalc.analysis.explanation.training import training_sections
from convcalc.analysis.explanation.worked import Section, Worked, Working, sum_lines
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.units import flop_count
from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.work import current
from convcalc.language.expand.origins import Origin
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.graph.network import Group, Network
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.formula import Step, origin_of, trace, tracing
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


class LayerExplanation(NamedTuple):
    """The explanation of one layer; ``sources`` are its inputs, by the layers they come from.

    ``form`` is what it is in code, where that is not a plain module.
    """

    path: str
    operator: str
    groups: tuple[Group, ...]
    place: Place
    sources: tuple[tuple[str, Shape], ...]
    output: Shape
    fields: tuple[Origin, ...]
    sections: tuple[Section, ...]
    form: str = ""


def layer_explanation(
    network: Network, report: Report, index: int, found: Mapping[str, Sequence[Origin]]
) -> LayerExplanation:
    """Explain the layer at ``index``; ``found`` holds the origins of fields by layer path."""
    current().spend(2000, "explanations of layers")
    layer, shown = network.layers[index], report.layers[index]
    analysis = trace_analysis(layer.operator, layer.shapes)
    port = _port(layer.path, layer.analysis, analysis)
    if port:
        whole = analysis.ports[port]
        analysis = Analysis(whole.output, whole.axes)
    path = layer.path.removesuffix(f".{port}") if port else layer.path
    return LayerExplanation(
        layer.path,
        layer.name,
        layer.groups,
        layer.place,
        tuple((network.name_of(number), network.shape(number)) for number in layer.inputs),
        layer.analysis.output,
        tuple(_add_values(layer.operator, found.get(path), layer.place)),
        (
            *sections(analysis, shown, report.counted),
            *training_sections(network, index),
            *receptive_field_sections(network, report, index, analysis),
        ),
        layer.form,
    )


def _port(path: str, known_analysis: Analysis, analysis: Analysis) -> str:
    """The name of the further output that a layer stands for; empty for the main output."""
    name = path.rpartition(".")[2]
    return name if name in analysis.ports and not known_analysis.ports else ""


def _add_values(
    operator: Operator, found: Sequence[Origin] | None, place: Place
) -> Iterator[Origin]:
    """The origins of the fields, with the operator's values; a layer that joins or splits
    branches has them from its composite."""
    if found is None:
        how, at = ("model", None) if place.element else ("composite", place)
        found = [Origin(name, None, "", how, at) for name in fields_of(type(operator))]
    for origin in found:
        yield origin._replace(value=getattr(operator, origin.name))


# --- formulas ---------------------------------------------------------------------------------


def sections(analysis: Analysis, layer: LayerReport, counted: Sequence[str]) -> Iterator[Section]:
    """Output, parameters, buffers and work of a traced analysis."""
    working = Working()
    yield Section("output", tuple(_output(analysis, working)))
    yield Section("params", tuple(_stored(analysis.weights, "params", layer, working)))
    if analysis.buffers:
        yield Section("buffers", tuple(_stored(analysis.buffers, "buffers", layer, working)))
    yield Section("work", tuple(_work(analysis, counted, working)))


def _output(analysis: Analysis, working: Working) -> Iterator[Worked]:
    """Batch (if the layer changes it), channels and sizes of the output and of further outputs."""
    outputs = {"": analysis.output} | {
        f" of {name}": port.output for name, port in analysis.ports.items()
    }
    for suffix, shape in outputs.items():
        if isinstance(origin_of(shape.batch), Step):
            yield working.work_out(f"batch{suffix}", shape.batch)
        yield working.work_out(f"channels{suffix}", shape.channels)
        for axis, size in enumerate(shape.spatial):
            yield working.work_out(f"{axis_name(axis, shape.rank)}{suffix}", size)


def _stored(
    tensors: Mapping[str, tuple[int, ...]], total: str, layer: LayerReport, working: Working
) -> Iterator[Worked]:
    """The elements of each tensor, and their sum without those shared with another layer."""
    found = {name: working.tensor(name, sizes) for name, sizes in tensors.items()}
    lines = [*found.values()]
    yield from lines
    if layer.shares:
        own = [line for name, line in found.items() if name in layer.own]
        rest = "the rest is " if own else ""
        yield sum_lines(total, own, "")._replace(meaning=f"{rest}counted in {layer.shares}")
    elif len(lines) != 1:
        yield sum_lines(total, lines, "nothing is learned")


def _work(analysis: Analysis, counted: Sequence[str], working: Working) -> Iterator[Worked]:
    """The operations of each term, then MACs and FLOPs."""
    lines = [working.work_out(term.name, term.amount, term.kind) for term in analysis.terms]
    yield from lines
    macs = sum_lines("MACs", [line for line in lines if line.kind in counted], "no products")
    yield macs
    if known(macs.result) and not macs.result:
        return
    with tracing():
        yield working.work_out("FLOPs", flop_count(trace(macs.result, "MACs")))
