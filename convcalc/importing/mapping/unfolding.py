"""Windows laid out in channels, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.views import fresh


def im2col(build: Build, node: Node) -> Sequence[Held]:
    """Im2Col: the windows of a map in its channels, one after another in one axis."""
    x = build.image(build.view(node))
    made = build.add("unfold", x.tensor, **_fields(node, len(x.stored) - 1))
    return [fresh(made, x.batch, made.shape.dims[1:])]


def col2im(build: Build, node: Node) -> Sequence[Held]:
    """Col2Im: windows summed where they overlap."""
    x = build.image(build.view(node))
    size = build.numbers(node, 1, "image_shape")
    if size is None:
        raise NoRule("the size of the map is not there")
    if not node.value("kernel_shape"):  # ONNX's own has it as an input
        kernel = tuple(int(each) for each in build.numbers(node, 2, "") or ())
        node = node._replace(values={**node.values, "kernel_shape": kernel})
    fields = _fields(node, len(size))
    made = build.add("fold", x.tensor, output_size=[int(each) for each in size], **fields)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def _fields(node: Node, rank: int) -> dict[str, Any]:
    """Kernel, stride, padding and dilation, one number for each axis of the map."""
    pads = node.value("pads") or (0,) * 2 * rank
    kernel = node.value("kernel_shape") or ()
    if len(kernel) != rank or len(pads) != 2 * rank or pads[:rank] != pads[rank:]:
        raise NoRule("windows that are padded unequally")
    return {
        "kernel_size": list(kernel),
        "stride": list(node.value("strides") or (1,) * rank),
        "padding": list(pads[:rank]),
        "dilation": list(node.value("dilations") or (1,) * rank),
    }


RULES: Mapping[str, Rule] = {"Im2Col": im2col, "Col2Im": col2im}
