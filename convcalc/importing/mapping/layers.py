"""Layers of formats that name what they are and not their weights: Keras, for instance.

A node ``Layer`` says which operator of convcalc it is, by ``operator`` and ``fields``, and by
``reads`` what it works on:

    image      batch, channels and ``rank`` positions, channels last if ``channels_last``;
               positions are dropped if ``drops``
    axes       the channels are ``axes`` of the tensor, and stay where they are
    last       a matrix over the last axis
    elements   each element

``weights`` names what it learns; two nodes of one name share it. A node ``Move`` only moves
elements. A node ``Unmapped`` has no rule,
for the ``reason`` that it states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.mapping.convolution import over_last
from convcalc.importing.views import BATCH, View, fresh, size_of

Fields = dict[str, Any]


def layer(build: Build, node: Node) -> Sequence[Held]:
    """A layer of a named operator."""
    view = build.view(node)
    return [_READS[node.value("reads")](build, node, view, dict(node.value("fields") or {}))]


def _image(build: Build, node: Node, view: View, fields: Fields) -> View:
    rank = node.value("rank")
    if len(view.axes) != rank + 2:
        raise NoRule(f"{rank} spatial axes, but it reads a tensor of {len(view.axes)} axes")
    is_last = node.value("channels_last")
    if is_last:
        first, *positions, channels = view.axes
        view = view._replace(axes=(first, channels, *positions))
    x = build.image(view)
    operator = _depthwise(node.value("operator"), size_of(x.stored[0]), fields)
    made = build.add(operator, x.tensor, **fields)
    found = fresh(made, x.batch, made.shape.dims[1:])
    first, channels, *positions = found.axes
    if is_last and not node.value("drops"):
        return found._replace(axes=(first, *positions, channels))
    return found


def _depthwise(operator: str, channels: int, fields: Fields) -> str:
    """Another name for a convolution that has a group for each channel."""
    groups, out = fields.get("groups", 1), fields.get("out_channels")
    if operator != "conv" or groups == 1 or groups != channels or out is None or out % groups:
        return operator
    del fields["groups"], fields["out_channels"]
    if out != groups:
        fields["depth_multiplier"] = out // groups
    return "depthwise_conv"


def _axes(build: Build, node: Node, view: View, fields: Fields) -> View:
    axes = sorted({axis_number(axis, len(view.axes)) for axis in node.value("axes")})
    operator = node.value("operator")
    atoms = {atom for axis in axes for atom in view.axes[axis]}
    everything = {atom for group in view.stored for atom in group}
    if operator == "layer_norm" and len(axes) > 1 and atoms == everything:
        return build.same(view, operator, spatial=True, **fields)
    if not atoms and len(axes) == 1 and any(view.stored):
        return build.same(_with_one(build, view), operator, **fields)
    return build.same(build.along(view, axes), operator, **fields)


def _with_one(build: Build, view: View) -> View:
    """A view whose tensor has one channel, since the axis that it works on has size 1."""
    rest = tuple(tuple(a for a in group if view.role(a) != BATCH) for group in view.axes)
    target = ((), *[group for group in rest if group])
    return View(build.settle(view, target), view.batch, target, view.axes)


def _last(build: Build, node: Node, view: View, fields: Fields) -> View:
    x = over_last(build, view)
    made = build.add(node.value("operator"), x.tensor, **fields)
    return build.replaced(x, made, len(x.axes) - 1, made.shape.channels)


def _elements(build: Build, node: Node, view: View, fields: Fields) -> View:
    return build.same(view, node.value("operator"), **fields)


def unmapped(_: Build, node: Node) -> Sequence[Held]:
    """A node of which its reader knows that it has no rule."""
    raise NoRule(node.value("reason"))


_READS: Mapping[str, Callable[[Build, Node, View, Fields], View]] = {
    "image": _image,
    "axes": _axes,
    "last": _last,
    "elements": _elements,
}

RULES: Mapping[str, Rule] = {"Layer": layer, "Unmapped": unmapped}
