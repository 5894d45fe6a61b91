"""Calls of the functions of blocks: what they are given, and what they return."""

from __future__ import annotations

import re
from collections.abc import Iterator

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.body import Body
from convcalc.exporting.keras.function import Function
from convcalc.exporting.naming import snake_case
from convcalc.exporting.phrases import whole
from convcalc.language.parse.tree import Argument, Block, Item, Reference
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import free_names


def call(body: Body, item: Item, source: str) -> None:
    """A call of a block's function."""
    assert item.block is not None
    function = body.writer.function_of(item.block)
    arguments = [source, *_tensors(body, item, function)]
    arguments += _params(body, item, item.block, function)
    text = f"{function.name}({', '.join(arguments)})"
    target = body.target(item)
    if function.wanted:
        _unpack(body, item, function, target, text)
    else:
        body.do(f"{target} = {text}")
    body.cur = target


def _params(body: Body, item: Item, block: Block, function: Function) -> Iterator[str]:
    """The params that a call gives, by name behind the first that it leaves out."""
    given = {argument.name: argument for argument in item.arguments}
    plain = True
    for name, argument in function.params.items():
        own = given.get(name)
        if own is None:
            plain = False
            continue
        text = _value(body, item, block, own)
        yield text if plain else f"{argument.name}={text}"
    for name, argument in function.outer.items():
        yield f"{argument.name}={body.writer.file_param(body.function, name)}"


def _unpack(body: Body, item: Item, function: Function, target: str, text: str) -> None:
    """Calls a function that returns several tensors, and keeps those that are read."""
    made = [target]
    for rest in function.wanted:
        key = f"{item.id or item.name}.{rest}"
        if not _is_read(body, item, key, rest):
            made.append("_")
            continue
        stem = snake_case(re.sub(r"\W+", "_", key).strip("_"))
        body.vars[key] = body.variable_of(f"<in> {key}", stem)
        made.append(body.vars[key])
    body.do(f"{', '.join(made)} = {text}")
    for rest, name in zip(function.wanted, made[1:], strict=True):
        listed = body.lists.get(f"{item.id}.{rest}")
        if listed and name != "_":
            body.do(f"{listed}.append({name})")


def _is_read(body: Body, item: Item, key: str, rest: str) -> bool:
    start, end = f"{item.component}[", f".{rest}"
    return key in body.texts or any(
        text.startswith(start) and text.endswith(end) for text in body.texts
    )


def _tensors(body: Body, item: Item, function: Function) -> Iterator[str]:
    """The further tensors that a block reads."""
    given = {argument.name: argument for argument in item.arguments}
    for key in function.tensors:
        head, dot, rest = key.partition(".")
        argument = given[head]
        if argument.references is not None:
            found = [body.resolve(each, item) for each in argument.references]
            yield f"[{', '.join(found)}]"
            continue
        assert argument.reference is not None
        yield body.resolve(Reference(argument.reference.text + dot + rest, item.place), item)


def _value(body: Body, item: Item, block: Block, argument: Argument) -> str:
    """The value of a block's param; a word stays a word."""
    assert argument.evaluate is not None
    node = argument.node
    values = [argument.evaluate(run.scope) for run in body.runs(item)]
    if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        own = body.function.block
        scope = {*body.function.unit.params, *body.loops, *(own.params if own else ())}
        if all(value == node.value for value in values) and not scope.intersection(
            free_names(node)
        ):
            return literal(node.value)
    text = body.text(node)
    return whole(text, values) if block.params[argument.name].kind in ("int", "size") else text
