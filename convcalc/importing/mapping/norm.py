"""Normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.mapping.convolution import check_channels
from convcalc.importing.mapping.joining import combined, with_constant
from convcalc.importing.mapping.pooling import reduced
from convcalc.importing.views import View, regrouped, size_of


def batch_norm(build: Build, node: Node) -> Sequence[Held]:
    """BatchNormalization over the second axis: scale, bias, mean, variance."""
    x = _over_channels(build, build.view(node))
    scale, bias = (_given(build, node, index, value) for index, value in ((1, 1.0), (2, 0.0)))
    for each in (scale, bias):
        if each is not None:
            check_channels(x, prod(each.dims), "norm")
    fields: dict[str, Any] = {}
    if not node.value("scaled", scale is not None):
        fields["scale"] = False
    if not node.value("shifted", bias is not None):
        fields["bias"] = False
    if not node.value("affine", True):
        fields = {"affine": False}
    elif build.stored_once and scale is not None and scale.roots and not scale.learned:
        fields["frozen"] = True
    return [build.same(x, "batch_norm", **fields)]


def _given(build: Build, node: Node, index: int, neutral: float) -> Constant | None:
    """A scale or shift; None for numbers that change nothing, in a file that lists what is stored.

    ONNX has no norm without them.
    """
    found = build.constant(node, index)
    if found is None or found.roots or not build.stored_once:
        return found
    return None if set(found.data or ()) == {neutral} else found


def instance_norm(build: Build, node: Node) -> Sequence[Held]:
    """InstanceNormalization."""
    x = build.image(build.view(node))
    scale = build.constant(node, 1)
    # An exporter writes ones where there is no scale.
    is_one = scale is not None and not scale.learned and {1.0} == set(scale.data or ())
    affine = scale is not None and not is_one and node.value("affine", True)
    return [build.same(x, "instance_norm", affine=affine)]


def group_norm(build: Build, node: Node) -> Sequence[Held]:
    """GroupNormalization over the second axis and all behind it."""
    view = build.view(node)
    x = _over_channels(build, view)
    groups = node.value("num_groups", 1)
    scale, bias = (build.constant(node, index) for index in (1, 2))
    channels = size_of(x.stored[0])
    if scale is None or prod(scale.dims) == channels:
        fields: dict[str, Any] = {} if scale is not None else {"affine": False}
        return [build.same(x, "group_norm", groups=groups, **fields)]
    if prod(scale.dims) != groups or bias is None or channels % groups:
        raise NoRule(f"a norm for {prod(scale.dims)} channels meets {channels}")
    # The first version of ONNX's has one number per group.
    found = build.same(x, "group_norm", groups=groups, affine=False)
    sizes = found.sizes
    apart = regrouped(found, [sizes[0], groups, channels // groups, *sizes[2:]])
    if apart is None:
        raise NoRule("groups that are not part of the channels")
    for op, each in (("Mul", scale), ("Add", bias)):
        constant = each._replace(dims=(groups, *[1] * (len(sizes) - 1)))
        apart = with_constant(build, op, apart, constant, first=False)
    whole = regrouped(apart, sizes)
    if whole is None:
        raise NoRule("groups that are not part of the channels")
    return [whole]


def layer_norm(build: Build, node: Node) -> Sequence[Held]:
    """LayerNormalization over the last axes, from ``axis`` on."""
    return [_layer_norm(build, node, "layer_norm")]


def rms_norm(build: Build, node: Node) -> Sequence[Held]:
    """RMSNormalization over the last axes, from ``axis`` on."""
    return [_layer_norm(build, node, "rms_norm")]


def _layer_norm(build: Build, node: Node, operator: str) -> View:
    view = build.view(node)
    rank = len(view.axes)
    axes = node.value("axes") or range(axis_number(node.value("axis", -1), rank), rank)
    axes = sorted(axis_number(axis, rank) for axis in axes)
    normalised = {atom for axis in axes for atom in view.axes[axis]}
    fields: dict[str, Any] = {}
    if not node.input(1) or _given(build, node, 1, 1.0) is None:
        fields["affine"] = False
    elif operator == "layer_norm" and not node.input(2):
        fields["bias"] = False
    everything = {atom for group in view.stored for atom in group}
    if operator == "layer_norm" and normalised == everything and len(view.stored) > 1:
        weight = build.constant(node, 1)
        if weight is None or prod(weight.dims) == prod(view.tensor.shape.dims[1:]):
            return build.same(view, operator, spatial=True, **fields)
        if prod(weight.dims) == size_of(view.stored[0]):
            affine = {"affine": False} if not node.input(1) else {}
            return build.same(view, "group_norm", groups=1, **affine)
        raise NoRule("its weights have other sizes than what it normalises")
    return build.same(build.along(view, axes), operator, **fields)


def local_response_norm(build: Build, node: Node) -> Sequence[Held]:
    """LRN."""
    x = build.image(build.view(node))
    return [build.same(x, "local_response_norm", size=node.value("size"))]


def _over_channels(build: Build, view: View) -> View:
    """A view whose second axis is its tensor's channels."""
    if len(view.axes) < 2:
        raise NoRule("it has no channels")
    return build.along(view, [1])


def lp_norm(build: Build, node: Node) -> Sequence[Held]:
    """LpNormalization: a norm over one axis, and a quotient."""
    view = build.view(node)
    axis = axis_number(node.value("axis", -1), len(view.axes))
    norm = reduced(build, view, [axis], "sum")
    return [combined(build, "Div", view, norm)]


def mean_variance(build: Build, node: Node) -> Sequence[Held]:
    """MeanVarianceNormalization: over samples and positions, of each channel."""
    x = build.image(build.view(node))
    axes = sorted(node.value("axes") or (0, 2, 3))
    if axes not in ([0, *range(2, len(x.axes))], [*range(2, len(x.axes))]):
        raise NoRule("it normalises over other axes than the positions")
    if axes[0] == 0 and x.batch:
        raise NoRule("it normalises over samples of the batch")
    return [build.same(x, "instance_norm", affine=False)]


RULES: Mapping[str, Rule] = {
    "LpNormalization": lp_norm,
    "MeanVarianceNormalization": mean_variance,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "SimplifiedLayerNormalization": rms_norm,
    "LRN": local_response_norm,
}
