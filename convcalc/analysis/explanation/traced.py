"""An operator asked once more, with numbers that know their names, while a trace is open.

What it returns then says by which formula it was computed (see
:mod:`convcalc.model.quantities.formula`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.model.operators.contract import Analysis, Operator, Recorded
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.formula import trace, tracing
from convcalc.model.quantities.shape import Shape


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
        trace(shape.batch, f"batch{suffix}"),
        trace(shape.channels, f"in_channels{suffix}"),
        tuple(trace(size, f"size{suffix}") for size in shape.spatial),
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
    return trace(value, name)
