"""Explain the receptive field of a layer, by formulas where they hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from convcalc.analysis.explanation.worked import Section, Worked, Working
from convcalc.analysis.receptive_field.domains import field_after
from convcalc.analysis.receptive_field.reach import jump_after
from convcalc.analysis.report.report import ReceptiveField, Report
from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Slide
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.graph.network import Network
from convcalc.model.operators.contract import Analysis
from convcalc.model.quantities.formula import trace, tracing
from convcalc.model.quantities.unknown import known


def receptive_field_sections(
    network: Network, report: Report, index: int, analysis: Analysis
) -> Iterator[Section]:
    """The receptive field on each network input: as a formula where a window slides over the
    output of a single layer, elsewhere the result alone."""
    layer = network.layers[index]
    for name, after in report.layers[index].receptive_fields.items():
        before = _field_before(network, report, layer.inputs, name)
        maps = analysis.axes[0] if before and len(layer.inputs) == 1 else ()
        working = Working()
        lines: list[Worked] = []
        for axis in range(len(after.size)):
            where = f" {axis_name(axis, len(after.size))}" if len(set(after.size)) > 1 else ""
            step = _after_window(before, maps[axis], axis) if before and len(maps) > axis else None
            lines += _axis_lines(working, where, step, after, axis)
        title = "receptive field" + f" of {name}" * (len(network.inputs) > 1)
        if lines:
            yield Section(title, tuple(dict.fromkeys(lines)))


def _axis_lines(
    working: Working,
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
            yield working.work_out(f"{label}{where}", grown[which])
        else:
            yield Worked(f"{label}{where}", "", "", result, why * (which == 0))
    least = after.size_min[axis]
    if known(least) and least != after.size[axis]:
        yield Worked(f"least size{where}", "", "", least, "at other positions")


def _field_before(
    network: Network, report: Report, inputs: tuple[int, ...], name: str
) -> ReceptiveField | None:
    """The receptive field of a layer's input tensor; None if the layer has several inputs."""
    number, *more = inputs
    if more:
        return None
    index = network.index(number)
    if index < 0:
        rank = network.shape(number).rank
        ones = (Fraction(1),) * rank
        return ReceptiveField((1,) * rank, (1,) * rank, ones, (Fraction(0),) * rank)
    return report.layers[index].receptive_fields.get(name)


def _after_window(before: ReceptiveField, window: AxisMap, axis: int) -> tuple[int, int] | None:
    """Size and jump after a window; None where the closed form does not hold."""
    if axis >= len(before.size) or not isinstance(window, Slide) or before.is_global:
        return None
    size, jump = before.size[axis], before.jump[axis]
    if not (known(size) and known(jump)) or size != before.size_min[axis] or jump % 1:
        return None
    named = trace(size, "receptive_field"), trace(int(jump), "jump")
    if window == IDENTITY:
        return named
    with tracing():
        return (
            field_after(named[0], window.kernel_size, window.dilation, named[1]),
            jump_after(named[1], window.stride),
        )
