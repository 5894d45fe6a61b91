"""Writes the operators of TensorFlow Lite as nodes; channels come last in all of them.

Source: the operator reference of TensorFlow Lite's MLIR dialect ("'tfl' Dialect") and its schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from math import prod
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Constant, Node, Sizes
from convcalc.importing.formats.tflite.buffers import Table

_NOWHERE = Place("", 1, 1)
_FUSED: Mapping[int, tuple[str, Mapping[str, Any]]] = {
    1: ("Relu", {}),
    2: ("Clip", {"min": -1, "max": 1}),
    3: ("Clip", {"min": 0, "max": 6}),
    4: ("Tanh", {}),
    5: ("Sign", {}),
}


class Reading:
    """An operator with what it reads and makes, and the nodes that it has become."""

    def __init__(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        sizes: Mapping[str, Sizes],
        options: Table | None,
        constants: MutableMapping[str, Constant],
    ) -> None:
        self.kind = kind
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.sizes = sizes
        self.options = options
        self.constants = constants
        self.nodes: list[Node] = []

    # --- what is there ------------------------------------------------------------------------

    @property
    def made(self) -> Sizes:
        """The sizes of its first output."""
        return self.sizes[self.outputs[0]]

    def read(self, index: int = 0) -> Sizes:
        """The sizes of an input; none if it is left out."""
        return self.sizes.get(self.input(index), ())

    def input(self, index: int) -> str:
        """The name of an input; empty if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def option(self, index: int, form: str = "i", default: float = 0) -> int:
        """An option that is a number."""
        return self.options.number(index, form, default) if self.options else default  # type: ignore[return-value]

    def flag(self, index: int) -> bool:
        """An option that is true or false."""
        return self.options.flag(index) if self.options else False

    def constant(self, index: int) -> Constant | None:
        """Return what is known of an input that is a constant."""
        return self.constants.get(self.input(index))

    def numbers(self, index: int) -> tuple[int, ...] | None:
        """The whole numbers of an input; None if they are computed."""
        found = self.constant(index)
        return None if found is None or found.data is None else tuple(map(int, found.data))

    # --- nodes --------------------------------------------------------------------------------

    def node(self, op: str, inputs: Sequence[str], output: str = "", **values: Any) -> str:
        """Write a node; by default it makes the operator's first output."""
        made = output or self.outputs[0]
        self.nodes.append(Node(op, tuple(inputs), (made,), values, "", _NOWHERE))
        return made

    def step(self, name: str) -> str:
        """The name of a tensor within the operator."""
        return f"{self.outputs[0]}/{name}"

    def unmapped(self, reason: str) -> None:
        """An operator without a rule; what it learns is known if it is not a loop."""
        values: dict[str, Any] = {"params": None} if self.kind in _LOOPS else {}
        self.nodes.append(
            Node(
                "Unmapped",
                tuple(name for name in self.inputs if name),
                tuple(self.outputs),
                {"reason": reason, "note": self.kind, "channels_last": True, **values},
                "",
                _NOWHERE,
            )
        )

    def renamed(self, index: int, dims: tuple[int, ...], *, learned: bool = False) -> str:
        """A constant with other sizes, as the vocabulary wants them."""
        name = f"{self.input(index)}/{self.outputs[0]}"
        found = self.constants[self.input(index)]
        self.constants[name] = found._replace(
            dims=dims,
            data=None,
            learned=found.learned or learned,
            stored=found.stored or found.dims,
        )
        return name

    def image(self, op: str, weights: Sequence[str], fused: int, **values: Any) -> None:
        """A node of batch, channels and positions, its axes exchanged before and after."""
        rank = len(self.read_of_image())
        before, after, made = self.step("first"), self.step("made"), self.step("last")
        to, back = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
        self.node("Transpose", [self.image_name()], before, perm=to)
        self.node(op, [before, *weights], after, **values)
        self.node("Transpose", [after], made if fused in _FUSED else "", perm=back)
        self.activate(made, fused)

    def image_name(self) -> str:
        """The input that is an image."""
        return self.input(2 if self.kind == "TRANSPOSE_CONV" else 0)

    def read_of_image(self) -> Sizes:
        """The sizes of the image."""
        return self.sizes[self.image_name()]

    def activate(self, tensor: str, fused: int) -> None:
        """The activation that an operator ends with, if any."""
        if fused in _FUSED:
            op, values = _FUSED[fused]
            self.node(op, [tensor], **values)

    def ends_with(self, op: str, inputs: Sequence[str], fused: int, **values: Any) -> None:
        """A node and the activation after it."""
        inner = self.step("made") if fused in _FUSED else ""
        made = self.node(op, inputs, inner, **values)
        self.activate(made, fused)


Rule = Callable[[Reading], None]
_LOOPS = ("IF", "WHILE", "CALL_ONCE", "STABLEHLO_COMPOSITE")


# --- convolutions ------------------------------------------------------------------------------


def _window(reading: Reading, stride: tuple[int, int], dilation: tuple[int, int]) -> dict[str, Any]:
    word = "VALID" if reading.option(0, "b") == 1 else "SAME_UPPER"
    return {"strides": stride, "dilations": dilation, "auto_pad": word}


def _bias(reading: Reading, index: int, out: int) -> list[str]:
    found = reading.constant(index)
    return [] if found is None else [reading.renamed(index, (out,), learned=True)]


def conv(reading: Reading) -> None:
    """CONV_2D: weights (out, height, width, in / groups)."""
    weight = reading.constant(1)
    if weight is None or len(weight.dims) != 4 or not weight.dims[3]:
        reading.unmapped("its weights are computed")
        return
    out, height, width, per_group = weight.dims
    channels = reading.read()[-1] or per_group
    stride = reading.option(2, "i", 1), reading.option(1, "i", 1)
    dilation = reading.option(5, "i", 1), reading.option(4, "i", 1)
    weights = [reading.renamed(1, (out, per_group, height, width)), *_bias(reading, 2, out)]
    values = {**_window(reading, stride, dilation), "kernel_shape": (height, width)}
    groups = channels // per_group
    reading.image("Conv", weights, reading.option(3, "b"), group=groups, **values)


def depthwise_conv(reading: Reading) -> None:
    """DEPTHWISE_CONV_2D: weights (1, height, width, out)."""
    weight = reading.constant(1)
    if weight is None or len(weight.dims) != 4:
        reading.unmapped("its weights are computed")
        return
    _, height, width, out = weight.dims
    stride = reading.option(2, "i", 1), reading.option(1, "i", 1)
    dilation = reading.option(6, "i", 1), reading.option(5, "i", 1)
    weights = [reading.renamed(1, (out, 1, height, width)), *_bias(reading, 2, out)]
    values = {**_window(reading, stride, dilation), "kernel_shape": (height, width)}
    groups = reading.read()[-1] or out // max(reading.option(3, "i", 1), 1)
    reading.image("Conv", weights, reading.option(4, "b"), group=groups, **values)


def transpose_conv(reading: Reading) -> None:
    """TRANSPOSE_CONV: output shape, weights (out, height, width, in), image, bias."""
    weight = reading.constant(1)
    if weight is None or len(weight.dims) != 4:
        reading.unmapped("its weights are computed")
        return
    out, height, width, channels = weight.dims
    stride = reading.option(2, "i", 1), reading.option(1, "i", 1)
    weights = [reading.renamed(1, (channels, out, height, width)), *_bias(reading, 3, out)]
    values = {**_window(reading, stride, (1, 1)), "kernel_shape": (height, width)}
    if None not in reading.made[1:3]:
        values["output_shape"] = reading.made[1:3]
    reading.image("ConvTranspose", weights, reading.option(3, "b"), **values)


def fully_connected(reading: Reading) -> None:
    """FULLY_CONNECTED: weights (out, in); the rest of a sample is flattened."""
    weight = reading.constant(1)
    if weight is None or len(weight.dims) != 2:
        reading.unmapped("its weights are computed")
        return
    out, inner = weight.dims
    name, sizes = reading.input(0), reading.read()
    if sizes[-1:] != (inner,) or (len(sizes) > 2 and len(reading.made) == 2):
        flat = reading.step("flat")
        name = reading.node("Reshape", [name], flat, shape=(-1, inner))
    bias = _bias(reading, 2, out)
    reading.ends_with("Linear", [name, reading.input(1), *bias], reading.option(0, "b"))


def batch_matmul(reading: Reading) -> None:
    """BATCH_MATMUL, of which each side may be transposed."""
    names = reading.inputs[:2]
    for index in (0, 1):
        if reading.flag(index):
            rank = len(reading.read(index))
            constant = reading.constant(index)
            if constant is not None:
                *rest, a, b = constant.dims
                names[index] = reading.renamed(index, (*rest, b, a))
                continue
            order = (*range(rank - 2), rank - 1, rank - 2)
            turned = reading.step(f"turned{index}")
            names[index] = reading.node("Transpose", [names[index]], turned, perm=order)
    reading.node("MatMul", names)


# --- pooling -----------------------------------------------------------------------------------


def pool(op: str) -> Rule:
    """MAX_POOL_2D, AVERAGE_POOL_2D; padding does not enter a mean."""

    def rule(reading: Reading) -> None:
        stride = reading.option(2, "i", 1), reading.option(1, "i", 1)
        kernel = reading.option(4, "i", 1), reading.option(3, "i", 1)
        values = {**_window(reading, stride, (1, 1)), "kernel_shape": kernel}
        reading.image(op, [], reading.option(5, "b"), **values)

    return rule


def reduction(op: str) -> Rule:
    """MEAN and other reductions, over axes that are an input."""

    def rule(reading: Reading) -> None:
        axes = reading.numbers(1)
        if axes is None:
            reading.unmapped("the axes that it reduces are computed")
            return
        reading.node(op, reading.inputs[:1], axes=axes, keepdims=int(reading.flag(0)))

    return rule


# --- one element at a time ---------------------------------------------------------------------


def same(op: str, **values: Any) -> Rule:
    """An operator of the same meaning."""

    def rule(reading: Reading) -> None:
        reading.node(op, reading.inputs[:1], **values)

    return rule


def arithmetic(op: str, fused: int = -1) -> Rule:
    """An operator of two tensors, with the place of its activation among the options."""

    def rule(reading: Reading) -> None:
        found = reading.option(fused, "b") if fused >= 0 else 0
        reading.ends_with(op, reading.inputs, found)

    return rule


def leaky_relu(reading: Reading) -> None:
    """LEAKY_RELU."""
    reading.node("LeakyRelu", reading.inputs, alpha=reading.option(0, "f"))


def gelu(reading: Reading) -> None:
    """GELU, exact or by the hyperbolic tangent."""
    reading.node("Gelu", reading.inputs, approximate="tanh" if reading.flag(0) else "none")


def prelu(reading: Reading) -> None:
    """PRELU with a slope for each channel, or for each element."""
    slope = reading.constant(1)
    channels = reading.made[-1]
    if slope is None or prod(slope.dims) not in (1, channels):
        reading.unmapped("a slope for each element, or one that is computed")
        return
    rank = len(reading.made)
    to, back = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
    before, after = reading.step("first"), reading.step("made")
    reading.node("Transpose", reading.inputs[:1], before, perm=to)
    dims = (prod(slope.dims),)
    reading.node("PRelu", [before, reading.renamed(1, dims, learned=True)], after)
    reading.node("Transpose", [after], perm=back)


# --- moves -------------------------------------------------------------------------------------


def reshape(reading: Reading) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: to the sizes of the output."""
    sizes = [-1 if size is None else size for size in reading.made]
    if sizes.count(-1) > 1:
        reading.unmapped("more than one of its sizes is not known")
        return
    shape = tuple(sizes)
    reading.node("Reshape", reading.inputs[:1], shape=shape, allowzero=1, channels_last=True)


def transpose(reading: Reading) -> None:
    """TRANSPOSE by an order that is an input."""
    order = reading.numbers(1)
    if order is None:
        reading.unmapped("the order of its axes is computed")
        return
    reading.node("Transpose", reading.inputs[:1], perm=order)


def pad(reading: Reading) -> None:
    """PAD, PADV2, MIRROR_PAD: before and behind on each axis."""
    found = reading.numbers(1)
    if found is None:
        reading.unmapped("how far it pads is computed")
        return
    mode = "constant"
    if reading.kind == "MIRROR_PAD":
        if reading.option(0, "b"):
            reading.unmapped("it repeats the border too")
            return
        mode = "reflect"
    reading.node("Pad", reading.inputs[:1], pads=found[::2] + found[1::2], mode=mode)


def concatenation(reading: Reading) -> None:
    """CONCATENATION."""
    reading.ends_with("Concat", reading.inputs, reading.option(1, "b"), axis=reading.option(0))


def split(reading: Reading) -> None:
    """SPLIT (axis, tensor), SPLIT_V (tensor, sizes, axis)."""
    is_equal = reading.kind == "SPLIT"
    axis = reading.numbers(0 if is_equal else 2)
    if not axis:
        reading.unmapped("the axis that it splits is computed")
        return
    widths = tuple(reading.sizes[name][axis[0]] for name in reading.outputs)
    values: dict[str, Any] = {"axis": axis[0], "split": widths}
    inputs = (reading.input(1 if is_equal else 0),)
    reading.nodes.append(Node("Split", inputs, tuple(reading.outputs), values, "", _NOWHERE))


def slice_(reading: Reading) -> None:
    """SLICE: begins and sizes, -1 to the end."""
    begin, size = reading.numbers(1), reading.numbers(2)
    if begin is None or size is None or len(begin) != len(size):
        reading.unmapped("what it takes is computed")
        return
    ends = tuple(1 << 40 if n < 0 else b + n for b, n in zip(begin, size, strict=True))
    reading.node("Slice", reading.inputs[:1], starts=begin, ends=ends)


def strided_slice(reading: Reading) -> None:
    """STRIDED_SLICE without new axes: begins, ends, steps, of which masks leave some out."""
    begin, end, step = (reading.numbers(index) for index in (1, 2, 3))
    if begin is None or end is None or step is None or reading.option(2) or reading.option(3):
        reading.unmapped("what it takes is computed, or it makes new axes")
        return
    begins, ends, shrinks = reading.option(0), reading.option(1), reading.option(4)
    starts = tuple(0 if begins >> i & 1 else b for i, b in enumerate(begin))
    stops = [1 << 40 if ends >> i & 1 else e for i, e in enumerate(end)]
    for axis, start in enumerate(starts):
        if shrinks >> axis & 1:
            stops[axis] = start + 1 if start != -1 else 1 << 40
    values = {"starts": starts, "ends": tuple(stops), "steps": step}
    axes = tuple(axis for axis in range(len(begin)) if shrinks >> axis & 1)
    name = reading.step("kept") if axes else ""
    made = reading.node("Slice", reading.inputs[:1], name, **values)
    if axes:
        reading.node("Squeeze", [made], axes=axes)


def resize(mode: str, align: int, half: int) -> Rule:
    """RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR, to the sizes of the output."""

    def rule(reading: Reading) -> None:
        sizes = reading.made
        if None in sizes[1:3] or len(sizes) != 4:
            reading.unmapped("its size is not known")
            return
        transform = "asymmetric"
        if reading.flag(align):
            transform = "align_corners"
        elif reading.flag(half):
            transform = "half_pixel"
        values: dict[str, Any] = {
            "sizes": (sizes[0], sizes[3], sizes[1], sizes[2]),
            "mode": mode,
            "coordinate_transformation_mode": transform,
            "nearest_mode": "floor",
        }
        reading.image("Resize", [], 0, **values)

    return rule


def blocks(op: str) -> Rule:
    """DEPTH_TO_SPACE, SPACE_TO_DEPTH."""

    def rule(reading: Reading) -> None:
        reading.image(op, [], 0, blocksize=reading.option(0, "i", 1))

    return rule


def gather(reading: Reading) -> None:
    """GATHER from a table that is learned, or by constant indices; EMBEDDING_LOOKUP."""
    if reading.kind == "EMBEDDING_LOOKUP":
        reading.node("Gather", [reading.input(1), reading.input(0)], axis=0)
    elif reading.option(1):
        reading.unmapped("it takes other elements of each sample")
    else:
        reading.node("Gather", reading.inputs[:2], axis=reading.option(0))


RULES: Mapping[str, Rule] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise_conv,
    "TRANSPOSE_CONV": transpose_conv,
    "FULLY_CONNECTED": fully_connected,
    "BATCH_MATMUL": batch_matmul,
    "MAX_POOL_2D": pool("MaxPool"),
    "AVERAGE_POOL_2D": pool("AveragePool"),
    "MEAN": reduction("ReduceMean"),
    "SUM": reduction("ReduceSum"),
    "REDUCE_MAX": reduction("ReduceMax"),
    "REDUCE_MIN": reduction("ReduceMin"),
    "ADD": arithmetic("Add", 0),
    "MUL": arithmetic("Mul", 0),
    "SUB": arithmetic("Sub", 0),
    "DIV": arithmetic("Div", 0),
    "ADD_N": arithmetic("Add"),
    "MAXIMUM": arithmetic("Max"),
    "MINIMUM": arithmetic("Min"),
    "POW": arithmetic("Pow"),
    **{
        name: same(op)
        for name, op in {
            "RELU": "Relu",
            "LOGISTIC": "Sigmoid",
            "TANH": "Tanh",
            "HARD_SWISH": "HardSwish",
            "ELU": "Elu",
            "EXP": "Exp",
            "LOG": "Log",
            "SQRT": "Sqrt",
            "RSQRT": "Rsqrt",
            "SQUARE": "Square",
            "ABS": "Abs",
            "NEG": "Neg",
            "SIN": "Sin",
            "COS": "Cos",
            "FLOOR": "Floor",
            "CEIL": "Ceil",
            "ROUND": "Round",
            "SIGN": "Sign",
            "QUANTIZE": "Identity",
            "DEQUANTIZE": "Identity",
            "FAKE_QUANT": "Identity",
            "CAST": "Identity",
            "SOFTMAX": "Softmax",
            "LOG_SOFTMAX": "LogSoftmax",
        }.items()
    },
    "RELU6": same("Clip", min=0, max=6),
    "RELU_N1_TO_1": same("Clip", min=-1, max=1),
    "RELU_0_TO_1": same("Clip", min=0, max=1),
    "LEAKY_RELU": leaky_relu,
    "GELU": gelu,
    "PRELU": prelu,
    "RESHAPE": reshape,
    "SQUEEZE": reshape,
    "EXPAND_DIMS": reshape,
    "TRANSPOSE": transpose,
    "PAD": pad,
    "PADV2": pad,
    "MIRROR_PAD": pad,
    "CONCATENATION": concatenation,
    "SPLIT": split,
    "SPLIT_V": split,
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    "RESIZE_BILINEAR": resize("linear", 2, 3),
    "RESIZE_NEAREST_NEIGHBOR": resize("nearest", 0, 1),
    "DEPTH_TO_SPACE": blocks("DepthToSpace"),
    "SPACE_TO_DEPTH": blocks("SpaceToDepth"),
    "GATHER": gather,
    "EMBEDDING_LOOKUP": gather,
}
