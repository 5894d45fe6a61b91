"""The numbers of a sweep, of networks whose sizes may be lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.analyse import COUNTED, FIELDS, TRAINING, analyse, memory_of
from convcalc.analysis.memory import usage
from convcalc.analysis.memory.schedule import plain_schedule
from convcalc.analysis.report.report import OutputReport, Report
from convcalc.analysis.report.units import whole_bytes
from convcalc.analysis.sweeps.arrays import np
from convcalc.analysis.sweeps.lanes import Lanes, Split, is_lanes
from convcalc.analysis.sweeps.operators import replaced
from convcalc.model.geometry.channel_maps import JOINED, MIXED, OWN
from convcalc.model.graph.network import Layer, Network
from convcalc.model.graph.steps import steps_of
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import DTYPES
from convcalc.model.quantities.unknown import UNKNOWN, known


class Assumptions(NamedTuple):
    """The assumptions behind numbers, beside the network: the kinds of work that are MACs, and the
    type.
    """

    counted: Sequence[str] = COUNTED
    dtype: str = "float32"


def measure(network: Network, metrics: Sequence[str], how: Assumptions) -> dict[str, Any]:
    """The metrics of a network; each a number, Lanes, or UNKNOWN."""
    parts = [TRAINING] if TRAINING in metrics else []
    report = analyse(network, counted=how.counted, dtype=how.dtype, parts=parts)
    fields: OutputReport | None = None
    found: dict[str, Any] = {}
    for name in metrics:
        if name in COUNTS:
            found[name] = report.totals.counts[name]
        elif name == "layers":
            found[name] = report.totals.layers
        elif name == "memory":
            found[name] = _memory(network, report, how.dtype)
        else:
            fields = fields or _fields(network)
            found[name] = _LONGEST[name](fields)
    return found


def _memory(network: Network, report: Report, dtype: str) -> Any:
    """Bytes of what is stored and of the peak of what is alive."""
    bits = DTYPES[dtype]
    steps = steps_of(network)
    if any(step.operator.indices_of >= 0 for step in steps.steps):
        used = usage(network, bits, steps=steps)
        return memory_of(report.totals.counts, {}, used, dtype, ()).total
    peak = largest(plain_schedule(steps).amounts(bits))  # in bits
    return report.totals.memory.weights + whole_bytes(peak, 1)


def largest(amounts: Sequence[Any]) -> Any:
    """The largest of several amounts, lane by lane; UNKNOWN if one is."""
    if not known(tuple(amounts)):
        return UNKNOWN
    several = list({id(each): each for each in amounts if type(each) is Lanes}.values())
    least = max((each for each in amounts if type(each) is not Lanes), default=None)
    if not several:
        return least
    arrays = [each.values for each in several]
    found = arrays[0]
    for each in arrays[1:]:
        found = np.maximum(found, each)
    return Lanes(found if least is None else np.maximum(found, least))


# --- receptive fields -------------------------------------------------------------------------


def _fields(network: Network) -> OutputReport:
    """Return what the first output sees.

    Channels matter only by how they are mixed. So where all layers mix them, keep them or join
    them, those of one lane stand for all; else lanes with different numbers of channels part.
    """
    plain = network
    if any(is_lanes(layer.analysis.output.channels) for layer in network.layers):
        plain = network.replace(layers=tuple(map(_with_channels_of_one, network.layers)))
    report = analyse(plain, parts=[FIELDS])
    return next(iter(report.per_output.values()), OutputReport("", None))


def _with_channels_of_one(layer: Layer) -> Layer:
    for channel_map in layer.analysis.channels:
        if channel_map is not MIXED and channel_map is not OWN and channel_map is not JOINED:
            _part_by_channels(layer)
    shapes = tuple(shape.with_channels(_first(shape.channels)) for shape in layer.shapes)
    output = layer.analysis.output
    analysis = layer.analysis._replace(output=output.with_channels(_first(output.channels)))
    return layer._replace(shapes=shapes, analysis=analysis)


def _first(number: Any) -> Any:
    return replaced(number, 0)


def _part_by_channels(layer: Layer) -> None:
    """Raises Split unless all lanes have the same numbers of channels here."""
    for shape in (*layer.shapes, layer.analysis.output):
        channels: Any = shape.channels
        if is_lanes(channels):
            raise Split(channels.values == channels.values[0])


def _size(output: OutputReport) -> Any:
    field = output.receptive_field
    return UNKNOWN if field is None or field.unbounded else _most(field.size)


def _jump(output: OutputReport) -> Any:
    field = output.receptive_field
    return UNKNOWN if field is None else _most(field.jump)


def _most(numbers: Sequence[Any]) -> Any:
    """The largest along the axes; a whole number where it is one."""
    if not numbers or not known(tuple(numbers)):
        return UNKNOWN
    found = max(numbers)
    return int(found) if found == found // 1 else float(found)


_LONGEST: Mapping[str, Callable[[OutputReport], Any]] = {"receptive_field": _size, "jump": _jump}
