"""Explain how the totals of a network or of a block are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.analysis.explanation.worked import Worked, Working, plain_text, sum_lines
from convcalc.analysis.memory import alive_at, peak
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.units import flop_count, whole_bytes
from convcalc.model.graph.network import Network
from convcalc.model.quantities.formula import trace, tracing
from convcalc.model.quantities.number_text import DTYPES


def total_lines(
    network: Network, report: Report, layers: Sequence[LayerReport]
) -> tuple[Worked, ...]:
    """The totals over some layers, one from the other; of a whole network also its peak."""
    working, dtype = Working(), report.totals.memory.dtype
    terms = [term for layer in layers for term in layer.terms]
    kinds = [
        Worked(kind, "", "", sum(term.amount for term in terms if term.kind == kind))
        for kind in report.counted
    ]
    macs = sum_lines("MACs", kinds, "no kind of work is counted")
    params = Worked("params", "", "", sum(layer.params for layer in layers))
    buffers = Worked("buffers", "", "", sum(layer.buffers for layer in layers))
    stored = sum_lines("stored", [params, buffers], "")
    with tracing():
        flops = working.work_out("FLOPs", flop_count(trace(macs.result, "MACs")))
    found = [macs, flops, _training(layers), stored, _bytes(stored, dtype, working)]
    if len(layers) == len(report.layers):
        found += _peak(network, dtype, working)
    return tuple(found)


def _training(layers: Sequence[LayerReport]) -> Worked:
    flops = sum(layer.training for layer in layers)
    return Worked("training", "", "", flops, "FLOPs of a step: forward and gradients")


def _bytes(amount: Worked, dtype: str, working: Working) -> Worked:
    """The bytes of a number of elements."""
    with tracing():
        size = whole_bytes(trace(amount.result, amount.label), trace(DTYPES[dtype], "bits"))
    return working.work_out(f"bytes of {dtype}", size)


def _peak(network: Network, dtype: str, working: Working) -> Iterator[Worked]:
    """The tensors alive at the peak, and their bytes; nothing if the peak is before any layer."""
    index = peak(network).layer
    if index < 0:
        return
    names = [*network.inputs, *(layer.path for layer in network.layers)]
    tensors = alive_at(network, index)
    sizes = [network.shape(number).numel for number in tensors]
    line = Worked(
        "alive",
        " + ".join(names[number] for number in tensors),
        " + ".join(map(plain_text, sizes)),
        sum(sizes),
        where=(Worked("at", "", "", network.layers[index].path, "where most elements are"),),
    )
    yield from (line, _bytes(line, dtype, working))
