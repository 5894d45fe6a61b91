"""Recurrent layers, sampling by a grid, and choices by a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.views import BATCH, View, atoms_of, size_of
from convcalc.model.geometry.sizes import axis_names


def recurrent(build: Build, node: Node) -> Sequence[Held]:
    """LSTM and GRU: the sequence that comes out; the last states are not made.

    values: ``hidden_size``, ``num_layers``, ``bidirectional``, and ``time``, the axis of the input
    that is walked along; the last axis holds what is read at each step.
    """
    view = build.view(node)
    time = node.value("time")
    if len(view.axes) != 3 or time not in (0, 1):
        raise NoRule("a sequence that is not of three axes")
    weight = build.weight(node, 1)
    if weight.dims[-1] != size_of(view.axes[2]):
        raise NoRule(f"a weight for {weight.dims[-1]} numbers meets {size_of(view.axes[2])}")
    others = tuple(atom for atom in view.axes[1 - time] if view.role(atom) != BATCH)
    target = (view.axes[2], view.axes[time], *([others] if others else []))
    made = build.add(
        node.op.lower(),
        build.settle(view, target),
        hidden_size=node.value("hidden_size"),
        num_layers=node.value("num_layers"),
        bidirectional=bool(node.value("bidirectional")),
        bias=bool(node.value("has_biases")),
        axis=axis_names(len(target) - 1)[1],
    )
    new = atoms_of(made.shape.dims[1])
    return [View(made, view.batch, (new, *target[1:]), (*view.axes[:2], new))]


def grid_sample(build: Build, node: Node) -> Sequence[Held]:
    """GridSample: a map read at the positions that a second tensor gives in its last axis.

    Maps of several samples that are parts of one stand one below another, and so do their grids.
    """
    x = build.view(node)
    held = build.held(node.input(1))
    grid = _fixed_grid(build, held) if isinstance(held, Constant) else held
    samples, channels, *sizes = x.axes
    places = grid.axes[1:-1]
    if len(sizes) != len(places) or size_of(samples) != size_of(grid.axes[0]):
        raise NoRule("a grid for another number of axes or samples")
    parts, ours = (
        tuple(atom for atom in view.axes[0] if view.role(atom) != BATCH) for view in (x, grid)
    )
    target = (grid.axes[-1], (*ours, *places[0]), *places[1:])
    fields: dict[str, Any] = {"mode": node.value("mode", "linear")}
    if node.value("align_corners", 0):
        fields["align_corners"] = True
    made = build.add(
        "grid_sample",
        build.settle(x, (channels, (*parts, *sizes[0]), *sizes[1:])),
        build.settle(grid, target),
        **fields,
    )
    return [View(made, x.batch, (channels, *target[1:]), (grid.axes[0], channels, *places))]


def _fixed_grid(build: Build, constant: Constant) -> View:
    """A grid that does not depend on the input, as a view of a layer."""
    axes = tuple(map(atoms_of, constant.dims))
    stored = (axes[-1], (*axes[0], *axes[1]), *axes[2:-1])
    tensor = build.source(constant, [size_of(group) for group in stored])
    return View(tensor, (), stored, axes)


def where(build: Build, node: Node) -> Sequence[Held]:
    """Where a fixed mask chooses between a tensor and a constant: one operation per element."""
    mask, *others = (build.held(name) for name in node.inputs)
    views = [each for each in others if isinstance(each, View)]
    if not isinstance(mask, Constant) or len(views) != 1:
        raise NoRule("a choice that depends on what is computed")
    (view,) = views
    sizes = (1,) * (len(mask.dims) - len(view.sizes)) + view.sizes
    if any(n not in (1, own) for n, own in zip(reversed(mask.dims), reversed(sizes), strict=False)):
        raise NoRule("a mask of other sizes")
    return [build.same(view, "elementwise", op="mul", value=1.0, note="chosen by a mask")]


RULES: Mapping[str, Rule] = {
    "LSTM": recurrent,
    "GRU": recurrent,
    "GridSample": grid_sample,
    "Where": where,
}
