"""What moves elements: views, slices, padding, resizing, shuffling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number, product
from convcalc.importing.settling import MOST_AXES
from convcalc.importing.views import (
    BATCH,
    View,
    atoms_of,
    fresh,
    merged,
    regrouped,
    size_of,
)
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.graph.assembly import Tensor
from convcalc.model.quantities.unknown import UNKNOWN, known


def identity(build: Build, node: Node) -> Sequence[Held]:
    """What passes its input on."""
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
        total, rest = product(own), product([size for size in sizes if size != -1])
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

    Which of them an element stands for is not followed; it is no work. Raises NoRule if samples
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
        rest = -product(sizes)
        sizes[sizes.index(-1)] = product(own) // rest if rest > 0 else 0
    first = tuple(atom for atom in view.axes[0] if view.role(atom) != BATCH)
    if first or sizes[0] != own[0] or product(sizes) != product(own) or min(sizes) < 1:
        raise NoRule(f"a reshape of {list(own)} to {list(shape)}")
    own_order = [sizes[-1], *sizes[1:-1]] if is_last else sizes[1:]
    made = build.add("opaque", view.tensor, output=own_order, params=0, macs=0, note="reshape")
    found = fresh(made, view.batch, made.shape.dims[1:])
    first, channels, *positions = found.axes
    return found._replace(axes=(first, *positions, channels)) if is_last else found


def _rest_unknown(own: Sequence[int], sizes: Sequence[int]) -> Any:
    """What is left of unknown sizes, if it is the one axis that the stated ones leave."""
    numbers = [size for size in own if size != 1]
    for size in sizes:
        if size not in (1, -1):
            if size not in numbers:
                return None
            numbers.remove(size)
    return product(numbers) if numbers else 1


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


# --- slices ------------------------------------------------------------------------------------


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
    no part of the channels."""
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


# --- sizes -------------------------------------------------------------------------------------


def pad(build: Build, node: Node) -> Sequence[Held]:
    """Pad axes before and behind."""
    view = build.view(node)
    rank = len(view.axes)
    stated = build.numbers(node, 1, "pads") or ()
    pads = [int(each) for each in stated]
    axes = build.numbers(node, 3, "axes") or tuple(range(len(pads) // 2))
    before, after = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        at = axis_number(int(axis), rank)
        before[at], after[at] = pads[index], pads[index + len(axes)]
    if not any(pads):
        return [view]
    for axis in range(rank):
        if before[axis] < 0 or after[axis] < 0:
            size = view.sizes[axis]
            if not known((size,)):
                raise NoRule("a pad that cuts an axis whose size is not known")
            view = take(build, view, axis, max(-before[axis], 0), size + min(after[axis], 0))
            before[axis], after[axis] = max(before[axis], 0), max(after[axis], 0)
    if not any((*before, *after)):
        return [view]
    touched = [axis for axis in range(rank) if before[axis] or after[axis]]
    if any(view.role(a) == BATCH for axis in touched for a in view.axes[axis]):
        raise NoRule("it pads the batch")
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    fields = {"mode": mode[node.value("mode", "constant")]}
    if fields["mode"] == "constant":
        fields = {}
    return [_padded(build, view, before, after, touched, fields)]


def _padded(
    build: Build,
    view: View,
    before: Sequence[int],
    after: Sequence[int],
    touched: Sequence[int],
    fields: Mapping[str, Any],
) -> View:
    """Pad the axes of the tensor that axes of the view are."""
    roles = {axis: view.axis_of(view.axes[axis]) for axis in touched}
    if any(role == BATCH for role in roles.values()):
        view, roles = _apart(build, view, touched)
    channels = [axis for axis, role in roles.items() if role == 0]
    spatial = len(view.stored) - 1
    tensor = view.tensor
    if channels:
        (axis,) = channels
        tensor = build.add("pad_channels", tensor, before=before[axis], after=after[axis])
    if len(channels) < len(touched):
        padding = [[0, 0] for _ in range(spatial)]
        for axis, role in roles.items():
            if role:
                padding[role - 1] = [before[axis], after[axis]]
        tensor = build.add("pad", tensor, padding=padding, **fields)
    stored, axes = list(view.stored), list(view.axes)
    for axis, role in roles.items():
        axes[axis] = stored[role] = atoms_of(tensor.shape.dims[1 + role])
    return View(tensor, view.batch, tuple(stored), tuple(axes))


def _apart(build: Build, view: View, touched: Sequence[int]) -> tuple[View, dict[int, int]]:
    """A view each of whose touched axes is one of its tensor, and which."""
    first, *rest = view.axes
    if len(rest) <= 4 and rest and all(view.role(atom) == BATCH for atom in first):
        return build.image(view), {axis: axis - 1 for axis in touched}
    if len(touched) > 3:
        raise NoRule("it pads more than three axes")
    others = tuple(
        atom
        for axis, group in enumerate(view.axes)
        if axis not in touched
        for atom in group
        if view.role(atom) != BATCH
    )
    target = (others, *(view.axes[axis] for axis in touched))
    view = View(build.settle(view, target), view.batch, target, view.axes)
    return view, {axis: index + 1 for index, axis in enumerate(touched)}


def resize(build: Build, node: Node) -> Sequence[Held]:
    """Resize to sizes, or by scales."""
    x = build.image(build.view(node))
    rank = len(x.stored) - 1
    sizes, scales = build.numbers(node, 3, "sizes"), None
    if sizes is None:
        scales = build.numbers(node, 2, "scales")
    fields = _interpolation(node)
    axes = [axis_number(int(axis), rank + 2) for axis in node.value("axes") or range(rank + 2)]
    stated = sizes if sizes is not None else scales
    if stated is None or len(stated) != len(axes):
        raise NoRule("a resize without a size")
    given = dict(zip(axes, stated, strict=True))
    for axis, own in enumerate(x.sizes[:2]):
        if given.get(axis, own if sizes is not None else 1) != (own if sizes is not None else 1):
            raise NoRule("it resizes batch or channels")
    if sizes is not None:
        fields["size"] = [int(given.get(axis, x.sizes[axis])) for axis in range(2, rank + 2)]
    else:
        fields["scale"] = [_scale(given.get(axis, 1)) for axis in range(2, rank + 2)]
    made = build.add("upsample", x.tensor, **fields)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def _interpolation(node: Node) -> dict[str, Any]:
    """How a resize reads its input, as fields."""
    transform = node.value("coordinate_transformation_mode", "half_pixel")
    mode = node.value("mode", "nearest")
    if mode not in ("nearest", "linear", "cubic"):
        raise NoRule(f"a resize by {mode}")
    if transform == "tf_crop_and_resize":
        raise NoRule("a resize of a part that is given by numbers")
    if node.value("antialias", 0):
        raise NoRule("a resize whose windows grow with the scale")
    if node.value("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise NoRule("a resize that keeps the aspect ratio")
    is_floor = node.value("nearest_mode", "round_prefer_floor") == "floor"
    if mode == "nearest":
        return {"mode": mode if transform == "asymmetric" and is_floor else "nearest_exact"}
    fields: dict[str, Any] = {"mode": mode}
    if transform == "align_corners":
        fields["align_corners"] = True
    return fields


def _scale(value: float) -> float | int:
    return int(value) if value == int(value) else float(f"{value:.9g}")


def depth_to_space(build: Build, node: Node) -> Sequence[Held]:
    """DepthToSpace, in either order of the channels."""
    x = build.image(build.view(node))
    made = build.add("pixel_shuffle", x.tensor, factor=node.value("blocksize"))
    return [fresh(made, x.batch, made.shape.dims[1:])]


def space_to_depth(build: Build, node: Node) -> Sequence[Held]:
    """SpaceToDepth."""
    x = build.image(build.view(node))
    made = build.add("pixel_unshuffle", x.tensor, factor=node.value("blocksize"))
    return [fresh(made, x.batch, made.shape.dims[1:])]


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
    "Slice": slice_,
    "Split": split,
    "Gather": gather,
    "GatherND": gather_nd,
    "Move": move,
    "Overwrite": overwrite,
    "Pad": pad,
    "Resize": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
