"""Operators that only address elements otherwise: reshapes, transpositions, repetition, casts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.settling import MOST_AXES
from convcalc.importing.views import (
    BATCH,
    View,
    fresh,
    regrouped,
)
from convcalc.model.quantities.unknown import known


def identity(build: Build, node: Node) -> Sequence[Held]:
    """Pass the input on."""
    return [build.held(node.input(0))]


def quantized(build: Build, node: Node) -> Sequence[Held]:
    """DynamicQuantizeLinear: numbers of 8 bits, with a scale and a zero point that are computed."""
    return [build.held(node.input(0)), Constant(()), Constant(())]


def dropout(build: Build, node: Node) -> Sequence[Held]:
    """Dropout: a layer where the format says at which rate, else nothing."""
    rate = node.value("ratio", 0)
    held = build.held(node.input(0))
    if not rate or isinstance(held, Constant):
        return [held]
    return [build.same(held, "dropout", rate=float(f"{rate:.6g}"))]


def transpose(build: Build, node: Node) -> Sequence[Held]:
    """Transpose: axes in another order."""
    view = build.view(node)
    rank = len(view.axes)
    order = node.value("perm") or range(rank - 1, -1, -1)
    if sorted(order) != list(range(rank)):
        raise NoRule(f"a permutation {list(order)} of {rank} axes")
    return [view.with_axes(tuple(view.axes[axis] for axis in order))]


def reshape(build: Build, node: Node) -> Sequence[Held]:
    """Reshape to sizes, of which 0 copies and -1 is what is left."""
    view = build.view(node)
    shape = build.numbers(node, 1, "shape")
    if shape is None:
        raise NoRule("the sizes to reshape to are not there")
    sizes = [int(size) for size in shape]
    zero_copies = not node.value("allowzero", 0)
    try:
        return [reshaped(view, sizes, zero_copies=zero_copies)]
    except NoRule:
        is_last = bool(node.value("channels_last")) and len(sizes) > 2
        return [_as_new_axes(build, view, sizes, zero_copies=zero_copies, is_last=is_last)]


def reshaped(view: View, shape: Sequence[int], *, zero_copies: bool = True) -> View:
    """The view with other sizes; raises NoRule if they cut its axes where they have no border."""
    sizes: list[int] = []
    own = view.sizes
    for index, size in enumerate(shape):
        if size == 0 and zero_copies:
            if index >= len(own):
                raise NoRule("a size to copy that is not there")
            sizes.append(own[index])
        else:
            sizes.append(size)
    if -1 in sizes:
        total, rest = prod(own), prod([size for size in sizes if size != -1])
        if not known((total, rest)):
            left = _rest_unknown(own, sizes)
            if left is None:
                raise NoRule("a reshape of sizes that are not known")
            sizes[sizes.index(-1)] = left
        elif rest == 0 or total % rest:
            raise NoRule(f"{total} elements as {list(shape)}")
        else:
            sizes[sizes.index(-1)] = total // rest
    found = regrouped(view, sizes)
    if found is None:
        raise NoRule(f"a reshape of {list(own)} to {sizes}")
    return found


def _as_new_axes(
    build: Build, view: View, shape: Sequence[int], *, zero_copies: bool, is_last: bool
) -> View:
    """The elements of each sample on axes that have nothing to do with their old ones.

    Which of them an element stands for is not followed; it is not work. Raises NoRule if samples
    would become anything else.
    """
    own = view.sizes
    sizes = [
        own[i] if size == 0 and zero_copies and i < len(own) else size
        for i, size in enumerate(shape)
    ]
    if not known((*own, *sizes)) or not 1 < len(sizes) <= MOST_AXES + 1:
        raise NoRule(f"a reshape of {list(own)} to {list(shape)}")
    if -1 in sizes:
        rest = -prod(sizes)
        sizes[sizes.index(-1)] = prod(own) // rest if rest > 0 else 0
    first = tuple(atom for atom in view.axes[0] if view.role(atom) != BATCH)
    if first or sizes[0] != own[0] or prod(sizes) != prod(own) or min(sizes) < 1:
        raise NoRule(f"a reshape of {list(own)} to {list(shape)}")
    own_order = [sizes[-1], *sizes[1:-1]] if is_last else sizes[1:]
    made = build.add("opaque", view.tensor, output=own_order, params=0, macs=0, note="reshape")
    found = fresh(made, view.batch, made.shape.dims[1:])
    first, channels, *positions = found.axes
    return found._replace(axes=(first, *positions, channels)) if is_last else found


def _rest_unknown(own: Sequence[int], sizes: Sequence[int]) -> Any:
    """Return what is left of unknown sizes, if it is the one axis that the stated ones leave."""
    numbers = [size for size in own if size != 1]
    for size in sizes:
        if size not in (1, -1):
            if size not in numbers:
                return None
            numbers.remove(size)
    return prod(numbers) if numbers else 1


def flatten(build: Build, node: Node) -> Sequence[Held]:
    """Flatten to two axes: those before one, and the rest."""
    view = build.view(node)
    axis = node.value("axis", 1)
    axis = axis if axis == len(view.axes) else axis_number(axis, len(view.axes))
    before, after = view.axes[:axis], view.axes[axis:]
    axes = tuple(tuple(atom for group in part for atom in group) for part in (before, after))
    return [view.with_axes(axes)]


def squeeze(build: Build, node: Node) -> Sequence[Held]:
    """Squeeze: axes of size 1 dropped."""
    view = build.view(node)
    rank = len(view.axes)
    stated = build.numbers(node, 1, "axes")
    if stated is None:
        axes = [i for i, group in enumerate(view.axes) if not group]
    else:
        axes = [axis_number(int(axis), rank) for axis in stated]
    if any(view.axes[axis] for axis in axes):
        raise NoRule("it drops an axis that has a size")
    return [view._replace(axes=tuple(g for i, g in enumerate(view.axes) if i not in axes))]


def unsqueeze(build: Build, node: Node) -> Sequence[Held]:
    """Unsqueeze: axes of size 1 put in."""
    view = build.view(node)
    stated = build.numbers(node, 1, "axes")
    if stated is None:
        raise NoRule("the axes to put in are not there")
    rank = len(view.axes) + len(stated)
    new = {axis_number(int(axis), rank) for axis in stated}
    if len(new) < len(stated):
        raise NoRule("an axis that is put in twice")
    old = iter(view.axes)
    return [view._replace(axes=tuple(() if i in new else next(old) for i in range(rank)))]


def expand(build: Build, node: Node) -> Sequence[Held]:
    """Expand: repetition is left to who reads it, which broadcasts; nothing is copied."""
    view = build.view(node)
    shape = build.numbers(node, 1, "shape") or ()
    extra = len(shape) - len(view.axes)
    return [view._replace(axes=((),) * max(extra, 0) + view.axes)]


def tile(build: Build, node: Node) -> Sequence[Held]:
    """Tile: an axis of one element is left to who reads it, others are repeated by a move."""
    view = build.view(node)
    counts = [int(each) for each in build.numbers(node, 1, "repeats") or ()]
    if len(counts) != len(view.axes) or any(count < 1 for count in counts):
        raise NoRule(f"{len(counts)} repetitions of {len(view.axes)} axes")
    for axis, count in enumerate(counts):
        if count > 1 and view.axes[axis]:
            view = _repeated(build, view, axis, count)
    return [view]


def _repeated(build: Build, view: View, axis: int, count: int) -> View:
    """A view one of whose axes has its elements several times, one row after another."""
    if not known((view.sizes[axis],)):
        raise NoRule("it repeats an axis whose size is not known")
    view = build.along(view, [axis])
    size = view.sizes[axis] * count
    made = build.add("concat", *[view.tensor] * count)
    return build.replaced(view, made, axis, size)


REPEATING = ("Expand", "Tile")  # what they repeat keeps size 1
IDLE = ("Identity", "Cast", "CastLike", "Dropout", "StopGradient")

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(IDLE, identity),
    "Dropout": dropout,
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Expand": expand,
    "Tile": tile,
    "QuantizeLinear": identity,
    "DequantizeLinear": identity,
    "DynamicQuantizeLinear": quantized,
}
