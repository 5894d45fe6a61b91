"""Expands operators: resolves what their fields refer to, and adds their layers."""

from __future__ import annotations

from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.language.expand.scopes import Call
from convcalc.language.expand.state import State
from convcalc.model.graph.assembly import Value
from convcalc.model.graph.layer_checks import check_rank
from convcalc.model.operators.contract import Recorded


def expand_operator(state: State, call: Call) -> Value:
    """Adds the layer of an operator."""
    item, path, names, frame = call.item, call.path, call.names, call.frame
    if item.reads_nothing:
        return _expand_source(state, call)
    state.require_inputs(call.inputs, item.place)
    first = call.inputs[0]
    recorded, tensors = _references(state, call)
    if first is None or None in tensors:
        _check_fields(state, call)
        state.layering.skip()
        return None
    assert item.operator is not None
    check_rank(item.type, item.operator, first.shape, item.place)
    operator = state.layering.instance(item, call.scope, first.shape.rank, recorded)
    inputs = [*call.inputs, *tensors]
    if state.witness is not None:
        state.witness(call, state.unit)
    return state.layering.add(item.type, operator, inputs, path, names, frame, item)


def _expand_source(state: State, call: Call) -> Value:
    """Adds the layer of an operator that reads nothing, such as a learned tensor."""
    item, names = call.item, call.names
    operator = state.layering.instance(item, call.scope, state.rank, {})
    if state.witness is not None:
        state.witness(call, state.unit)
    return state.layering.add(item.type, operator, [], call.path, names, call.frame, item)


def _references(state: State, call: Call) -> tuple[dict[str, Recorded], list[Value]]:
    """The layers that fields refer to, by field name, and the tensors that they produce."""
    found: dict[str, Recorded] = {}
    tensors: list[Value] = []
    for argument in call.item.arguments:
        if argument.reference is None:
            continue
        reference = argument.reference
        tensor = state.all.resolve(reference, call.inputs[0], call.frame, call.scope)
        tensors.append(tensor)
        record = state.layering.record(reference.text, tensor) if tensor else None
        if record is not None:
            state.layering.recorded += 1
            found[argument.name] = record
        elif tensor is not None:
            message = f"{argument.name} needs a layer, but '{reference.text}' is an input"
            raise rejected("wrong-type", message, reference.place)
    return found, tensors


def _check_fields(state: State, call: Call) -> None:
    """Reports the fields' problems that do not depend on the input, because that failed."""
    try:
        state.layering.instance(call.item, call.scope, state.rank, {})
    except Rejected as error:
        state.layering.problems += map(call.frame.locate, error.certain)
