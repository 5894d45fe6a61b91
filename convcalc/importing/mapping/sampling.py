"""Pooling of boxes, and pooling undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.mapping.convolution import windows
from convcalc.importing.views import View, atoms_of, fresh
from convcalc.model.quantities.unknown import known


def roi_align(build: Build, node: Node) -> Sequence[Held]:
    """RoiAlign: each box is a sample of the output."""
    x = build.image(build.view(node))
    boxes = build.held(node.input(1))
    sizes = boxes.sizes if isinstance(boxes, View) else boxes.dims
    if len(sizes) != 2 or not known(sizes) or x.tensor.shape.batch != 1:
        raise NoRule("how many boxes there are depends on the input")
    if node.value("mode", "avg") != "avg":
        raise NoRule("the maximum of the samples of a bin")
    fields: dict[str, Any] = {}
    if node.value("coordinate_transformation_mode", "half_pixel") == "half_pixel":
        fields["aligned"] = True
    made = build.add(
        "roi_align",
        x.tensor,
        output_size=[node.value("output_height", 1), node.value("output_width", 1)],
        rois=sizes[0],
        spatial_scale=float(f"{node.value('spatial_scale', 1.0):.9g}"),
        sampling_ratio=node.value("sampling_ratio", 0),
        **fields,
    )
    return [fresh(made, atoms_of(sizes[0]), made.shape.dims[1:])]


def roi_pool(build: Build, node: Node) -> Sequence[Held]:
    """MaxRoiPool: as RoiAlign; a box is the number of its image and four corners."""
    x = build.image(build.view(node))
    boxes = build.held(node.input(1))
    sizes = boxes.sizes if isinstance(boxes, View) else boxes.dims
    if len(sizes) != 2 or not known(sizes) or x.tensor.shape.batch != 1:
        raise NoRule("how many boxes there are depends on the input")
    made = build.add(
        "roi_pool",
        x.tensor,
        output_size=list(node.value("pooled_shape") or ()),
        rois=sizes[0],
        spatial_scale=float(f"{node.value('spatial_scale', 1.0):.9g}"),
    )
    return [fresh(made, atoms_of(sizes[0]), made.shape.dims[1:])]


def max_unpool(build: Build, node: Node) -> Sequence[Held]:
    """MaxUnpool: values at the places where a MaxPool found them."""
    x = build.image(build.view(node))
    fields = windows(node, len(x.stored) - 1)
    fields.setdefault("stride", 1)
    size = build.numbers(node, 2, "")
    if size is not None:
        fields["output_size"] = [int(each) for each in size[2:]]
    made = build.add("max_unpool", x.tensor, **fields)
    return [fresh(made, x.batch, made.shape.dims[1:])]


RULES: Mapping[str, Rule] = {
    "RoiAlign": roi_align,
    "MaxRoiPool": roi_pool,
    "MaxUnpool": max_unpool,
}
