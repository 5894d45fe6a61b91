"""Repeat the analysis of an operator with numbers that carry their names.

Each number of the result then records the formula that computed it (see
:mod:`convcalc.model.quantities.formula`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.model.operators.contract import Analysis, Operator, Recorded
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.formula import trace, tracing
from convcalc.model.quantities.shape import Shape


def trace_analysis(operator: Operator, inputs: Sequence[Shape]) -> Analysis:
    """Analyse an operator so that each number records its formula and arguments."""
    shapes = [
        _trace_shape(shape, "" if number == 1 else f" of input {number}")
        for number, shape in enumerate(inputs, 1)
    ]
    with tracing():
        return _trace_operator(operator, "").analyse(shapes)


def _trace_shape(shape: Shape, suffix: str) -> Shape:
    return Shape(
        trace(shape.batch, f"batch{suffix}"),
        trace(shape.channels, f"in_channels{suffix}"),
        tuple(trace(size, f"size{suffix}") for size in shape.spatial),
    )


def _trace_operator(operator: Operator, suffix: str) -> Operator:
    fields = {
        name: _trace_value(getattr(operator, name), f"{name}{suffix}")
        for name in fields_of(type(operator))
    }
    return type(operator)(**fields)


def _trace_value(value: Any, name: str) -> Any:
    """A field's value with its name attached; a layer that it refers to gets its own names."""
    if isinstance(value, Recorded):
        suffix = f" of {value.name}"
        return value._replace(
            operator=_trace_operator(value.operator, suffix),
            inputs=tuple(_trace_shape(shape, suffix) for shape in value.inputs),
        )
    if isinstance(value, tuple):
        return tuple(_trace_value(item, name) for item in value)
    return trace(value, name)
