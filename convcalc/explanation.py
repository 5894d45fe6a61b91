"""How a layer's numbers come about: each formula in words, with its numbers, and the result.

The operator is asked once more, with numbers that know their names, while a trace is open; what
it returns then says by which formula it was computed (see :mod:`convcalc.formula`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from convcalc.diagnostics import Place
from convcalc.formula import Step, origin_of, traced, tracing
from convcalc.geometry import SAME, AxisMap, Slide, axis_name
from convcalc.graph import Group, Network
from convcalc.operator import Analysis, Operator, Recorded, fields_of
from convcalc.origins import Origin
from convcalc.receptive_field.kinds import field_after
from convcalc.receptive_field.reach import jump_after
from convcalc.report import DTYPES, LayerReport, ReceptiveField, Report, flop_count, whole_bytes
from convcalc.shape import Shape, known
from convcalc.wording import factor, meaning, numbers, words


class Worked(NamedTuple):
    """One number: its formula in words, the same with numbers, the result.

    ``words`` are empty where there is no formula, only a result; ``meaning`` may say why.
    ``where`` are the formulas of numbers that go into it, those that were shown before left out.
    ``kind`` is that of work.
    """

    label: str
    words: str
    numbers: str
    result: Any
    meaning: str = ""
    function: str = ""
    kind: str = ""
    where: tuple[Worked, ...] = ()


class Section(NamedTuple):
    """Numbers that belong together."""

    title: str
    lines: tuple[Worked, ...]


class LayerExplanation(NamedTuple):
    """One layer. ``sources`` are the inputs by the names of the layers that make them."""

    path: str
    operator: str
    groups: tuple[Group, ...]
    place: Place
    sources: tuple[tuple[str, Shape], ...]
    output: Shape
    fields: tuple[Origin, ...]
    sections: tuple[Section, ...]


def layer_explanation(
    network: Network, report: Report, index: int, found: Mapping[str, Sequence[Origin]]
) -> LayerExplanation:
    """The layer of that index; ``found`` are the origins of fields by path of the layer."""
    layer, shown = network.layers[index], report.layers[index]
    analysis = traced_analysis(layer.operator, layer.shapes)
    port = _port(layer.path, layer.analysis, analysis)
    if port:
        whole = analysis.ports[port]
        analysis = Analysis(whole.output, whole.axes)
    path = layer.path.removesuffix(f".{port}") if port else layer.path
    names = [*network.inputs, *(each.path for each in network.layers)]
    return LayerExplanation(
        layer.path,
        layer.name,
        layer.groups,
        layer.place,
        tuple((names[number], network.shape(number)) for number in layer.inputs),
        layer.analysis.output,
        tuple(_valued(layer.operator, found.get(path), layer.place)),
        (
            *sections(analysis, shown, report.counted),
            *_sight(network, report, index, analysis),
        ),
    )


def _port(path: str, known_analysis: Analysis, analysis: Analysis) -> str:
    """The further output that a layer stands for; empty if it is the main one."""
    name = path.rpartition(".")[2]
    return name if name in analysis.ports and not known_analysis.ports else ""


def _valued(operator: Operator, found: Sequence[Origin] | None, place: Place) -> Iterator[Origin]:
    """The origins of the fields with the values that the operator has; a layer that joins or
    splits branches has them from the composite."""
    if found is None:
        found = [Origin(name, None, "", "composite", place) for name in fields_of(type(operator))]
    for origin in found:
        yield origin._replace(value=getattr(operator, origin.name))


# --- numbers that know their names ---------------------------------------------------------------


def traced_analysis(operator: Operator, inputs: Sequence[Shape]) -> Analysis:
    """The analysis, whose numbers know by which formula they were computed of what."""
    shapes = [
        _named_shape(shape, "" if number == 1 else f" of input {number}")
        for number, shape in enumerate(inputs, 1)
    ]
    with tracing():
        return _named_operator(operator, "").analyse(shapes)


def _named_shape(shape: Shape, suffix: str) -> Shape:
    return Shape(
        traced(shape.batch, f"batch{suffix}"),
        traced(shape.channels, f"in_channels{suffix}"),
        tuple(traced(size, f"size{suffix}") for size in shape.spatial),
    )


def _named_operator(operator: Operator, suffix: str) -> Operator:
    fields = {
        name: _named(getattr(operator, name), f"{name}{suffix}")
        for name in fields_of(type(operator))
    }
    return type(operator)(**fields)


def _named(value: Any, name: str) -> Any:
    """A field's value; another layer that it refers to has names of its own."""
    if isinstance(value, Recorded):
        suffix = f" of {value.name}"
        return value._replace(
            operator=_named_operator(value.operator, suffix),
            inputs=tuple(_named_shape(shape, suffix) for shape in value.inputs),
        )
    if isinstance(value, tuple):
        return tuple(_named(item, name) for item in value)
    return traced(value, name)


# --- formulas ------------------------------------------------------------------------------------


class _Explaining:
    """Explains numbers one after another; a formula of the same numbers is shown once."""

    def __init__(self) -> None:
        self.seen: set[Step] = set()

    def worked(self, label: str, value: Any, kind: str = "") -> Worked:
        """One number, with what goes into it."""
        origin = origin_of(value)
        if not isinstance(origin, Step):
            text = _plain(value)
            return Worked(label, origin or text, text, value, kind=kind)
        self.seen.add(origin)
        function = f"{origin.function.__module__}.{origin.function.__name__}"
        return Worked(
            label,
            words(origin),
            numbers(origin),
            value,
            meaning(origin),
            function,
            kind,
            tuple(self.parts(origin)),
        )

    def parts(self, step: Step) -> Iterator[Worked]:
        """The formulas of a step's arguments that were not shown yet."""
        for name, value in step.arguments.items():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(origin_of(item), Step) and origin_of(item) not in self.seen:
                    yield self.worked(name, item)

    def tensor(self, label: str, sizes: Sequence[int]) -> Worked:
        """The number of elements of a learned or stored tensor: the product of its sizes."""
        steps = [step for step in map(origin_of, sizes) if isinstance(step, Step)]
        self.seen.update(steps)  # they are part of the line
        where = tuple(part for step in steps for part in self.parts(step))
        texts = [
            _texts(size) if len(sizes) == 1 else [*map(factor, _texts(size))] for size in sizes
        ]
        named, filled = (" * ".join(column) for column in zip(*texts, strict=True))
        return Worked(label, named, filled, prod(sizes), "the product of its sizes", where=where)


def _texts(size: int) -> list[str]:
    """A size in words and with numbers."""
    origin = origin_of(size)
    if isinstance(origin, Step):
        return [words(origin), numbers(origin)]
    return [origin or _plain(size), _plain(size)]


def _plain(value: Any) -> str:
    return str(value if not isinstance(value, int) else int(value)) if known(value) else "unknown"


def sections(analysis: Analysis, layer: LayerReport, counted: Sequence[str]) -> Iterator[Section]:
    """Output, parameters, buffers and work of a traced analysis."""
    explain = _Explaining()
    yield Section("output", tuple(_output(analysis, explain)))
    yield Section("params", tuple(_stored(analysis.weights, "params", layer.shares, explain)))
    if analysis.buffers:
        yield Section("buffers", tuple(_stored(analysis.buffers, "buffers", layer.shares, explain)))
    yield Section("work", tuple(_work(analysis, counted, explain)))


def _output(analysis: Analysis, explain: _Explaining) -> Iterator[Worked]:
    """The batch where it changes, the channels, the sizes; then those of further outputs."""
    outputs = {"": analysis.output} | {
        f" of {name}": port.output for name, port in analysis.ports.items()
    }
    for suffix, shape in outputs.items():
        if isinstance(origin_of(shape.batch), Step):
            yield explain.worked(f"batch{suffix}", shape.batch)
        yield explain.worked(f"channels{suffix}", shape.channels)
        for axis, size in enumerate(shape.spatial):
            yield explain.worked(f"{axis_name(axis, shape.rank)}{suffix}", size)


def _stored(
    tensors: Mapping[str, tuple[int, ...]], total: str, shares: str, explain: _Explaining
) -> Iterator[Worked]:
    """Each tensor, and the sum."""
    lines = [explain.tensor(name, sizes) for name, sizes in tensors.items()]
    yield from lines
    if shares:
        yield Worked(total, "", "0", 0, f"counted in {shares}")
    elif len(lines) != 1:
        yield _sum(total, lines, "nothing is learned")


def _work(analysis: Analysis, counted: Sequence[str], explain: _Explaining) -> Iterator[Worked]:
    """Each term; then MACs and FLOPs."""
    lines = [explain.worked(term.name, term.amount, term.kind) for term in analysis.terms]
    yield from lines
    macs = _sum("MACs", [line for line in lines if line.kind in counted], "no products")
    yield macs
    if known(macs.result) and not macs.result:
        return
    with tracing():
        yield explain.worked("FLOPs", flop_count(traced(macs.result, "MACs")))


def _sum(label: str, lines: Sequence[Worked], nothing: str) -> Worked:
    """The sum of some lines."""
    if not lines:
        return Worked(label, "", "0", 0, nothing)
    added = " + ".join(line.label for line in lines)
    values = " + ".join(_plain(line.result) for line in lines)
    return Worked(label, added, values, sum(line.result for line in lines))


# --- totals --------------------------------------------------------------------------------------


def total_lines(report: Report, layers: Sequence[LayerReport], dtype: str) -> tuple[Worked, ...]:
    """How the sums over some layers lead to each other; ``dtype`` is that of memory."""
    explain = _Explaining()
    terms = [term for layer in layers for term in layer.terms]
    kinds = [
        Worked(kind, "", "", sum(term.amount for term in terms if term.kind == kind))
        for kind in report.counted
    ]
    macs = _sum("MACs", kinds, "no kind of work is counted")
    params = Worked("params", "", "", sum(layer.params for layer in layers))
    buffers = Worked("buffers", "", "", sum(layer.buffers for layer in layers))
    stored = _sum("stored", [params, buffers], "")
    with tracing():
        flops = flop_count(traced(macs.result, "MACs"))
        size = whole_bytes(traced(stored.result, "stored"), traced(DTYPES[dtype], "bits"))
    return (
        macs,
        explain.worked("FLOPs", flops),
        stored,
        explain.worked(f"bytes of {dtype}", size),
    )


# --- receptive fields ----------------------------------------------------------------------------


def _sight(network: Network, report: Report, index: int, analysis: Analysis) -> Iterator[Section]:
    """What an output sees of each input of the network, as a formula where a window slides over
    what a single layer made; elsewhere the result alone."""
    layer = network.layers[index]
    for name, after in report.layers[index].receptive_fields.items():
        before = _before(network, report, layer.inputs, name)
        maps = analysis.axes[0] if before and len(layer.inputs) == 1 else ()
        explain = _Explaining()
        lines: list[Worked] = []
        for axis in range(len(after.size)):
            where = f" {axis_name(axis, len(after.size))}" if len(set(after.size)) > 1 else ""
            step = _grown(before, maps[axis], axis) if before and len(maps) > axis else None
            lines += _axis_lines(explain, where, step, after, axis)
        title = "receptive field" + f" of {name}" * (len(network.inputs) > 1)
        if lines:
            yield Section(title, tuple(dict.fromkeys(lines)))


def _axis_lines(
    explain: _Explaining,
    where: str,
    grown: tuple[int, int] | None,
    after: ReceptiveField,
    axis: int,
) -> Iterator[Worked]:
    """Size and jump on one axis; the formula only if it gives what was found."""
    why = after.reason or "and the whole input" * after.is_global
    results = (("size", after.size[axis], 0), ("jump", after.jump[axis], 1))
    for label, result, which in results:
        if grown is not None and known(result) and grown[which] == result:
            yield explain.worked(f"{label}{where}", grown[which])
        else:
            yield Worked(f"{label}{where}", "", "", result, why * (which == 0))
    least = after.size_min[axis]
    if known(least) and least != after.size[axis]:
        yield Worked(f"least size{where}", "", "", least, "at other positions")


def _before(
    network: Network, report: Report, inputs: tuple[int, ...], name: str
) -> ReceptiveField | None:
    """What the tensor sees that a layer reads; None if it has several inputs."""
    (number, *more), first = inputs, len(network.inputs)
    if more:
        return None
    if number < first:
        rank = network.shape(number).rank
        ones = (Fraction(1),) * rank
        return ReceptiveField((1,) * rank, (1,) * rank, ones, (Fraction(0),) * rank)
    return report.layers[number - first].receptive_fields.get(name)


def _grown(before: ReceptiveField, window: AxisMap, axis: int) -> tuple[int, int] | None:
    """Size and jump behind a window; None where the closed form does not hold."""
    if axis >= len(before.size) or not isinstance(window, Slide) or before.is_global:
        return None
    size, jump = before.size[axis], before.jump[axis]
    if not (known(size) and known(jump)) or size != before.size_min[axis] or jump % 1:
        return None
    named = traced(size, "receptive_field"), traced(int(jump), "jump")
    if window == SAME:
        return named
    with tracing():
        return (
            field_after(named[0], window.kernel_size, window.dilation, named[1]),
            jump_after(named[1], window.stride),
        )
