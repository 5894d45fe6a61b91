"""Convolutions and matrix products with learned weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.views import View, fresh, size_of
from convcalc.model.geometry.sizes import slide_size
from convcalc.model.quantities.unknown import known


def windows(
    node: Node, rank: int, kernel: Sequence[int] = (), sizes: Sequence[int] = ()
) -> dict[str, Any]:
    """Kernel, stride, padding and dilation of a window over sizes, as fields."""
    kernel = node.value("kernel_shape") or kernel
    if len(kernel) != rank:
        raise NoRule(f"a window of {len(kernel)} axes on {rank}")
    fields: dict[str, Any] = {"kernel_size": list(kernel)}
    strides, dilations = node.value("strides"), node.value("dilations")
    if strides and any(s != 1 for s in strides):
        fields["stride"] = list(strides)
    if dilations and any(d != 1 for d in dilations):
        fields["dilation"] = list(dilations)
    padding = padding_of(node, rank)
    if padding == "same_lower":
        padding = _same_lower(node, kernel, sizes)
    if padding:
        fields["padding"] = padding
    return fields


def padding_of(node: Node, rank: int) -> Any:
    """The padding of a window: before and behind on each axis, or a word; 0 for none."""
    word = node.value("auto_pad", "NOTSET")
    if word == "SAME_UPPER":
        return "same"
    if word == "SAME_LOWER":
        return "same_lower"
    pads = node.value("pads")
    if word == "VALID" or not pads or not any(pads):
        return 0
    if len(pads) != 2 * rank:
        raise NoRule(f"{len(pads)} paddings for {rank} axes")
    before, after = pads[:rank], pads[rank:]
    if list(before) == list(after):
        return list(before)
    return [[b, a] for b, a in zip(before, after, strict=True)]


def _same_lower(node: Node, kernel: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """Padding to ceil(n / stride) outputs, the odd row in front."""
    ones = [1] * len(kernel)
    strides, dilations = node.value("strides") or ones, node.value("dilations") or ones
    if len(sizes) != len(kernel) or not known(sizes):
        raise NoRule("padding SAME_LOWER of a size that is not known")
    found = []
    for n, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        found.append([total - total // 2, total // 2])
    return found


def conv(build: Build, node: Node) -> Sequence[Held]:
    """Conv: weight (out, in / groups, *kernel)."""
    x = build.image(build.view(node))
    if not build.is_constant(node, 1):
        return [_of_computed(build, node, x, build.view(node, 1))]
    weight = build.weight(node, 1)
    out, per_group, *kernel = weight.dims
    groups = node.value("group", 1)
    check_channels(x, per_group * groups, "weight")
    fields = windows(node, len(x.stored) - 1, kernel, x.sizes[2:])
    has_bias = bool(node.input(2))
    channels = size_of(x.stored[0])
    if not has_bias:
        fields["bias"] = False
    if build.stored_once and not weight.learned and groups == channels and not has_bias:
        del fields["bias"]
        filters = out // channels
        shared = prod(weight.stored or weight.dims) == filters * prod(kernel)
        made = build.add("fixed_conv", x.tensor, filters=filters, shared=shared, **fields)
    elif groups > 1 and groups == channels:
        if out != channels:
            fields["depth_multiplier"] = out // channels
        made = build.add("depthwise_conv", x.tensor, **fields)
    else:
        if groups > 1:
            fields["groups"] = groups
        made = build.add("conv", x.tensor, out_channels=out, **fields)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def _of_computed(build: Build, node: Node, x: View, weight: View) -> View:
    """A convolution with a kernel that the network computes: what it makes, and its work."""
    if not known(weight.sizes) or node.input(2):
        raise NoRule("input 1 is computed, not a constant")
    out, per_group, *kernel = weight.sizes
    check_channels(x, per_group * node.value("group", 1), "weight")
    fields = windows(node, len(x.stored) - 1, kernel, x.sizes[2:])
    ones = (1,) * len(kernel)
    stride, dilation = (tuple(fields.get(key, ones)) for key in ("stride", "dilation"))
    padding = fields.get("padding", 0)
    if isinstance(padding, str):
        raise NoRule("input 1 is computed, not a constant")
    sides = [(side, side) if type(side) is int else side for side in padding or [0] * len(kernel)]
    sizes = [
        slide_size(n, d * (k - 1) + 1, s, *pair)
        for n, k, s, d, pair in zip(x.sizes[2:], kernel, stride, dilation, sides, strict=True)
    ]
    work = out * per_group * prod(kernel) * prod(sizes)
    made = build.add(
        "opaque",
        x.tensor,
        weight.tensor,
        output=[out, *sizes],
        params=0,
        macs=work,
        note="a convolution with a computed kernel",
    )
    return fresh(made, x.batch, made.shape.dims[1:])


def deform_conv(build: Build, node: Node) -> Sequence[Held]:
    """DeformConv: a convolution whose taps are moved by an offset map, and weighed by a mask."""
    x, offset = (build.image(build.view(node, index)) for index in (0, 2))
    weight = build.weight(node, 1)
    out, per_group, *kernel = weight.dims
    groups = node.value("group", 1)
    check_channels(x, per_group * groups, "weight")
    fields = windows(node, len(x.stored) - 1, kernel)
    if not node.input(3) or not build.weight(node, 3).learned:
        fields["bias"] = False
    for field, number in (("groups", groups), ("deform_groups", node.value("offset_group", 1))):
        if number > 1:
            fields[field] = number
    maps = [offset.tensor]
    if node.input(4):
        maps.append(build.image(build.view(node, 4)).tensor)
    fields |= {"version": len(maps), "offset": "external", "out_channels": out}
    made = build.add("deform_conv", x.tensor, *maps, **fields)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def conv_transpose(build: Build, node: Node) -> Sequence[Held]:
    """ConvTranspose: weight (in, out / groups, *kernel)."""
    x = build.image(build.view(node))
    weight = build.weight(node, 1)
    channels, per_group, *kernel = weight.dims
    groups = node.value("group", 1)
    check_channels(x, channels, "weight")
    fields = _stamps(node, kernel, x.sizes[2:])
    if not node.input(2):
        fields["bias"] = False
    if groups > 1:
        fields["groups"] = groups
    made = build.add("conv_transpose", x.tensor, out_channels=per_group * groups, **fields)
    return [fresh(made, x.batch, made.shape.dims[1:])]


def _stamps(node: Node, kernel: Sequence[int], sizes: Sequence[int]) -> dict[str, Any]:
    """The fields of a transposed convolution; the size of its output decides over its padding."""
    word, rank = node.value("auto_pad", "NOTSET"), len(kernel)
    fields = windows(node._replace(values={**node.values, "auto_pad": "NOTSET"}), rank, kernel)
    extra = list(node.value("output_padding") or [0] * rank)
    wanted = node.value("output_shape")
    strides, dilations = fields.get("stride", [1] * rank), fields.get("dilation", [1] * rank)
    if not wanted and word not in ("SAME_UPPER", "SAME_LOWER"):
        if word == "VALID":
            fields.pop("padding", None)
        return {**fields, **({"output_padding": extra} if any(extra) else {})}
    if not known(sizes):
        raise NoRule("a padding that depends on a size that is not known")
    made = list(wanted)[-rank:] if wanted else [n * s for n, s in zip(sizes, strides, strict=True)]
    padding = []
    for axis, n in enumerate(sizes):
        full = strides[axis] * (n - 1) + dilations[axis] * (kernel[axis] - 1) + 1
        total = full + extra[axis] - made[axis]
        if total < 0:  # rows behind that nothing reaches
            extra[axis] -= total
            total = 0
        small = total // 2
        padding.append([small, total - small] if word == "SAME_UPPER" else [total - small, small])
    fields |= {"padding": padding} if any(map(any, padding)) else {"padding": 0}
    return {**fields, **({"output_padding": extra} if any(extra) else {})}


def gemm(build: Build, node: Node) -> Sequence[Held]:
    """Gemm of a computed matrix and a learned one."""
    x = build.view(node)
    if node.value("transA", 0):
        x = x.with_axes(tuple(reversed(x.axes)))
    weight = build.weight(node, 1)
    rows, columns = weight.dims
    out, inner = (rows, columns) if node.value("transB", 0) else (columns, rows)
    return [apply_linear(build, x, inner, out, has_bias=bool(node.input(2)))]


def linear(build: Build, node: Node) -> Sequence[Held]:
    """Linear over the last axis: weight (out, in)."""
    out, inner = build.weight(node, 1).dims
    bias = build.constant(node, 2)
    is_whole = bias is not None and (bias.learned or not build.stored_once)
    found = apply_linear(build, build.view(node), inner, out, has_bias=is_whole)
    if bias is None or is_whole:
        return [found]
    # One that is put together of several, such as those of queries and values.
    return [build.same(found, "elementwise", op="add", value=1.0, note="a bias of several parts")]


def apply_linear(build: Build, x: View, inner: int, out: int, *, has_bias: bool) -> View:
    """A learned matrix over the last axis of a view."""
    if size_of(x.axes[-1]) != inner:
        raise NoRule(f"a weight for {inner} channels meets {size_of(x.axes[-1])}")
    x = over_last(build, x)
    fields: dict[str, Any] = {} if has_bias else {"bias": False}
    made = build.add("linear", x.tensor, out_channels=out, **fields)
    return build.replaced(x, made, len(x.axes) - 1, out)


def over_last(build: Build, x: View) -> View:
    """A view whose tensor's channels are its last axis, for a learned matrix.

    If that is all there is of a sample, it is taken in the tensor's own order: a matrix that is
    learned may have its rows in any.
    """
    held = tuple(atom for group in x.stored for atom in group)
    if len(x.axes[-1]) == len(held) and set(x.axes[-1]) == set(held):
        x = x._replace(axes=(*x.axes[:-1], held))
    return build.along(x, [len(x.axes) - 1])


def matmul_by_constant(build: Build, x: View, weight: Constant) -> View:
    """A computed tensor times a learned matrix."""
    if len(weight.dims) < 2 or any(size != 1 for size in weight.dims[:-2]):
        raise NoRule("a batch of learned matrices")
    inner, out = weight.dims[-2:]
    return apply_linear(build, x, inner, out, has_bias=False)


def check_channels(x: View, wanted: int, what: str) -> None:
    """Raises NoRule if a weight is for another number of channels than it meets."""
    has = size_of(x.stored[0])
    if known((has,)) and has != wanted:
        raise NoRule(f"a {what} for {wanted} channels meets {has}")


RULES: Mapping[str, Rule] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DeformConv": deform_conv,
    "Gemm": gemm,
    "Linear": linear,
}
