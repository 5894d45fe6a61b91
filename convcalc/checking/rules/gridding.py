"""Finds gridding: stacks of dilated layers that leave positions unread.

The positions that a tensor reads of the start of its stack are followed exactly, layer by layer. A
chain has no holes if each layer, sorted by dilation, has a dilation of at most the span of those
before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from convcalc.analysis.receptive_field.dilated_stacks import Window, field_size, gap
from convcalc.analysis.receptive_field.domains import SUPPORTS, Bits, TooWide
from convcalc.analysis.receptive_field.reach import Reach, propagate
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.work import current
from convcalc.model.geometry.axis_maps import (
    IDENTITY,
    AxisMap,
    Nothing,
    Scattered,
    Slide,
    Unreadable,
    Whole,
    is_unbounded,
)
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.graph.network import Layer, Network
from convcalc.model.graph.readers import Reading, finding, readings

NAME = "gridding"


Way = tuple[Any, Window] | None  # a window and, before it, the way up to there


class Stack(NamedTuple):
    """The positions that a tensor reads of the tensor where its stack begins, per axis.

    ``start`` is the number of that tensor, or -1 after upsampling or where different stacks meet:
    neighbours there are not independent, so that a hole may be harmless. ``read`` are the
    positions, ``windows`` the windows on the way, each with those before it. ``spread`` is the last
    layer with dilated taps. ``is_chain`` says that no branches met.
    """

    start: int
    read: tuple[Bits, ...]
    windows: tuple[Way, ...]
    spread: Layer | None = None
    is_chain: bool = True


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for holes at the end of a stack: a change of resolution or an output."""
    if not any(_is_dilated(axis) for axis in _maps(network)):
        return
    stacks = {k: _empty_stack(k, shape.rank) for k, shape in enumerate(network.inputs.values())}
    readers = readings(network)
    last_read = {number: layer for layer in network.layers for number in layer.inputs}
    seen: set[str] = set()
    outputs = set(network.outputs.values())
    for number, layer in network.numbered():
        stack = _follow_layer(layer, stacks)
        after = readers.get(number, ())
        ends = any(local(axis).shift != 1 for axes in layer.analysis.axes for axis in axes)
        is_over = ends or number in outputs or not any(map(_continues_stack, after))
        if is_over and stack.spread and stack.start >= 0 and stack.spread.path not in seen:
            problem = _holes(stack)
            if problem:
                seen.add(stack.spread.path)
                yield problem
        for source in layer.inputs:
            if last_read[source] is layer:
                stacks.pop(source, None)
        if after:
            rank = layer.analysis.output.rank
            stacks[number] = _empty_stack(number, rank) if ends else stack


def _maps(network: Network) -> set[AxisMap]:
    """Return all axis maps of a network, each once."""
    analyses = {id(layer.analysis): layer.analysis for layer in network.layers}.values()
    every = {axis for each in analyses for axes in each.axes for axis in axes}
    return set(map(local, every)) - {IDENTITY}


def local(axis: AxisMap) -> AxisMap:
    """Return the map without a global dependence, such as that of a norm or a gate."""
    return axis.local if isinstance(axis, Whole) and axis.local is not None else axis


def _is_plain(axis: AxisMap) -> bool:
    """Whether every output reads the same taps, shifted."""
    axis = local(axis)
    if isinstance(axis, Whole | Scattered | Unreadable | Nothing) or is_unbounded(axis):
        return False
    return axis.period == 1


def _is_dilated(axis: AxisMap) -> bool:
    """Whether there are gaps between the taps of an output."""
    return _is_plain(axis) and any(window.step > 1 for window in _windows(axis))


def _empty_stack(number: int, rank: int) -> Stack:
    """Return a stack without layers, which starts at the tensor ``number``."""
    return Stack(number, (SUPPORTS.start,) * rank, (None,) * rank)


def _continues_stack(reading: Reading) -> bool:
    """Whether a reader belongs to the same stack: it reads fixed windows on every axis."""
    return len(reading.axes) > 0 and all(map(_is_plain, reading.axes))


def _follow_layer(layer: Layer, stacks: Mapping[int, Stack]) -> Stack:
    """Return the stack of a layer's output; a new one where it cannot be followed."""
    rank = layer.analysis.output.rank
    parts = [
        _follow_input(layer, axes, stacks[source])
        for source, axes in zip(layer.inputs, layer.analysis.axes, strict=True)
        if len(axes) == rank
    ]
    found = [part for part in parts if part is not None and len(part.read) == rank]
    if not found or len(found) < len(parts) or len({part.start for part in found}) > 1:
        return _empty_stack(-1, rank)
    merged = found[0] if len(found) == 1 else _merge(found)
    return merged or _empty_stack(-1, rank)


def _follow_input(layer: Layer, axes: Sequence[AxisMap], stack: Stack) -> Stack | None:
    """Return the stack of the output as seen through one input; None if it cannot be followed."""
    axes = [local(axis) for axis in axes]
    if all(axis is IDENTITY for axis in axes) or len(axes) != len(stack.read):
        return stack if len(axes) == len(stack.read) else None
    pairs = list(zip(axes, stack.read, strict=True))
    done = {pair: _read_through(*pair) for pair in dict.fromkeys(pairs)}
    read = [done[pair] for pair in pairs]
    if None in read:
        return None
    windows = tuple(_go_on(old, axis) for axis, old in zip(axes, stack.windows, strict=True))
    apart = any(map(_is_dilated, axes))
    return stack._replace(
        read=tuple(bits for bits in read if bits),
        windows=windows,
        spread=layer if apart else stack.spread,
        is_chain=stack.is_chain and all(isinstance(axis, Slide) for axis in axes),
    )


def _read_through(axis: AxisMap, read: Bits) -> Bits | None:
    """Return the positions read through one more axis map; None where outputs differ."""
    if not _is_plain(axis):
        return None
    try:
        found: Bits | None = propagate(axis, Reach(seen=(read,)), SUPPORTS).at(0, SUPPORTS)
    except TooWide:
        return None
    return found


def _windows(axis: AxisMap) -> tuple[Window, ...]:
    """Return the window of a layer; for other maps, two taps at their largest distance."""
    if isinstance(axis, Slide):
        return (Window(axis.dilation, axis.kernel_size),) if axis.kernel_size > 1 else ()
    gaps = {b - a for a, b in pairwise(axis.taps(0))}
    return (Window(max(gaps), 2),) if gaps and max(gaps) > 1 else ()


def _go_on(way: Way, axis: AxisMap) -> Way:
    """Return the windows on the way through one more axis map."""
    for window in _windows(axis):
        way = (way, window)
    return way


def _listed(way: Way) -> list[Window]:
    """Return the windows on the way, the first one first."""
    found = []
    while way is not None:
        way, window = way
        found.append(window)
    current().spend(1 + len(found) // 8, "rules of design")
    return found[::-1]


def _merge(parts: Sequence[Stack]) -> Stack | None:
    """Return the stack after branches meet: the union of what they read; None if it is too wide."""
    axes = zip(*(part.read for part in parts), strict=True)
    try:
        read = tuple(SUPPORTS.union(list(dict.fromkeys(axis))) for axis in axes)
    except TooWide:
        return None
    widest = max(parts, key=lambda part: sum(bits.bit_length() for _, bits in part.read))
    spread = widest.spread or next((part.spread for part in parts if part.spread), None)
    # A shortcut past a chain adds nothing to what the chain reads.
    is_chain = widest.is_chain and read == widest.read
    return widest._replace(read=read, spread=spread, is_chain=is_chain)


def _holes(stack: Stack) -> Diagnostic | None:
    """Return the finding if a position within the extent is not read on some axis."""
    assert stack.spread is not None
    for axis, ((_, bits), way) in enumerate(zip(stack.read, stack.windows, strict=True)):
        if bits.bit_count() == bits.bit_length():
            continue
        windows = _listed(way)
        dilations = [window.step for window in windows if window.step > 1]
        listed = ", ".join(map(str, dilations[:8])) + (", …" if len(dilations) > 8 else "")
        where = axis_name(axis, len(stack.read))
        message = (
            f"dilation{'s' * (len(dilations) != 1)} {listed} leave{'s' * (len(dilations) == 1)} "
            f"holes: of {bits.bit_length()} positions in {where} the stack reads {bits.bit_count()}"
        )
        return finding(NAME, stack.spread, message, _advice(stack, windows))
    return None


def _advice(stack: Stack, windows: Sequence[Window]) -> str:
    """Return the advice; for a chain, the largest dilation without holes."""
    hole = gap(windows) if stack.is_chain else None
    if hole is None:
        return "add an undilated layer at this resolution"
    span = field_size([window for window in windows if window < hole])
    if span == 1:
        return f"add an undilated layer, or make dilation {hole.step} of one layer 1"
    return f"the layers of smaller dilation span {span}: use at most {span} instead of {hole.step}"
