"""Looks up the value of an assertion's metric in a report or a network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.analysis.analyse import FIELDS, TRAINING, analyse, memory_of
from convcalc.analysis.memory import usage
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.worst_case import coverage, look_ahead
from convcalc.analysis.report.outputs import own_field
from convcalc.analysis.report.report import LayerReport, Memory, ReceptiveField, Report
from convcalc.analysis.report.rows import rows
from convcalc.analysis.report.units import byte_count
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.language.assertions.vocabulary import METRICS, Assertion, Budget
from convcalc.model.graph.network import Network
from convcalc.model.graph.paths import no_such_input, paths_of
from convcalc.model.graph.rebatching import with_batch
from convcalc.model.quantities.counts import BYTES, COUNTS
from convcalc.model.quantities.number_text import DTYPES, memory_text, percent_text
from convcalc.model.quantities.unknown import UNKNOWN, known


class Measured(NamedTuple):
    """A measured value: the least (``low``) and the greatest (``high``) over the outputs.

    They differ only for a receptive field whose size varies. Either may be UNKNOWN; ``reason``
    says why. ``notes`` are further lines for the finding. ``at_least`` is what the known parts of
    an unknown sum add up to, else UNKNOWN. ``parts`` are the counts that a sum adds up, by row.
    """

    low: Any
    high: Any
    reason: str = ""
    notes: tuple[str, ...] = ()
    at_least: int = UNKNOWN
    parts: Mapping[str, int] = {}


_OF_REPORT = {"receptive_field", *(name for name, metric in METRICS.items() if metric.field)}
WHOLE = ""  # stands for the name of an output where there is but one place to measure at


def measure(
    assertion: Assertion, network: Network | None, report: Report
) -> Mapping[str, Measured]:
    """Return the values of the metric; ``network`` is None for a saved report.

    A shape or a part of the receptive field has a value at every output, by its name, unless
    ``at`` says where it is measured; every other metric, and a network with a single output, has
    one value, under ``WHOLE``. Raises PathError if ``at``, ``of`` or ``input`` name nothing in
    this network.
    """
    if assertion.input and assertion.input not in report.inputs:
        raise no_such_input(assertion.input, report.inputs)
    if METRICS[assertion.metric].rule not in _AT_OUTPUTS or assertion.at:
        return {WHOLE: _measure(assertion, network, report, WHOLE)}
    names = [*report.per_output]
    if not names:
        return {WHOLE: Measured(UNKNOWN, UNKNOWN, "the network has no output")}
    found = {name: _measure(assertion, network, report, name) for name in names}
    return found if len(names) > 1 else {WHOLE: found[names[0]]}


def parts_read(budgets: Iterable[Budget], pinned: Iterable[str] = ()) -> Collection[str]:
    """The parts of a report that budgets, or numbers that are pinned, are held against.

    Memory, and other parts of a field, are computed where they are measured.
    """
    assertions = [assertion for budget in budgets for assertion in budget.assertions]
    asked = {each.metric for each in assertions}.union(pinned)
    asked.update(each.counted for each in assertions)
    read = [FIELDS] if not _OF_REPORT.isdisjoint(asked) else []
    return (*read, TRAINING) if TRAINING in asked else read


def _measure(
    assertion: Assertion, network: Network | None, report: Report, output: str
) -> Measured:
    """Return the value of the metric, at an output where it is one of outputs."""
    metric = assertion.metric
    if metric == "memory":
        return _memory(assertion, network, report)
    if metric == "time_bound":
        return _time_bound(assertion, network)
    if METRICS[metric].rule in _AT_OUTPUTS:
        return _measure_tensor(assertion, network, report, output)
    if assertion.convention:
        return _by_convention(assertion, network)
    return _sum(assertion, report) if metric in COUNTS else _FROM_REPORT[metric](assertion, report)


def _measure_tensor(
    assertion: Assertion, network: Network | None, report: Report, output: str
) -> Measured:
    """Return the shape, or the part of the receptive field, of one tensor."""
    metric = assertion.metric
    if METRICS[metric].field:
        return _field_part(assertion, report, output)
    if metric == "receptive_field":
        return _receptive_field(assertion, report, output)
    if network is None:
        return Measured(UNKNOWN, UNKNOWN, "a saved report does not tell it")
    tensor = _tensor(assertion, network, output)
    is_input = network.producer(tensor) is None
    if is_input and metric in _OF_INPUT and assertion.input in ("", network.name_of(tensor)):
        return _OF_INPUT[metric]
    return _FROM_NETWORK[metric](assertion, network, output)


# --- parts -----------------------------------------------------------------------------------


def layers_at(report: Report, path: str) -> list[LayerReport]:
    """Return the layers of a path: one layer, a block, or all its repetitions."""
    return [report.layers[index] for index in paths_of(report).part(path).layers]


def _tensor(assertion: Assertion, network: Network, output: str) -> int:
    """Return the number of the tensor to measure: the one at the path, else the output."""
    if assertion.at:
        return paths_of(network).tensor(assertion.at)
    return network.outputs[output]


# --- sums ------------------------------------------------------------------------------------


def _sum(assertion: Assertion, report: Report) -> Measured:
    """Return a count of the network, with a note of its largest parts, or of one part."""
    metric, dtype = assertion.metric, report.totals.memory.dtype
    if COUNTS[metric].unit == BYTES and dtype != assertion.dtype:
        return Measured(UNKNOWN, UNKNOWN, f"the saved report holds bytes of {dtype}")
    if assertion.at:
        layers = layers_at(report, assertion.at)
        return _sum_of([layer.counts[metric] for layer in layers], _missing(layers, metric))
    value, bounds = report.totals.counts[metric], report.totals.at_least.counts
    least = UNKNOWN if known(value) else bounds.get(metric, UNKNOWN)
    parts = {row.path: row.counts[metric] for row in rows(report)}
    notes = _largest(parts, value)
    return Measured(value, value, _missing(report.layers, metric), notes, least, parts)


def _sum_of(amounts: Sequence[int], reason: str, notes: tuple[str, ...] = ()) -> Measured:
    """Return a sum; of an unknown one also what the known amounts add up to."""
    value = sum(amounts)
    least = UNKNOWN if known(value) else sum(filter(known, amounts))
    return Measured(value, value, reason, notes, least)


def _by_convention(assertion: Assertion, network: Network | None) -> Measured:
    """Return the count of another tool's convention, for the network or a part."""
    name, metric = assertion.convention, assertion.metric
    if network is None:
        return Measured(UNKNOWN, UNKNOWN, "a saved report does not tell it")
    try:
        counted = analyse(network, convention=name, parts=())
    except UnknownName as error:
        return Measured(UNKNOWN, UNKNOWN, f"{error.message}; {error.help}")
    keys = [number.key for number in counted.convention.numbers] if counted.convention else []
    if metric not in (*keys, "params"):
        return Measured(UNKNOWN, UNKNOWN, f"{name} has no {metric}, only {', '.join(keys)}")
    layers = layers_at(counted, assertion.at) if assertion.at else counted.layers
    amounts = {layer.path: layer.convention[metric] for layer in layers}
    return _sum_of([*amounts.values()], _missing_text(amounts))


def _missing(layers: Sequence[LayerReport], metric: str) -> str:
    """Return the reason that names the layers with unknown counts; empty if there are none."""
    return _missing_text({layer.path: layer.counts[metric] for layer in layers})


def _missing_text(amounts: Mapping[str, int]) -> str:
    names = [path for path, amount in amounts.items() if not known(amount)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"those of {', '.join(names[:3])}{more} are unknown" if names else ""


def _largest(parts: Mapping[str, int], total: int) -> tuple[str, ...]:
    """Return a note with the three largest parts and their shares."""
    if not known(total) or not total:
        return ()
    ranked = sorted(parts.items(), key=lambda part: -part[1])[:3]
    shares = [f"{path} {percent_text(Fraction(count) / total)}" for path, count in ranked if count]
    return (f"largest: {', '.join(shares)}",)


def _layers(assertion: Assertion, report: Report) -> Measured:
    count = len(layers_at(report, assertion.at)) if assertion.at else report.totals.layers
    return Measured(count, count)


def _share(assertion: Assertion, report: Report) -> Measured:
    """Return the share that a part has of a count of the network."""
    metric = assertion.counted
    layers = layers_at(report, assertion.of)
    part, whole = sum(layer.counts[metric] for layer in layers), report.totals.counts[metric]
    if not known((part, whole)):
        return Measured(UNKNOWN, UNKNOWN, _missing(report.layers, metric))
    share = Fraction(part, whole) if whole else Fraction(0)
    parts = {row.path: row.counts[metric] for row in rows(report)}
    return Measured(share, share, "", _largest(parts, whole))


def _memory(assertion: Assertion, network: Network | None, report: Report) -> Measured:
    """Return bytes for a dtype, a batch and options; of a saved report only if its options fit."""
    if network is not None:
        memory = _memory_of(assertion, network, report)
    elif report.totals.memory.options != assertion.options or "training" in assertion.options:
        return Measured(UNKNOWN, UNKNOWN, "the saved report counts memory under other options")
    else:
        memory = _saved_memory(assertion, report)
    value = getattr(memory, assertion.part)
    parts = [(memory.weights, "weights and buffers"), (memory.activations_peak, "activations peak")]
    if assertion.options:
        parts += [(memory.gradients, "gradients"), (memory.optimizer_states, "optimizer states")]
    listed = " + ".join(f"{memory_text(size)} {what}" for size, what in parts)
    words = ", ".join((assertion.dtype, *assertion.options))
    reason = "" if known(value) else "an input size or a layer is unknown"
    return Measured(value, value, reason, (f"{listed} ({words})",))


def _memory_of(assertion: Assertion, network: Network, report: Report) -> Memory:
    """Return the memory of a network at the batch of the assertion."""
    scaled = with_batch(network, assertion.batch) if assertion.batch > 1 else network
    used = usage(scaled, DTYPES[assertion.dtype], assertion.options)
    return memory_of(report.totals.counts, {}, used, assertion.dtype, assertion.options)


def _saved_memory(assertion: Assertion, report: Report) -> Memory:
    """Return the memory that a saved report tells; activations grow with the batch."""
    memory = report.totals.memory
    live = memory.activations_peak * 8 // DTYPES[memory.dtype] * assertion.batch
    return Memory(
        assertion.dtype,
        byte_count(report.totals.params + report.totals.buffers, assertion.dtype),
        byte_count(live, assertion.dtype),
    )


def _time_bound(assertion: Assertion, network: Network | None) -> Measured:
    """Return the least seconds that a device must spend; what computes them is imported here."""
    from convcalc.checking.budgets.time_bounds import time_bound

    if network is None:
        return Measured(UNKNOWN, UNKNOWN, "a saved report does not tell it")
    found = time_bound(assertion, network)
    seconds, parts = found.seconds, found.parts
    return Measured(seconds, seconds, found.reason, _largest(parts, seconds), found.least, parts)


# --- tensors -----------------------------------------------------------------------------------


def _output(assertion: Assertion, network: Network, output: str) -> Measured:
    """Return the shape of the tensor without the batch."""
    shape = network.shape(_tensor(assertion, network, output)).dims[1:]
    return Measured(shape, shape)


def _field(assertion: Assertion, report: Report, output: str) -> ReceptiveField | None:
    """Return the receptive field of an output, or of a part's output; None without one."""
    if not assertion.at:
        seen = report.per_output[output].receptive_fields
    else:
        last = paths_of(report).tensor(assertion.at) - len(report.inputs)
        if last < 0:
            return _field_of_input(assertion, report, len(report.inputs) + last)
        seen = report.layers[last].receptive_fields
    return seen.get(assertion.input) if assertion.input else next(iter(seen.values()), None)


def _field_of_input(assertion: Assertion, report: Report, number: int) -> ReceptiveField | None:
    """Return the receptive field of an input of the network: each position sees itself."""
    name, shape = list(report.inputs.items())[number]
    return own_field(shape.spatial, support=False) if assertion.input in ("", name) else None


def _receptive_field(assertion: Assertion, report: Report, output: str) -> Measured:
    """Return the sizes per axis, not counting global dependences."""
    field = _field(assertion, report, output)
    if field is None:
        return Measured(UNKNOWN, UNKNOWN, "it depends on no such input")
    high = UNKNOWN if field.unbounded else field.size
    reason = "a deformable layer looks anywhere" if field.unbounded else field.reason
    return Measured(field.size_min, high, reason)


def _field_part(assertion: Assertion, report: Report, output: str) -> Measured:
    """Return the property of the receptive field that the metric names."""
    field = _field(assertion, report, output)
    if field is None:
        return Measured(UNKNOWN, UNKNOWN, "it depends on no such input")
    value = getattr(field, METRICS[assertion.metric].field)
    return Measured(value, value, field.reason)


def _coverage(assertion: Assertion, network: Network, output: str) -> Measured:
    try:
        value = coverage(network, _tensor(assertion, network, output), assertion.input)
    except Unseen as error:
        return Measured(UNKNOWN, UNKNOWN, str(error))
    return Measured(value, value)


def _look_ahead(assertion: Assertion, network: Network, output: str) -> Measured:
    try:
        value = look_ahead(network, _tensor(assertion, network, output), assertion.input)
    except Unseen as error:
        return Measured(UNKNOWN, UNKNOWN, str(error))
    return Measured(value[:1], value[:1])


_FROM_REPORT = {
    "layers": _layers,
    "share": _share,
}
_AT_OUTPUTS = ("receptive-field-budget", "shape-differs")  # rules of metrics of one tensor
# Where an input is returned as it is, each position is its own.
_OF_INPUT = {
    "coverage": Measured(Fraction(1), Fraction(1)),
    "look_ahead": Measured((0,), (0,)),
}
_FROM_NETWORK = {"output": _output, "coverage": _coverage, "look_ahead": _look_ahead}
