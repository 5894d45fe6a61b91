"""Expands the composites: ``seq``, ``residual`` and ``branches``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.language.expand.loops import condition_holds, loop_scopes
from convcalc.language.expand.scopes import Call, Frame, Names
from convcalc.language.expand.state import State, shape_of
from convcalc.language.parse.tree import Item, indexed_components
from convcalc.language.syntax.sizes import describe_input
from convcalc.model.graph.assembly import Value
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import operator_class
from convcalc.model.operators.values import format_value, is_whole
from convcalc.model.quantities.unknown import known

Scope = dict[str, Any]


def expand_seq(state: State, call: Call) -> Value:
    """Expands ``seq``; with an id, its layers get a path level of their own."""
    item, (source, *_) = call.item, call.inputs
    names = _child_names(call, indexed_components(item.body))
    return state.expand_items(item.body, source, names, call.inner)


def expand_residual(state: State, call: Call) -> Value:
    """Expands ``residual``: body and shortcut read the same input and are joined.

    Of a body that is left out by its ``if`` only the shortcut remains.
    """
    item, (source, *_) = call.item, call.inputs
    names = _child_names(call, item.inner_indexed)
    frame = call.inner
    has_body = _has_body(item, call.scope)
    main = state.expand_items(item.body, source, names, frame)
    side = source
    if item.shortcut:
        inner = names.path("shortcut")
        below = names.below(inner, "shortcut", indexed_components(item.shortcut))
        side = state.expand_items(item.shortcut, source, below, frame)
    return _join(state, call, [main, side], names) if has_body else side


def expand_branches(state: State, call: Call) -> Value:
    """Expands ``branches``: each reads the input or a slice of its channels; all are joined."""
    item, (source, *_) = call.item, call.inputs
    names = _child_names(call, item.inner_indexed)
    rounds = list(_branch_rounds(state, call))
    present = [each for each in rounds if each is not None]
    if not present:
        message = "no branch is left: the 'if' of each is false, or its 'for' has no round"
        raise rejected("wrong-type", message, item.place, "an empty branch [] is the identity")
    pieces = iter(_channel_ranges(item, source, call.scope, len(present)))
    results = []
    for each in rounds:
        inner = names.path("branch")
        if each is None:
            continue
        branch, frame, turn = each
        below = names.below(inner, "branch", indexed_components(branch.body))
        piece = next(pieces)
        read = source if piece is None else _slice_channels(state, call, piece, below)
        result = state.expand_items(branch.body, read, below, frame)
        if branch.loops and len(branch.body) == 1 and branch.body[0].id:
            frame.tensors[f"{branch.body[0].id}[{turn}]"] = result
        results.append(result)
    return _join(state, call, results, names) if len(results) > 1 else results[0]


def _branch_rounds(state: State, call: Call) -> Iterator[tuple[Item, Frame, int] | None]:
    """Yields every branch, once per round of its ``for``; None for one that is left out."""
    (source, *_), outer = call.inputs, call.inner

    for branch in call.item.branches:
        if not (branch.loops or branch.condition or branch.optional_body):
            yield branch, outer, 0
            continue
        _, scopes = loop_scopes(branch, outer.scope, partial(state.all.named, frame=outer))
        for turn, scope in enumerate(scopes):
            state.layering.step(branch.place, scope)
            describe_input(scope, shape_of(source))
            if _holds(branch, scope):
                inner = Call(branch, [source], call.path, call.names, outer, scope, turn)
                yield branch, inner.inner, turn
            else:
                outer.left_out.update(item.id for item in branch.body)
                yield None


def _slice_channels(state: State, call: Call, channels: tuple[int, int], names: Names) -> Value:
    """Adds the layer that cuts out one branch's channels, from start up to stop."""
    start, stop = channels
    state.require_inputs(call.inputs, call.item.place)
    slicing = state.layering.intern(_operator("channel_slice", start=start, stop=stop))
    path = names.path("split")
    return state.layering.add(
        "channel_slice", slicing, call.inputs[:1], path, names, call.frame, call.item
    )


def _join(state: State, call: Call, parts: list[Value], names: Names) -> Value:
    """Adds the layer that joins branches."""
    join = call.item.join
    state.require_inputs(parts, call.item.place)
    operator = state.layering.intern(_operator(join))
    path = names.path(join)
    return state.layering.add(join, operator, parts, path, names, call.frame, call.item)


def _operator(name: str, **fields: Any) -> Operator:
    return operator_class(name)(**fields)


def _child_names(call: Call, indexed: frozenset[str]) -> Names:
    """The path names for a composite's children; a level of their own if it has an id."""
    if call.item.transparent:
        return call.names
    return call.names.below(call.path, call.item.kind, indexed)


def _holds(branch: Item, scope: Scope) -> bool:
    """Whether a branch is there: by its own condition, and by that of any of its layers."""
    return condition_holds(branch.condition, scope) and _has_body(branch, scope)


def _has_body(item: Item, scope: Scope) -> bool:
    """Whether anything of a body is there, or it says itself that there is nothing."""
    return not item.optional_body or any(
        condition_holds(layer.condition, scope) for layer in item.body
    )


def _channel_ranges(
    item: Item, source: Value, scope: Scope, count: int
) -> Sequence[tuple[int, int] | None]:
    """The channel range (start, stop) of each of some branches; None if it reads all channels."""
    copies = [None] * count
    if item.split is None or source is None:
        return copies
    evaluate, node = item.split
    value, channels = evaluate(scope), source.shape.channels
    if value == "copy":
        return copies
    if value == "channels":
        if not known(channels):
            message = "the channels to split are not known"
            raise rejected("bad-expression", message, node.place, "give them in a list")
        if channels % count:
            message = f"{count} branches do not divide {channels} channels"
            advice = "give the channels of each branch in a list"
            raise rejected("does-not-divide", message, node.place, advice)
        value = [channels // count] * count
    return _ranges(value, count, channels, node.place)


def _ranges(value: Any, count: int, channels: int, place: Place) -> list[tuple[int, int]]:
    """Consecutive ranges of the given lengths; Rejected unless they add up to the channels."""
    sizes = value if isinstance(value, list) else []
    if not known((value, *sizes)):
        message = "split depends on a size that is not known"
        raise Rejected(Diagnostic("bad-expression", message, place), needs_input=True)
    if len(sizes) != count or not all(is_whole(size) and size > 0 for size in sizes):
        message = (
            f"split is {format_value(value)}, but must be channels, copy or {count} channel counts"
        )
        raise rejected("wrong-type", message, place)
    if known(channels) and sum(sizes) != channels:
        total = sum(sizes)
        message = (
            f"split {format_value(value)} adds up to {total}, but the input has {channels} channels"
        )
        raise rejected("shape-mismatch", message, place)
    ends = accumulate(sizes)
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]
