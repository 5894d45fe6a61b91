"""Operators that take a part of a tensor: slices, splits, elements by their indices, rows of a
table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.mapping.shaping import reshaped
from convcalc.importing.views import (
    BATCH,
    View,
    atoms_of,
    merged,
    size_of,
)
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.graph.assembly import Tensor
from convcalc.model.quantities.unknown import UNKNOWN, known


def take(build: Build, view: View, axis: int, start: int, stop: int, step: int = 1) -> View:
    """A part of an axis of a view: every ``step``-th element from ``start`` to before ``stop``."""
    group = view.axes[axis]
    size = size_of(group)
    count = len(range(start, stop, step)) if known((size,)) else UNKNOWN
    if known((size,)) and (start, stop, step) == (0, size, 1):
        return view
    if not group or any(view.role(atom) == BATCH for atom in group):
        raise NoRule("it takes samples of the batch")
    role = view.role(group[0])
    stored = view.stored[role]
    if role == 0 and stored[: len(group)] != group:
        selected = _selected(build, view, axis, range(start, stop, step))
        if selected is not None:
            return selected
    if stored[: len(group)] != group or (step != 1 and stored != group):
        others = [
            tuple(a for a in g if view.role(a) != BATCH)
            for i, g in enumerate(view.axes)
            if i != axis
        ]
        others = [g for g in others if g]
        if role == 0 and step == 1 and all(view.role(atom) == 0 for atom in group):
            rest = tuple(atom for atom in stored if atom not in group)
            target = ((*group, *rest), *view.stored[1:])
        else:
            if len(others) > 3:
                others = [tuple(a for g in others for a in g)]
            target = (group, *others)
        view = View(build.settle(view, target), view.batch, target, view.axes)
        role, stored = 0, target[0]
    inner = size_of(stored[len(group) :])
    made = _cut(build, view, role, start * inner, stop * inner, step, inner)
    new = atoms_of(count)
    left = (*new, *stored[len(group) :])
    return merged(
        View(
            made,
            view.batch,
            (*view.stored[:role], left, *view.stored[role + 1 :]),
            (*view.axes[:axis], new, *view.axes[axis + 1 :]),
        )
    )


MOST_SELECTED = 65_536  # channels that are listed one by one


def _selected(build: Build, view: View, axis: int, chosen: Sequence[int]) -> View | None:
    """A part of each of several groups of channels, which stay in their order; None if the axis is
    not a part of the channels."""
    group, stored = view.axes[axis], view.stored[0]
    at = stored.index(group[0])
    outer, inner = stored[:at], stored[at + len(group) :]
    sizes = (size_of(outer), size_of(group), size_of(inner))
    if stored[at : at + len(group)] != group or not known(sizes):
        return None
    groups, size, each = sizes
    if groups * len(chosen) * each > MOST_SELECTED:
        return None
    indices = [
        (first * size + index) * each + last
        for first in range(groups)
        for index in chosen
        for last in range(each)
    ]
    made = build.add("channel_select", view.tensor, indices=indices)
    new = atoms_of(len(chosen))
    axes = (*view.axes[:axis], new, *view.axes[axis + 1 :])
    return merged(View(made, view.batch, ((*outer, *new, *inner), *view.stored[1:]), axes))


def _cut(build: Build, view: View, role: int, start: int, stop: int, step: int, inner: int) -> Any:
    """The layer that takes a part of an axis of the tensor."""
    if step != 1 and inner != 1:
        raise NoRule("every other group of channels")
    fields: dict[str, Any] = {"start": start} if start else {}
    fields["stop"] = stop
    if role == 0 and step == 1:
        return build.add("channel_slice", view.tensor, **fields)
    if step != 1:
        fields["step"] = step
    name = axis_names(len(view.stored) - 1)[role]
    return build.add("slice", view.tensor, axis=name, **fields)


def slice_(build: Build, node: Node) -> Sequence[Held]:
    """Slice along some axes."""
    view = build.view(node)
    starts = build.numbers(node, 1, "starts") or ()
    stops = build.numbers(node, 2, "ends") or ()
    axes = build.numbers(node, 3, "axes") or tuple(range(len(starts)))
    steps = build.numbers(node, 4, "steps") or (1,) * len(starts)
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        at = axis_number(int(axis), len(view.axes))
        size = view.sizes[at]
        if not known((size,)):
            if (start, step) == (0, 1) and stop > 1 << 30:
                continue
            raise NoRule("a slice of an axis whose size is not known")
        if step < 1:
            raise NoRule("a slice in reverse order")
        first, last, _ = slice(int(start), int(stop), int(step)).indices(size)
        view = take(build, view, at, first, last, int(step))
    return [view]


def split(build: Build, node: Node) -> Sequence[Held]:
    """Split an axis into parts."""
    view = build.view(node)
    axis = axis_number(node.value("axis", 0), len(view.axes))
    size, count = view.sizes[axis], len(node.outputs)
    sizes = build.numbers(node, 1, "split")
    if sizes is None:
        if not known((size,)):
            raise NoRule("a split of an axis whose size is not known")
        each = -(-size // count)
        sizes = tuple(min(each, size - each * i) for i in range(count))
    found: list[Held] = []
    start = 0
    for width in sizes:
        found.append(take(build, view, axis, start, start + int(width)))
        start += int(width)
    return found


def gather(build: Build, node: Node) -> Sequence[Held]:
    """Gather by constant indices along an axis; of a table by computed ones: ``embedding``."""
    table = build.held(node.input(0))
    if isinstance(table, Constant):
        return [_embedding(build, node, table)]
    view = table
    axis = axis_number(node.value("axis", 0), len(view.axes))
    indices = build.weight(node, 1)
    if indices.data is None:
        if not build.stored_once:
            raise NoRule("the indices are not in the file")
        if indices.origin and len(indices.dims) == 1 and indices.dims[0] <= view.sizes[axis]:
            x = build.along(view, [axis])
            made = build.add("channel_select", x.tensor, channels=indices.dims[0])
            return [build.replaced(x, made, axis, indices.dims[0])]
        return [moved(build, view, (*view.sizes[:axis], *indices.dims, *view.sizes[axis + 1 :]))]
    size = view.sizes[axis]
    if not known((size,)):
        raise NoRule("it takes from an axis whose size is not known")
    numbers = [int(i) % size if -size <= i < size else -1 for i in indices.data]
    if -1 in numbers or not numbers:
        raise NoRule("indices outside the axis")
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    if step < 1 or numbers != list(range(numbers[0], numbers[0] + step * len(numbers), step)):
        found = _picked(build, view, axis, numbers)
    else:
        found = take(build, view, axis, numbers[0], numbers[-1] + 1, step)
    if indices.dims == ():
        return [found._replace(axes=tuple(g for i, g in enumerate(found.axes) if i != axis))]
    if len(indices.dims) > 1:
        sizes = [*found.sizes[:axis], *indices.dims, *found.sizes[axis + 1 :]]
        return [reshaped(found, sizes)]
    return [found]


def gather_nd(build: Build, node: Node) -> Sequence[Held]:
    """GatherND by constant indices: rows of what the first axes are together."""
    view = build.view(node)
    indices = build.constant(node, 1) if build.is_constant(node, 1) else None
    if indices is None or node.value("batch_dims", 0):
        raise NoRule("it reads at places that are computed")
    count = indices.dims[-1]
    sizes = view.sizes[:count]
    if indices.data is None or not known(sizes):
        raise NoRule("the indices are not in the file")
    places = []
    for start in range(0, len(indices.data), count):
        place = 0
        for size, index in zip(sizes, indices.data[start : start + count], strict=True):
            place = place * size + int(index) % size
        places.append(place)
    first = tuple(atom for group in view.axes[:count] for atom in group)
    found = view.with_axes((first, *view.axes[count:]))
    found = _picked(build, found, 0, places)
    return [reshaped(found, [*indices.dims[:-1], *found.sizes[1:]], zero_copies=False)]


def _picked(build: Build, view: View, axis: int, numbers: Sequence[int]) -> View:
    """Elements of an axis in an order of their own."""
    if not view.axes[axis]:  # one element, again and again
        raise NoRule("it repeats the only element of an axis")
    view = build.along(view, [axis])
    made = build.add("channel_select", view.tensor, indices=list(numbers))
    return build.replaced(view, made, axis, len(numbers))


def moved(build: Build, view: View, sizes: Sequence[int], *more: Tensor) -> View:
    """Elements in another order, some of them repeated or left out: a layer without work.

    ``more`` are further tensors that elements come from.
    """
    if not known(tuple(sizes)):
        raise NoRule("it moves elements of an axis whose size is not known")
    axes = tuple(map(atoms_of, sizes))
    is_batch = view.axes[:1] == (view.batch,) and bool(view.batch)
    batch = axes[0] if is_batch else ()
    groups = [group for group in axes[is_batch:] if group] or [()]
    stored = (*groups[:3], tuple(atom for group in groups[3:] for atom in group))[: len(groups)]
    output = [size_of(group) for group in stored]
    made = build.add("opaque", view.tensor, *more, output=output, params=0, macs=0, note="moved")
    return View(made, batch, stored, axes)


def move(build: Build, node: Node) -> Sequence[Held]:
    """Move: elements in another order, whose sizes are stated."""
    return [moved(build, build.view(node), node.value("sizes"))]


def overwrite(build: Build, node: Node) -> Sequence[Held]:
    """Overwrite: a tensor, and one that takes the place of a part of it: a layer without work."""
    views = [each for each in map(build.held, node.inputs) if isinstance(each, View)]
    return [moved(build, views[0], node.value("sizes"), *(view.tensor for view in views[1:]))]


def _embedding(build: Build, node: Node, table: Constant) -> View:
    """A row of a learned table for each number of the input."""
    view = build.view(node, 1)
    if node.value("axis", 0) != 0 or len(table.dims) != 2:
        raise NoRule("a table that is not one row per number")
    if view.stored[0] or len(view.stored) > 4:
        raise NoRule("numbers that are channels")
    rows, width = table.dims
    made = build.add("embedding", view.tensor, num_embeddings=rows, embedding_dim=width)
    new = atoms_of(width)
    return View(made, view.batch, (new, *view.stored[1:]), (*view.axes, new))


RULES: Mapping[str, Rule] = {
    "Slice": slice_,
    "Split": split,
    "Gather": gather,
    "GatherND": gather_nd,
    "Move": move,
    "Overwrite": overwrite,
}
