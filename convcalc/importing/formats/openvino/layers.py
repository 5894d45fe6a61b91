"""Writes the operations of OpenVINO as nodes.

Source: OpenVINO documentation, "Operation Specifications".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from itertools import permutations
from math import prod
from typing import Any, NamedTuple, Protocol

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Constant, Node, Sizes
from convcalc.importing.formats.openvino.markup import Layer

Nodes = list[Node]
_NOWHERE = Place("", 1, 1)


class Joined(NamedTuple):
    """A constant that is joined to a tensor: its name, its sizes, what is after it, the layer."""

    constant: str
    dims: tuple[int, ...]
    after: str
    layer: str

    def is_per(self, axis: int, size: int) -> bool:
        """Whether it has a number for each place on an axis, and none for another."""
        return len(self.dims) > axis and self.dims[axis] == size == prod(self.dims)


class Around(Protocol):
    """The surroundings of a layer."""

    done: set[str]

    def joined(self, tensor: str, kind: str) -> Joined | None:
        """The constant that the only reader of a tensor joins to it; None if it is none."""


class Reading:
    """A layer with the names of what it reads and makes."""

    def __init__(
        self,
        layer: Layer,
        inputs: Sequence[str],
        outputs: Sequence[str],
        constants: MutableMapping[str, Constant],
        around: Around,
    ) -> None:
        self.layer = layer
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.constants = constants
        self.around = around

    # --- what is there ------------------------------------------------------------------------

    @property
    def sizes(self) -> list[Sizes]:
        """The sizes of what it reads."""
        return list(self.layer.inputs.values())

    @property
    def made(self) -> Sizes:
        """The sizes of its first output."""
        return self.layer.outputs[0].sizes

    def text(self, key: str, default: str = "") -> str:
        """An attribute."""
        return self.layer.data.get(key, default)

    def flag(self, *keys: str) -> bool:
        """Whether one of some attributes is true."""
        return any(self.text(key).lower() in ("true", "1") for key in keys)

    def whole(self, key: str, default: int = 0) -> int:
        """An attribute that is a whole number."""
        return int(self.text(key) or default)

    def number(self, key: str, default: float) -> float:
        """An attribute that is a number."""
        return float(self.text(key) or default)

    def wholes(self, key: str) -> tuple[int, ...]:
        """An attribute that is a list of whole numbers."""
        return tuple(int(each) for each in self.text(key).split(",") if each.strip())

    def constant(self, index: int) -> Constant | None:
        """Return what is known of an input that is a constant."""
        return self.constants.get(self.inputs[index]) if index < len(self.inputs) else None

    # --- nodes --------------------------------------------------------------------------------

    def node(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str] = (), **values: Any
    ) -> Node:
        """A node; by default it makes what the layer does."""
        return Node(op, tuple(inputs), tuple(outputs or self.outputs), values, "", _NOWHERE)

    def unmapped(self, reason: str) -> Nodes:
        """A layer without a rule; what its body learns is not known."""
        values: dict[str, Any] = {"params": None} if self.layer.type in _LOOPS else {}
        return [self.node("Unmapped", self.inputs, reason=reason, note=self.layer.type, **values)]

    def moved(self) -> Nodes:
        """Elements in an order that is not known; their sizes are."""
        first, *sizes = self.made or (None, None)
        if None in sizes:
            return self.unmapped("the sizes of what it makes are not known")
        values = {"sizes": (first or 1, *sizes), "note": self.layer.type}
        return [Node("Move", (self.inputs[0],), (self.outputs[0],), values, "", _NOWHERE)]

    def renamed(self, index: int, dims: tuple[int, ...]) -> str:
        """A constant with other sizes, as the vocabulary wants them."""
        name = f"{self.inputs[index]}/{self.layer.id}"
        self.constants[name] = self.constants[self.inputs[index]]._replace(dims=dims)
        return name


Rule = Callable[[Reading], Nodes]
_LOOPS = ("If", "Loop", "TensorIterator", "LSTMSequence", "GRUSequence", "RNNSequence")


def idle(node: Node) -> bool:
    """Whether a node only makes ready what the next one reads."""
    return node.op == "Transpose"


# --- convolutions ------------------------------------------------------------------------------


def _window(reading: Reading) -> dict[str, Any]:
    values: dict[str, Any] = {
        key: reading.wholes(key) for key in ("strides", "dilations") if reading.wholes(key)
    }
    word = reading.text("auto_pad", "explicit").lower()
    if word in ("same_upper", "same_lower", "valid"):
        values["auto_pad"] = word.upper()
    else:
        values["pads"] = reading.wholes("pads_begin") + reading.wholes("pads_end")
    return values


def _weighted(reading: Reading, op: str, dims: tuple[int, ...], out: int, **values: Any) -> Nodes:
    """A convolution with the bias that is added to it."""
    inputs, output = [reading.inputs[0], reading.renamed(1, dims)], reading.outputs[0]
    bias = reading.around.joined(output, "Add")
    if bias is not None and bias.is_per(1, out):
        inputs.append(bias.constant)
        output = bias.after
        reading.around.done.add(bias.layer)
    values = {**_window(reading), "kernel_shape": dims[2:], **values}
    return [reading.node(op, inputs, [output], **values)]


def convolution(reading: Reading) -> Nodes:
    """Convolution: weights (out, in, *kernel)."""
    weight = reading.constant(1)
    if weight is None:
        return reading.unmapped("its weights are computed")
    return _weighted(reading, "Conv", weight.dims, weight.dims[0])


def group_convolution(reading: Reading) -> Nodes:
    """GroupConvolution: weights (groups, out / groups, in / groups, *kernel)."""
    weight = reading.constant(1)
    if weight is None:
        return reading.unmapped("its weights are computed")
    groups, per_group, *rest = weight.dims
    out = groups * per_group
    return _weighted(reading, "Conv", (out, *rest), out, group=groups)


def convolution_back(reading: Reading) -> Nodes:
    """ConvolutionBackpropData: weights (in, out, *kernel)."""
    weight = reading.constant(1)
    if weight is None:
        return reading.unmapped("its weights are computed")
    return _transposed(reading, weight.dims, 1)


def group_convolution_back(reading: Reading) -> Nodes:
    """GroupConvolutionBackpropData: weights (groups, in / groups, out / groups, *kernel)."""
    weight = reading.constant(1)
    if weight is None:
        return reading.unmapped("its weights are computed")
    groups, per_group, *rest = weight.dims
    return _transposed(reading, (groups * per_group, *rest), groups)


def _transposed(reading: Reading, dims: tuple[int, ...], groups: int) -> Nodes:
    values: dict[str, Any] = {"group": groups}
    if len(reading.inputs) > 2:
        values["output_shape"] = reading.made[2:]
    elif reading.wholes("output_padding"):
        values["output_padding"] = reading.wholes("output_padding")
    return _weighted(reading, "ConvTranspose", dims, dims[1] * groups, **values)


def matmul(reading: Reading) -> Nodes:
    """MatMul, of which each side may be transposed."""
    names, found = list(reading.inputs), []
    for index, key in enumerate(("transpose_a", "transpose_b")):
        if not reading.flag(key):
            continue
        rank = len(reading.sizes[index])
        constant = reading.constant(index)
        if constant is not None:
            *rest, a, b = constant.dims
            names[index] = reading.renamed(index, (*rest, b, a))
        else:
            order = (*range(rank - 2), rank - 1, rank - 2)
            names[index] = f"{reading.outputs[0]}/{key}"
            turned = reading.node("Transpose", [reading.inputs[index]], [names[index]], perm=order)
            found.append(turned)
    return [*found, reading.node("MatMul", names)]


# --- one element at a time ---------------------------------------------------------------------


def same(op: str, **values: Any) -> Rule:
    """An operation of the same meaning, of the tensors that it reads."""
    return lambda reading: [reading.node(op, reading.inputs, **values)]


def first(op: str, **values: Any) -> Rule:
    """An operation of which only the first input matters."""
    return lambda reading: [reading.node(op, reading.inputs[:1], **values)]


def clamp(reading: Reading) -> Nodes:
    """Clamp between two numbers."""
    low, high = (reading.number(key, 0) for key in ("min", "max"))
    return [reading.node("Clip", reading.inputs, min=low, max=high)]


def elu(reading: Reading) -> Nodes:
    """Elu."""
    return [reading.node("Elu", reading.inputs, alpha=reading.number("alpha", 1))]


def gelu(reading: Reading) -> Nodes:
    """Gelu, exact or by the hyperbolic tangent."""
    is_tanh = reading.text("approximation_mode").lower() == "tanh"
    return [reading.node("Gelu", reading.inputs, approximate="tanh" if is_tanh else "none")]


def prelu(reading: Reading) -> Nodes:
    """PReLU; one slope for all is a LeakyReLU, whose slope is not in the file."""
    slope = reading.constant(1)
    if slope is not None and prod(slope.dims) == 1:
        fields = {"note": "its slope is not in the .xml"}
        return [
            reading.node(
                "Layer",
                reading.inputs[:1],
                operator="leaky_relu",
                fields=fields,
                reads="elements",
            )
        ]
    return [reading.node("PRelu", reading.inputs)]


def softmax(op: str) -> Rule:
    """Softmax and its logarithm over an axis."""
    return lambda reading: [reading.node(op, reading.inputs, axis=reading.whole("axis", 1))]


def power(reading: Reading) -> Nodes:
    """Power by a number."""
    return [reading.node("Pow", reading.inputs)]


# --- norms -------------------------------------------------------------------------------------


def batch_norm(reading: Reading) -> Nodes:
    """BatchNormInference: data, scale, shift, mean, variance; once the data came third."""
    names = reading.inputs
    if reading.constant(2) is None and len(names) == 5:
        names = [names[2], names[0], names[1], *names[3:]]
    return [reading.node("BatchNormalization", names)]


def group_norm(reading: Reading) -> Nodes:
    """GroupNormalization."""
    groups = reading.whole("num_groups", 1)
    return [reading.node("GroupNormalization", reading.inputs, num_groups=groups)]


def mean_variance(reading: Reading) -> Nodes:
    """MVN and the scale and shift after it: a layer norm over the axis that these are for.

    Which axes it normalises is not in the file, only how many; a scale for each channel leaves one
    way, except of tensors with three axes.
    """
    sizes, count = reading.sizes[0], reading.sizes[1] if len(reading.sizes) > 1 else ()
    scale = reading.around.joined(reading.outputs[0], "Multiply")
    axes = [] if scale is None else [i for i, n in enumerate(scale.dims) if n != 1]
    if scale is None or len(axes) != 1 or len(count) != 1 or len(scale.dims) != len(sizes):
        return reading.unmapped("the axes that it normalises are not in the .xml")
    (axis,), (number,) = axes, count
    inputs, after, rank = [reading.inputs[0], scale.constant], scale.after, len(sizes)
    reading.around.done.add(scale.layer)
    shift = reading.around.joined(after, "Add")
    if shift is not None and shift.is_per(axis, prod(scale.dims)):
        inputs.append(shift.constant)
        after = shift.after
        reading.around.done.add(shift.layer)
    if number == 1 and (axis == rank - 1 or rank > 3):
        return [reading.node("LayerNormalization", inputs, [after], axes=(axis,))]
    if number == rank - 2 and axis == 1 and rank > 3:
        return [reading.node("InstanceNormalization", inputs, [after])]
    note = "the axes that it normalises are not in the .xml"
    return [reading.node("Unmapped", inputs, [after], reason=note, note="MVN")]


def lrn(reading: Reading) -> Nodes:
    """LRN across channels."""
    return [reading.node("LRN", reading.inputs[:1], size=reading.whole("size", 1))]


# --- pooling and reductions --------------------------------------------------------------------


def pool(op: str) -> Rule:
    """MaxPool and AvgPool."""

    def rule(reading: Reading) -> Nodes:
        values = {**_window(reading), "kernel_shape": reading.wholes("kernel")}
        values["ceil_mode"] = int(reading.text("rounding_type", "floor").lower() != "floor")
        if op == "AveragePool":
            excludes = reading.flag("exclude-pad", "exclude_pad")
            values["count_include_pad"] = int(not excludes)
        return [reading.node(op, reading.inputs[:1], reading.outputs[:1], **values)]

    return rule


def adaptive(op: str) -> Rule:
    """Adaptive pooling, to the sizes of its output."""

    def rule(reading: Reading) -> Nodes:
        size = reading.made[2:]
        return [reading.node(op, reading.inputs[:1], reading.outputs[:1], output_size=size)]

    return rule


def reduction(op: str) -> Rule:
    """A reduction; its axes are those whose size is gone."""

    def rule(reading: Reading) -> Nodes:
        keeps = reading.flag("keep_dims")
        axes = _reduced(reading.sizes[0], reading.made, keeps=keeps)
        if axes is None:
            return reading.unmapped("the axes that it reduces are not in the .xml")
        return [reading.node(op, reading.inputs[:1], axes=axes, keepdims=int(keeps))]

    return rule


def _reduced(before: Sizes, after: Sizes, *, keeps: bool) -> tuple[int, ...] | None:
    """The axes that are reduced; None if several ways lead there."""
    if keeps:
        if len(before) != len(after):
            return None
        pairs = enumerate(zip(before, after, strict=True))
        return tuple(i for i, (a, b) in pairs if b == 1 and a != 1)
    count = len(before) - len(after)
    if not 0 < count <= 4:
        return None
    ways = [
        axes
        for axes in _combinations(len(before), count)
        if tuple(n for i, n in enumerate(before) if i not in axes) == tuple(after)
    ]
    kept = {tuple(n for i, n in enumerate(before) if i in axes) for axes in ways}
    # Of neighbours of one size it does not matter which is gone.
    return ways[0] if len(ways) == 1 or (ways and len(kept) == 1 and _adjacent(ways)) else None


def _combinations(count: int, chosen: int) -> list[tuple[int, ...]]:
    from itertools import combinations

    return list(combinations(range(min(count, 8)), chosen))


def _adjacent(ways: Sequence[tuple[int, ...]]) -> bool:
    held = sorted({axis for axes in ways for axis in axes})
    return held == list(range(held[0], held[-1] + 1))


# --- moves -------------------------------------------------------------------------------------


def reshape(reading: Reading) -> Nodes:
    """Reshape, Squeeze, Unsqueeze: to the sizes of the output."""
    sizes = [-1 if size is None else size for size in reading.made]
    if sizes.count(-1) > 1:
        return reading.unmapped("more than one of its sizes is not known")
    return [reading.node("Reshape", reading.inputs[:1], shape=tuple(sizes), allowzero=1)]


def transpose(reading: Reading) -> Nodes:
    """Transpose; axes of one size that stay neighbours keep their order."""
    before, after = reading.sizes[0], reading.made
    order = _order(before, after)
    if order is None:
        return reading.moved()
    return [reading.node("Transpose", reading.inputs[:1], perm=order)]


def _order(before: Sizes, after: Sizes) -> tuple[int, ...] | None:
    """The permutation that turns sizes into others; None if several do."""
    if len(before) != len(after) or len(before) > 6 or None in before:
        return None
    ways = [
        order
        for order in permutations(range(len(before)))
        if all(before[axis] == size for axis, size in zip(order, after, strict=True))
    ]
    # Where axes of size 1 go does not matter.
    ways = list({tuple(a for a in order if before[a] != 1): order for order in ways}.values())
    if len(ways) == 1:
        return ways[0]
    # Two axes of one size, beside each other before and after, as height and width are.
    sorted_ways = [order for order in ways if _keeps_neighbours(order, before)]
    idle = tuple(range(len(before)))
    return sorted_ways[0] if len(sorted_ways) == 1 and sorted_ways[0] != idle else None


def _twice(sizes: Sizes) -> set[int | None]:
    return {size for size in sizes if size != 1 and sizes.count(size) > 1}


def _keeps_neighbours(order: Sequence[int], before: Sizes) -> bool:
    """Whether two axes of one size are beside each other, and do so in their own order after."""
    for size in _twice(before):
        if before.count(size) > 2:
            return False
        at = [axis for axis in order if before[axis] == size]
        places = [index for index, axis in enumerate(order) if before[axis] == size]
        if at != list(range(at[0], at[0] + len(at))):
            return False
        if places != list(range(places[0], places[0] + len(places))):
            return False
    return True


def concat(reading: Reading) -> Nodes:
    """Concat."""
    return [reading.node("Concat", reading.inputs, axis=reading.whole("axis"))]


def split(reading: Reading) -> Nodes:
    """Split, VariadicSplit: the axis is the one whose size differs."""
    before = reading.sizes[0]
    parts = [output.sizes for output in reading.layer.outputs]
    axes = [i for i, n in enumerate(before) if any(part[i : i + 1] != (n,) for part in parts)]
    if len(axes) != 1 or any(len(part) != len(before) for part in parts):
        return reading.unmapped("the axis that it splits is not in the .xml")
    (axis,) = axes
    widths = tuple(part[axis] for part in parts)
    return [reading.node("Split", reading.inputs[:1], axis=axis, split=widths)]


def gather(reading: Reading) -> Nodes:
    """Gather from a table that is learned; by indices that are not in the file it is a move."""
    table = reading.constant(0)
    if table is not None and reading.constant(1) is None:
        return [reading.node("Gather", reading.inputs[:2], axis=0)]
    if reading.constant(1) is None:
        return reading.unmapped("its indices are computed")
    return reading.moved()


def moves(reading: Reading) -> Nodes:
    """Write an operation that takes or repeats elements; which, is not in the file."""
    if reading.constant(0) is not None:
        return reading.unmapped("it moves a constant by what is computed")
    return reading.moved()


def interpolate(reading: Reading) -> Nodes:
    """Interpolate to the sizes of the output."""
    mode = {"linear_onnx": "linear"}.get(reading.text("mode", "nearest"), reading.text("mode"))
    values: dict[str, Any] = {
        "sizes": reading.made,
        "mode": mode,
        "coordinate_transformation_mode": reading.text("coordinate_transformation_mode"),
        "nearest_mode": reading.text("nearest_mode", "round_prefer_floor"),
    }
    if None in reading.made[2:]:
        return reading.unmapped("its size is not known")
    return [reading.node("Resize", reading.inputs[:1], **values)]


def blocks(op: str) -> Rule:
    """DepthToSpace, SpaceToDepth."""
    return lambda reading: [
        reading.node(op, reading.inputs, blocksize=reading.whole("block_size", 1))
    ]


def attention(reading: Reading) -> Nodes:
    """ScaledDotProductAttention: queries, keys, values; a mask is not work."""
    causal = int(reading.flag("causal"))
    return [reading.node("Attention", reading.inputs[:3], is_causal=causal)]


RULES: Mapping[str, Rule] = {
    "Convolution": convolution,
    "GroupConvolution": group_convolution,
    "ConvolutionBackpropData": convolution_back,
    "GroupConvolutionBackpropData": group_convolution_back,
    "MatMul": matmul,
    "ScaledDotProductAttention": attention,
    **{
        name: same(op)
        for name, op in {
            "ReLU": "Relu",
            "Sigmoid": "Sigmoid",
            "Tanh": "Tanh",
            "HSwish": "HardSwish",
            "HSigmoid": "HardSigmoid",
            "Mish": "Mish",
            "SoftPlus": "Softplus",
            "SoftSign": "Softsign",
            "Exp": "Exp",
            "Log": "Log",
            "Sqrt": "Sqrt",
            "Abs": "Abs",
            "Negative": "Neg",
            "Sign": "Sign",
            "Sin": "Sin",
            "Cos": "Cos",
            "Erf": "Erf",
            "Floor": "Floor",
            "Ceiling": "Ceil",
            "Round": "Round",
            "Add": "Add",
            "Multiply": "Mul",
            "Subtract": "Sub",
            "Divide": "Div",
            "Maximum": "Max",
            "Minimum": "Min",
        }.items()
    },
    "Power": power,
    "Swish": first("Silu"),
    "Selu": first("Selu"),
    "HardSigmoid": first("HardSigmoid"),
    "Clamp": clamp,
    "Elu": elu,
    "Gelu": gelu,
    "PReLU": prelu,
    "SoftMax": softmax("Softmax"),
    "Softmax": softmax("Softmax"),
    "LogSoftmax": softmax("LogSoftmax"),
    "BatchNormInference": batch_norm,
    "GroupNormalization": group_norm,
    "MVN": mean_variance,
    "LRN": lrn,
    "MaxPool": pool("MaxPool"),
    "AvgPool": pool("AveragePool"),
    "AdaptiveAvgPool": adaptive("AdaptiveAveragePool"),
    "AdaptiveMaxPool": adaptive("AdaptiveMaxPool"),
    "ReduceMean": reduction("ReduceMean"),
    "ReduceMax": reduction("ReduceMax"),
    "ReduceMin": reduction("ReduceMin"),
    "ReduceSum": reduction("ReduceSum"),
    "ReduceProd": reduction("ReduceProd"),
    "ReduceL1": reduction("ReduceL1"),
    "ReduceL2": reduction("ReduceL2"),
    "Reshape": reshape,
    "Squeeze": reshape,
    "Unsqueeze": reshape,
    "Flatten": reshape,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "VariadicSplit": split,
    "Gather": gather,
    **dict.fromkeys(("Slice", "StridedSlice", "Pad", "Tile", "Broadcast", "Roll"), moves),
    "Interpolate": interpolate,
    "DepthToSpace": blocks("DepthToSpace"),
    "SpaceToDepth": blocks("SpaceToDepth"),
    "FakeQuantize": first("Identity"),
    "Convert": first("Identity"),
    "ConvertLike": first("Identity"),
    "StopGradient": first("Identity"),
}
