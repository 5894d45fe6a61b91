"""Operators that change the size of a map: padding, resizing, channels to positions and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.mapping.picking import take
from convcalc.importing.views import (
    BATCH,
    View,
    atoms_of,
    fresh,
)
from convcalc.model.quantities.unknown import known


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


RULES: Mapping[str, Rule] = {
    "Pad": pad,
    "Resize": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
