"""Pooling and reductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.mapping.convolution import windows
from convcalc.importing.views import BATCH, View, fresh
from convcalc.model.geometry.sizes import axis_names

GLOBAL = {"GlobalAveragePool": "global_avg_pool", "GlobalMaxPool": "global_max_pool"}
MODES = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceL1": "sum",
    "ReduceL2": "sum",
    "ReduceSumSquare": "sum",
    "ReduceLogSumExp": "sum",
    "ReduceProd": "sum",
    "ReduceLogSum": "sum",
    "L2Norm": "sum",
    "ArgMax": "max",
    "ArgMin": "min",
}


def pool(build: Build, node: Node) -> Sequence[Held]:
    """MaxPool, AveragePool, LpPool."""
    x = build.image(build.view(node))
    fields = windows(node, len(x.stored) - 1, (), x.sizes[2:])
    fields.setdefault("stride", 1)  # of convcalc it is the kernel if not given
    if node.value("ceil_mode", 0):
        fields["ceil_mode"] = True
    name = {"MaxPool": "max_pool", "AveragePool": "avg_pool", "LpPool": "lp_pool"}[node.op]
    if name == "avg_pool":
        fields["count_include_pad"] = bool(node.value("count_include_pad", 0))
        if not fields.get("padding"):
            del fields["count_include_pad"]
    if name == "lp_pool":
        fields["norm_type"] = float(node.value("p", 2))
    made = build.add(name, x.tensor, **fields)
    found = fresh(made, x.batch, made.shape.dims[1:])
    return [found] * len(node.outputs)  # with the places where the largest were found


def global_pool(build: Build, node: Node) -> Sequence[Held]:
    """GlobalAveragePool, GlobalMaxPool: positions stay, with size 1."""
    x = build.image(build.view(node))
    made = build.add(GLOBAL[node.op], x.tensor, keepdim=True)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def global_lp_pool(build: Build, node: Node) -> Sequence[Held]:
    """GlobalLpPool: a norm over all positions, which stay with size 1."""
    x = build.image(build.view(node))
    return [reduced(build, x, range(2, len(x.axes)), "sum")]


def adaptive_pool(build: Build, node: Node) -> Sequence[Held]:
    """Adaptive pooling to a size."""
    x = build.image(build.view(node))
    size = list(node.value("output_size"))
    name = "avg_pool" if node.op == "AdaptiveAveragePool" else "max_pool"
    if all(each == 1 for each in size):
        made = build.add(f"global_{name}", x.tensor, keepdim=True)
    else:
        made = build.add(f"adaptive_{name}", x.tensor, output_size=size)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def reduce(build: Build, node: Node) -> Sequence[Held]:
    """A reduction over axes: a global pooling over all positions, else ``reduce``."""
    view = build.view(node)
    rank = len(view.axes)
    stated = build.numbers(node, 1, "axes")
    if node.op in ("ArgMax", "ArgMin"):
        stated = (node.value("axis", 0),)
    if stated is None and node.value("noop_with_empty_axes", 0):
        return [view]
    axes = sorted(axis_number(axis, rank) for axis in (range(rank) if stated is None else stated))
    found = reduced(build, view, axes, MODES[node.op])
    left = [g for i, g in enumerate(found.axes) if i not in axes or node.value("keepdims", 1)]
    return [found._replace(axes=tuple(left))]


def reduced(build: Build, view: View, axes: Sequence[int], mode: str) -> View:
    """The reduction of some axes, which stay with size 1."""
    atoms = [atom for axis in axes for atom in view.axes[axis]]
    if not atoms:
        return view
    if any(view.role(atom) == BATCH for atom in atoms):
        raise NoRule("it reduces over samples of the batch")
    positions = [atom for group in view.stored[1:] for atom in group]
    pooling = {"mean": "global_avg_pool", "max": "global_max_pool"}.get(mode)
    rank = view.tensor.shape.rank
    if pooling and set(atoms) == set(positions):
        tensor = build.add(pooling, view.tensor, keepdim=True)
        return _without(view, tensor, range(1, rank + 1), axes)
    channels, *spatial = view.stored
    if set(atoms) == set(channels):
        tensor = build.add("reduce", view.tensor, axis="channels", mode=mode)
        return _without(view, tensor, [0], axes)
    if set(atoms) == set(positions):
        tensor = build.add("reduce", view.tensor, axis="positions", mode=mode)
        return _without(view, tensor, range(1, rank + 1), axes)
    for index, group in enumerate(spatial):
        if group and set(atoms) == set(group):
            name = axis_names(rank)[index + 1]
            tensor = build.add("reduce", view.tensor, axis=name, mode=mode)
            return _without(view, tensor, [index + 1], axes)
    view = build.along(view, axes)
    tensor = build.add("reduce", view.tensor, axis="channels", mode=mode)
    return _without(view, tensor, [0], axes)


def _without(view: View, tensor: Any, stored: Sequence[int], axes: Sequence[int]) -> View:
    """A view of a tensor in which some axes have size 1 now."""
    left = tuple(() if i in stored else group for i, group in enumerate(view.stored))
    shown = tuple(() if i in axes else group for i, group in enumerate(view.axes))
    return View(tensor, view.batch, left, shown)


RULES: Mapping[str, Rule] = {
    "MaxPool": pool,
    "AveragePool": pool,
    "LpPool": pool,
    "GlobalLpPool": global_lp_pool,
    **dict.fromkeys(GLOBAL, global_pool),
    "AdaptiveAveragePool": adaptive_pool,
    "AdaptiveMaxPool": adaptive_pool,
    **dict.fromkeys(MODES, reduce),
}
