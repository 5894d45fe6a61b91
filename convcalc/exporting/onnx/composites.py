"""Operators that are built from others, written by their parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from convcalc.exporting.onnx.activation import broadcast
from convcalc.exporting.onnx.convolution import bias_of, slid
from convcalc.exporting.onnx.joining import product
from convcalc.exporting.onnx.nodes import BUFFER, Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rearranging import channel_shuffle, windows_of
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.operators.contract import Function, Operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.mix_conv import split_channels
from convcalc.model.ops.rearranging.channel_shuffle import ChannelShuffle
from convcalc.model.quantities.unknown import known

Functions = Mapping[str, Callable[..., Value]]
Write = Callable[[Writing, Operator, Sequence[Value]], Value]


def composed(functions: Functions) -> Callable[..., Value]:
    """A rule that writes an operator part by part; ``functions`` those that are not operators."""

    def rule(part: Writing, operator: Any, *inputs: Value, write: Write) -> Value:
        made: dict[int | str, Value] = dict(enumerate(inputs))
        last: int | str = 0
        for step in part.analysis.parts:
            given = [made[source] for source in step.reads]
            if isinstance(step.operator, Function):
                made[step.name] = functions[step.name](part.step(step), operator, *given)
            else:
                made[step.name] = write(part.inner(step), step.operator, given)
            last = step.name
        return made[part.analysis.result or last]

    return rule


def times(part: Writing, _: Any, x: Value, gate: Value) -> Value:
    """A product, of which one may be repeated."""
    return broadcast(part, "Mul", x, gate)


def joined(part: Writing, operator: Any, *values: Value) -> Value:
    """Channels one behind the other, as many of them as the operator makes."""
    return part.slice(part.concat(values, 1), 1, 0, operator.out_channels)


# --- convolutions of some of the channels ---------------------------------------------------------


def partial_conv(part: Writing, operator: Any, x: Value) -> Value:
    """The convolution of the first channels."""
    weight = part.stored("weight")
    ones = (1,) * (len(x.dims) - 2)
    conv = Conv(
        out_channels=part.made[1],
        kernel_size=operator.kernel_size,
        stride=ones,
        padding="half",
        dilation=ones,
        bias=False,
    )
    return slid(part, part.slice(x, 1, 0, weight.dims[0]), weight, None, conv, 1)


def untouched(part: Writing, _: Any, convolved: Value, x: Value) -> Value:
    """The convolved channels and those behind them."""
    if convolved.dims[1] == x.dims[1]:
        return convolved
    return part.concat([convolved, part.slice(x, 1, convolved.dims[1], x.dims[1])], 1)


def mix_conv(part: Writing, operator: Any, x: Value, *, write: Write) -> Value:
    """A convolution for each share of the channels."""
    shares = split_channels(x.dims[1], len(operator.kernel_size))
    steps = [step for step in part.analysis.parts if not isinstance(step.operator, Function)]
    pieces = part.split(x, 1, *shares)
    made = [
        write(part.inner(step), step.operator, [piece])
        for step, piece in zip(steps, pieces, strict=True)
    ]
    return part.concat(made, 1)


def selected(part: Writing, _: Any, x: Value) -> Value:
    """The channels that an index names, which is stored."""
    return part.node("Gather", x, part.index("index", BUFFER), to=part.made, axis=1)


def learned_group_conv(part: Writing, operator: Any, x: Value, *, write: Write) -> Value:
    """The parts, and the shuffle behind them."""
    if operator.phase != "converted":
        raise Unwritable(
            "learned_group_conv in training has no counterpart in ONNX", "phase: converted"
        )
    made = composed({"select": selected})(part, operator, x, write=write)
    return channel_shuffle(part, ChannelShuffle(groups=operator.groups), made)


# --- kernels that are computed --------------------------------------------------------------------


def aggregated(part: Writing, operator: Any, x: Value, kernels: Value) -> Value:
    """Involution: every window times the kernel of its position and group of channels."""
    batch, channels, *sizes = part.made
    groups, taps, rank = channels // operator.group_channels, prod(operator.kernel_size), len(sizes)
    ones = (1,) * rank
    sides = [((k - 1) // 2,) * 2 for k in operator.kernel_size]
    apart = windows_of(part, part.pad(x, sides), operator.kernel_size, operator.stride, ones)
    order = (*range(3, 3 + 2 * rank, 2), 1, *range(2, 2 + 2 * rank, 2))
    count = prod(sizes)
    windows = part.reshape(
        part.transpose(apart, 0, *order), batch, count, groups, channels // groups, taps
    )
    own = part.reshape(kernels, batch, groups, taps, count)
    own = part.unsqueeze(part.transpose(own, 0, 3, 1, 2), 4)
    made = part.reshape(product(part, windows, own), batch, count, channels)
    return part.reshape(part.transpose(made, 0, 2, 1), *part.made)


def deformed(part: Writing, operator: Any, x: Value, *maps: Value) -> Value:
    """A convolution whose taps are moved; the offsets come first in what one layer makes."""
    if len(x.dims) != 4:
        raise Unwritable("deform_conv has a counterpart in ONNX only on two axes")
    offset, *masks = maps
    count = 2 * prod(operator.kernel_size) * operator.deform_groups
    offset = part.slice(offset, 1, 0, count)
    padding = operator.padding or ((0, 0), (0, 0))
    if isinstance(padding, str):
        raise Unwritable(f"deform_conv with padding {padding}", "padding in numbers")
    weight, bias = part.stored("weight"), bias_of(part)
    if bias is None and masks:
        bias = part.filled((weight.dims[0],))
    return part.node(
        "DeformConv",
        x,
        weight,
        offset,
        bias,
        *masks,
        to=part.made,
        kernel_shape=list(operator.kernel_size),
        strides=list(operator.stride),
        pads=[*(before for before, _ in padding), *(after for _, after in padding)],
        dilations=list(operator.dilation),
        group=operator.groups or 1,
        offset_group=operator.deform_groups,
    )


def factors(part: Writing, _: Any, both: Value) -> Value:
    """The sigmoid of what stands behind the offsets."""
    count = part.made[1]
    return part.node("Sigmoid", part.slice(both, 1, both.dims[1] - count, both.dims[1]))


def deform_conv(part: Writing, operator: Any, x: Value, *maps: Value, write: Write) -> Value:
    """Versions 1 and 2; with maps that are given, the operator alone."""
    if operator.version > 2:
        raise Unwritable(f"deform_conv version {operator.version} has no counterpart in ONNX")
    if operator.offset == "external":
        return deformed(part, operator, x, *maps)
    return composed({"main": deformed, "sigmoid": factors})(part, operator, x, write=write)


def correlation(part: Writing, operator: Any, one: Value, other: Value) -> Value:
    """The products of the vectors of two maps, at all or at near displacements."""
    batch, made, *sizes = part.made
    channels, rank = one.dims[1], len(sizes)
    if not known((channels, *sizes, *other.dims[2:])):
        raise Unwritable("correlation of sizes that are not known", "set those of the input")
    for axis, (stride, size) in enumerate(zip(operator.stride, one.dims[2:], strict=True), 2):
        one = part.slice(one, axis, 0, size, stride)
    count = prod(sizes)
    rows = part.transpose(part.reshape(one, batch, channels, count), 0, 2, 1)
    if operator.max_displacement is None:
        found = product(part, rows, part.flat(other))
        found = part.with_number("Mul", found, channels**-0.5)
    else:
        steps = operator.displacement_stride
        reach = [d // t * t for d, t in zip(operator.max_displacement, steps, strict=True)]
        kernel = [2 * d // t + 1 for d, t in zip(reach, steps, strict=True)]
        other = part.pad(other, [(d, d) for d in reach])
        apart = windows_of(part, other, kernel, operator.stride, steps)
        order = (*range(3, 3 + 2 * rank, 2), 1, *range(2, 2 + 2 * rank, 2))
        windows = part.reshape(part.transpose(apart, 0, *order), batch, count, channels, made)
        found = part.squeeze(product(part, part.unsqueeze(rows, 2), windows), 2)
        found = part.with_number("Mul", found, 1 / channels)
    return part.reshape(part.transpose(found, 0, 2, 1), *part.made)


RULES: Mapping[str, Rule] = {"correlation": correlation}
COMPOSITES: Mapping[str, Callable[..., Any]] = {
    "squeeze_excite": composed({"scale": times}),
    "large_kernel_attention": composed({"gate": times}),
    "separable_conv": composed({}),
    "spatially_separable_conv": composed({}),
    "partial_conv": composed({"conv": partial_conv, "concat": untouched}),
    "ghost_conv": composed({"concat": joined}),
    "mix_conv": mix_conv,
    "learned_group_conv": learned_group_conv,
    "involution": composed({"aggregate": aggregated}),
    "deform_conv": deform_conv,
}
