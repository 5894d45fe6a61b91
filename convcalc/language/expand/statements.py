"""Checks what an item states of its input and output, and of its parts in code."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import advise
from convcalc.language.expand.scopes import Call, Frame
from convcalc.language.expand.state import State
from convcalc.model.graph.assembly import Value
from convcalc.model.operators.values import format_value
from convcalc.model.quantities.unknown import known


def check_stated(state: State, call: Call, output: Value) -> None:
    """Checks what ``in:`` and ``shape:`` state against the actual input and output."""
    first = call.inputs[0]
    if call.item.stated_channels and first is not None:
        evaluate, node = call.item.stated_channels
        actual, stated = first.shape.channels, evaluate(call.scope)
        if known(actual) and (isinstance(stated, bool) or stated != actual):
            message = f"in says {format_value(stated)}, but the input has {actual} channels"
            _report_difference(state, message, node.place, call.frame)
    if call.item.stated_shape and output is not None:
        evaluate, node = call.item.stated_shape
        dims, stated = list(output.shape.dims[1:]), evaluate(call.scope)
        if not _agrees(stated, dims):
            message = f"shape says {format_value(stated)}, but the output is {format_value(dims)}"
            _report_difference(state, message, node.place, call.frame)


def check_parts(state: State, call: Call) -> None:
    """Checks that the parts of which ``functional`` or ``subclass`` speaks are there."""
    item, names = call.item, []
    if item.operator is not None:
        names = [part.name for part in state.layering.layers[-1].analysis.modules]
    for name, (_, node, key) in item.form.items():
        if name not in names:
            message = f"'{key}' names '{name}', but '{item.type}' has no such part"
            listed = advise(name, names, "parts:") if names else ""
            problem = Diagnostic("unknown-name", message, node.place, listed)
            state.layering.problems.append(call.frame.locate(problem))


def _report_difference(state: State, message: str, place: Place, frame: Frame) -> None:
    """Reports that ``in:`` or ``shape:`` differs from the network."""
    problem = Diagnostic("stated-differently", message, place)
    state.layering.problems.append(frame.locate(problem))


def _agrees(stated: Any, dims: list[int]) -> bool:
    """Whether a stated shape matches the actual one; null and unknown sizes match anything."""
    if not isinstance(stated, list) or len(stated) != len(dims):
        return False
    pairs = zip(stated, dims, strict=True)
    return all(s is None or not known((s, d)) or s == d for s, d in pairs)
