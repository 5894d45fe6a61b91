"""Expands calls of blocks: binds the params of the block, then writes out its layers."""

from __future__ import annotations

from functools import partial

from convcalc.diagnostics.rejection import Rejected, gather, rejected
from convcalc.language.expand.repeating import fits, keep, key_of, mark, repeat
from convcalc.language.expand.scopes import Call, Frame
from convcalc.language.expand.state import State, shape_of
from convcalc.language.expand.tensors import LISTS
from convcalc.language.parse.params import check_param
from convcalc.language.parse.tree import Argument, Block, Item, Reference
from convcalc.language.syntax.sizes import BLOCK, describe_input
from convcalc.model.graph.assembly import Value

MOST_RECURSIVE = 32  # calls of a block within itself


def expand_block(state: State, call: Call) -> Value:
    """Expands a call of a block: binds its params, then expands its layers."""
    item, outer = call.item, call.frame
    block = item.block
    assert block is not None
    if block.unit.is_broken:  # its file has a problem, which was reported
        raise Rejected
    state.check_limit(item, block.least)
    tensors: dict[str, Value] = {"input": call.inputs[0]}
    state.layering.spend(len(block.unit.scope) // 32, "params of files in calls of blocks")
    entering = shape_of(call.inputs[0])
    scope = {**block.unit.scope, BLOCK: entering}
    describe_input(scope, entering)
    within = (block.name, item.place)
    frame = Frame(scope, tensors, f"{call.path}.", within, outer.trainable, outer.form)
    frame.call = call
    _bind(state, block, call, frame)
    key = key_of(state, block, call, frame)
    made = state.kept.made.get(key)
    if made is not None and fits(state, made):
        return repeat(state, made, call)
    before = mark(state)
    output = _expand_body(state, block, call, frame)
    if key is not None:
        keep(state, key, call, before, output)
    return output


def _expand_body(state: State, block: Block, call: Call, frame: Frame) -> Value:
    """Writes out the layers of a block whose params have their values."""
    _enter(state, block, call.item, frame)
    state.called.append(block)
    names = call.names.below(call.path, block.name, block.indexed)
    try:
        return state.expand_items(block.body, call.inputs[0], names, frame)
    finally:
        state.entered[block].pop()


def _enter(state: State, block: Block, item: Item, frame: Frame) -> None:
    """Opens a call of a block; Rejected if it calls itself and no int param falls."""
    given = frame.scope
    ints = {name: given[name] for name, param in block.params.items() if param.kind == "int"}
    entered = state.entered.setdefault(block, [])
    if entered and not any(ints[name] < entered[-1][name] for name in ints):
        message = f"block '{block.name}' calls itself, and none of its int params falls"
        raise rejected("block-cycle", message, item.place, "for instance n: n - 1")
    if len(entered) >= MOST_RECURSIVE:
        message = f"block '{block.name}' calls itself more than {MOST_RECURSIVE} times"
        raise rejected("too-large", message, item.place)
    entered.append(ints)


def _bind(state: State, block: Block, call: Call, frame: Frame) -> None:
    """Gives a block's params their values: the call's arguments, then defaults in order."""
    given = {argument.name: argument for argument in call.item.arguments}
    try:
        for argument in given.values():
            _bind_argument(state, block, argument, call, frame)
    except Rejected:  # bind all again, to collect the problems of every argument
        gather(partial(_bind_argument, state, block, a, call, frame) for a in given.values())
        raise
    for name, param in block.params.items():
        if param.is_broken:
            raise Rejected
        if name not in given:
            assert param.evaluate is not None
            assert param.default is not None
            value = param.evaluate(frame.scope)
            frame.scope[name] = check_param(param, value, param.default.place)


def _bind_argument(
    state: State, block: Block, argument: Argument, call: Call, frame: Frame
) -> None:
    """Gives one param the value of its argument, evaluated in the caller's scope."""
    name = argument.name
    if argument.reference is not None:
        _bind_layer(state, name, argument.reference, call, frame)
        return
    if argument.references is not None:
        _bind_list(state, argument, call, frame)
        return
    assert argument.evaluate is not None
    value = argument.evaluate(call.scope)
    frame.scope[name] = check_param(block.params[name], value, argument.node.place)


def _bind_list(state: State, argument: Argument, call: Call, frame: Frame) -> None:
    """Gives a param of the type refs its layers; as a value it is the list of their names."""
    name, outer = argument.name, call.frame
    assert argument.references is not None
    found = [each for given in argument.references for each in state.all.single(given, outer)]
    state.layering.spend(1 + 8 * len(found), LISTS)
    frame.lists[name] = len(found)
    frame.scope[name] = [each.text for each in found]
    for k, reference in enumerate(found):
        _bind_layer(state, f"{name}[{k}]", reference, call, frame)


def _bind_layer(state: State, name: str, reference: Reference, call: Call, frame: Frame) -> None:
    """Makes a layer of the caller known in a block by a name."""
    frame.tensors[name] = state.all.resolve(reference, call.inputs[0], call.frame, call.scope)
    path = state.all.latest(call.frame.path_of(state.all.from_start(reference.text, call.frame)))
    if path in state.spans:
        frame.paths[name] = path
