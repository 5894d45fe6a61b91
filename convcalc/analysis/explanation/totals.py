"""Explain how the totals of a network or of a block are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.analysis.explanation.worked import Worked, Working, plain_text, sum_lines
from convcalc.analysis.memory import usage
from convcalc.analysis.memory.schedule import Buffer, Peak, Schedule
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.units import flop_count, whole_bytes
from convcalc.model.graph.network import Network
from convcalc.model.quantities.assumptions import FOLDED
from convcalc.model.quantities.formula import trace, tracing
from convcalc.model.quantities.number_text import DTYPES
from convcalc.model.quantities.unknown import known


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
        found += _peak(network, report, working)
    return tuple(found)


def _training(layers: Sequence[LayerReport]) -> Worked:
    flops = sum(layer.training for layer in layers)
    return Worked("training", "", "", flops, "FLOPs of a step: forward and gradients")


def _bytes(amount: Worked, dtype: str, working: Working) -> Worked:
    """The bytes of a number of elements."""
    with tracing():
        size = whole_bytes(trace(amount.result, amount.label), trace(DTYPES[dtype], "bits"))
    return working.work_out(f"bytes of {dtype}", size)


def _peak(network: Network, report: Report, working: Working) -> Iterator[Worked]:
    """The tensors alive at the peak, and their bytes; nothing if the peak is before any layer."""
    dtype = report.totals.memory.dtype
    folded = bool(report.totals.fused)
    used = usage(network, DTYPES[dtype], _words(report), fuse_batch_norm=folded)
    schedule, peak = used.schedule, used.peak
    if peak.operation < 0:
        return
    alive = [schedule.buffers[number] for number in schedule.alive_at(peak.operation)]
    sized = [buffer for buffer in alive if not (known(buffer.elements) and not buffer.elements)]
    sizes = [buffer.elements for buffer in sized]
    line = Worked(
        "alive",
        " + ".join(_buffer_name(network, buffer) for buffer in sized),
        " + ".join(map(plain_text, sizes)),
        sum(sizes),
        where=(
            Worked(
                "at", "", "", _operation_name(network, schedule, peak), "where most elements are"
            ),
        ),
    )
    found = _bytes(line, dtype, working)
    yield from (line, found)
    beside = [
        Worked(_buffer_name(network, buffer), "", "", buffer.index_bytes)
        for buffer in alive
        if buffer.index_bytes
    ]
    if beside:
        yield sum_lines("peak", [found, *beside], "")


def _words(report: Report) -> list[str]:
    """The memory options of a report, without that of folded norms."""
    return [word for word in report.totals.memory.options if word != FOLDED]


def _buffer_name(network: Network, buffer: Buffer) -> str:
    """The input of the network, or the path of the layer and what of it the buffer holds."""
    if buffer.layer < 0:
        return buffer.name or [*network.inputs][buffer.layer]
    return f"{network.layers[buffer.layer].path}.{buffer.name}".rstrip(".")


def _operation_name(network: Network, schedule: Schedule, peak: Peak) -> str:
    """The path of the layer that works at the peak."""
    layer = schedule.operations[peak.operation].layer
    return network.layers[layer].path if layer >= 0 else "the gradient of the outputs"
