"""Pooling of boxes. Boxes come from outside of a network; zeros stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.exporting.onnx.nodes import INT, Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule


def _on_images(x: Value, name: str) -> None:
    if len(x.dims) != 4:
        raise Unwritable(f"{name} has a counterpart in ONNX only on two axes")


def roi_align(part: Writing, operator: Any, x: Value) -> Value:
    """Averages of samples in the bins of each box."""
    _on_images(x, "roi_align")
    count = part.made[0]
    boxes = part.filled((count, 4))
    images = part.nodes.add("ConstantOfShape", [part.ints(count)], (count,), kind=INT)
    height, width = operator.output_size
    moved = "half_pixel" if operator.aligned else "output_half_pixel"
    return part.node(
        "RoiAlign",
        x,
        boxes,
        images,
        to=part.made,
        output_height=height,
        output_width=width,
        sampling_ratio=max(operator.sampling_ratio, 0),
        spatial_scale=float(operator.spatial_scale),
        coordinate_transformation_mode=moved,
    )


def roi_pool(part: Writing, operator: Any, x: Value) -> Value:
    """The greatest value in each bin of each box."""
    _on_images(x, "roi_pool")
    boxes = part.filled((part.made[0], 5))
    size, scale = list(operator.output_size), float(operator.spatial_scale)
    return part.node("MaxRoiPool", x, boxes, to=part.made, pooled_shape=size, spatial_scale=scale)


RULES: Mapping[str, Rule] = {"roi_align": roi_align, "roi_pool": roi_pool}
