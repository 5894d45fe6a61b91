"""Writes the layers of each kind of section, and the sizes that it makes.

Sources: the parse and make functions of pjreddie/darknet and AlexeyAB/darknet, src/; for reorg,
shortcut and the activations src/blas.c and src/activations.h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from convcalc.importing.formats.darknet.sections import LARGEST, Section
from convcalc.importing.formats.writing import MISSING, Writer

LEAKY = 0.1  # the slope of darknet's leaky relu
ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "logistic": ("Sigmoid", {}),
    "swish": ("Silu", {}),
    "mish": ("Mish", {}),
    "relu": ("Relu", {}),
    "relu6": ("Clip", {"min": 0.0, "max": 6.0}),
    "leaky": ("LeakyRelu", {"alpha": LEAKY}),
    "revleaky": ("LeakyRelu", {"alpha": LEAKY}),
    "relie": ("LeakyRelu", {"alpha": 0.01}),
    "tanh": ("Tanh", {}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),
    "gelu": ("Gelu", {"approximate": "tanh"}),
    "hardtan": ("Clip", {"min": -1.0, "max": 1.0}),
}


class Flow(NamedTuple):
    """A tensor of darknet: its name, channels, height and width; 0 where one is not known.

    ``is_flat``: it has no positions.
    """

    name: str
    c: int
    h: int
    w: int
    is_flat: bool = False

    @property
    def elements(self) -> int:
        """Its elements."""
        return self.c * self.h * self.w

    @property
    def is_missing(self) -> bool:
        """Whether it could not be made."""
        return self.name == MISSING


Weights = tuple[str, str, tuple[str, ...]]  # of a convolution: kernel, bias, those of its norm


class Layers:
    """The layers so far, and how each is written."""

    def __init__(self, writer: Writer, first: Flow) -> None:
        self.writer = writer
        self.first = first
        self.flows: list[Flow] = []
        self.weights: dict[int, Weights] = {}  # of convolutions, by their numbers

    @property
    def last(self) -> Flow:
        """The tensor that the section at hand reads."""
        return self.flows[-1] if self.flows else self.first

    def missing(self) -> Flow:
        """Write a node without a rule for a section that cannot be written; counted as skipped."""
        self.writer.add("Identity", MISSING)
        return Flow(MISSING, 0, 0, 0)

    def image(self, section: Section) -> Flow:
        """Return what the section reads, with positions."""
        if self.last.is_flat:
            raise section.wrong(
                "wrong-rank", f"[{section.name}] needs an image, but reads {self.last.c} numbers"
            )
        return self.last

    def source(self, section: Section, key: str, index: int) -> Flow:
        """Return the tensor of another layer, counted from the first or, if negative, from here."""
        here = len(self.flows)
        at = index if index >= 0 else here + index
        if not 0 <= at < here:
            message = f"{key} names layer {index}, but this is layer {here}"
            advice = f"0 to {here - 1}, or -1 to {-here}" if here else ""
            raise section.wrong("out-of-range", message, key, advice)
        return self.flows[at]

    def activated(self, section: Section, x: str, default: str) -> str:
        """The activation of a section."""
        name = section.word("activation", default)
        writer = self.writer
        if name == "linear":
            return x
        if name in ACTIVATIONS:
            op, values = ACTIVATIONS[name]
            return writer.add(op, x, **values)
        if name == "ramp":  # x where it is positive, and a tenth of x everywhere
            return writer.add(
                "Add", writer.add("Relu", x), writer.add("Mul", x, writer.numbers(0.1))
            )
        if name == "loggy":
            twice = writer.add("Mul", writer.add("Sigmoid", x), writer.numbers(2.0))
            return writer.add("Sub", twice, writer.numbers(1.0))
        return writer.add(f"the activation '{name}'", x)

    # --- with weights -----------------------------------------------------------------------------

    def convolutional(self, section: Section) -> Flow:
        """A convolution, its batch norm, its activation."""
        x = self.image(section)
        writer = self.writer
        filters, size = section.number("filters", 1, 1), section.number("size", 1, 1)
        groups = max(section.number("groups", 1), 1)
        stride_y, stride_x = self._strides(section)
        dilation = section.number("dilation", 1, 1) if size > 1 else 1
        padding = size // 2 if section.flag("pad") else section.number("padding", 0, 0)
        for key in ("antialiasing", "sway", "rotate", "stretch", "stretch_sway"):
            if section.flag(key):
                return self._unmapped(f"a convolution with {key}")
        normalised = section.flag("batch_normalize") or section.flag("cbn")
        owner = self._owner(section)
        if x.is_missing:
            return self.missing()
        if x.c % groups or filters % groups:
            message = f"groups {groups} does not divide {x.c} channels and {filters} filters"
            raise section.wrong("does-not-divide", message, "groups")
        dims = (filters, x.c // groups, size, size)
        kernel, bias, norm = self._weights(section, dims, normalised, owner)
        self.weights[len(self.flows)] = kernel, bias, norm
        y = writer.add(
            "Conv",
            x.name,
            kernel,
            bias,
            strides=[stride_y, stride_x],
            dilations=[dilation, dilation],
            pads=[padding * dilation] * 4,
            group=groups,
        )
        if normalised:
            y = writer.add("BatchNormalization", y, *norm)
        y = self.activated(section, y, "logistic")
        extent = dilation * (size - 1) + 1
        h = (x.h + 2 * padding * dilation - extent) // stride_y + 1
        w = (x.w + 2 * padding * dilation - extent) // stride_x + 1
        return self._made(section, y, filters, h, w)

    def _weights(
        self, section: Section, dims: tuple[int, ...], normalised: bool, owner: Weights | None
    ) -> Weights:
        """The weights of a convolution: those of its owner, or new ones."""
        writer = self.writer
        if owner is None:
            bias = "" if normalised else writer.weight(dims[0])
            return writer.weight(*dims), bias, writer.norm(dims[0]) if normalised else ()
        kernel, _, norm = owner
        theirs = writer.constants[kernel].dims
        if theirs != dims or bool(norm) != normalised:
            one, other = ("×".join(map(str, each)) for each in (dims, theirs))
            with_norm = " with a norm on one side alone" if theirs == dims else ""
            message = f"weights cannot be shared: {one} here, {other} there{with_norm}"
            raise section.wrong("share-mismatch", message, "share_index")
        return owner

    def _owner(self, section: Section) -> Weights | None:
        """The weights that a convolution takes from one before it; None if it has its own."""
        if "share_index" not in section.options:
            return None
        index = section.number("share_index", 0)
        owner = index if index >= 0 else len(self.flows) + index
        if owner not in self.weights:
            message = f"share_index is {index}, but layer {owner} is not an earlier convolution"
            raise section.wrong("share-mismatch", message, "share_index")
        return self.weights[owner]

    def _strides(self, section: Section) -> tuple[int, int]:
        both = section.number("stride", 1, 1)
        y, x = section.number("stride_y", both), section.number("stride_x", both)
        return (y if y >= 1 else both), (x if x >= 1 else both)

    def local(self, section: Section) -> Flow:
        """A convolution whose every position has weights of its own."""
        x = self.image(section)
        if x.is_missing:
            return self.missing()
        filters, size = section.number("filters", 1, 1), section.number("size", 1, 1)
        stride = section.number("stride", 1, 1)
        padding = size // 2 if section.flag("pad") else 0
        y = self.writer.add(
            "LocallyConnected",
            x.name,
            out_channels=filters,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[padding] * 4,
        )
        y = self.activated(section, y, "logistic")
        h, w = ((n + 2 * padding - size) // stride + 1 for n in (x.h, x.w))
        return self._made(section, y, filters, h, w)

    def connected(self, section: Section) -> Flow:
        """A linear layer of all elements, its batch norm, its activation."""
        x, writer = self.last, self.writer
        out = section.number("output", 1, 1)
        if x.is_missing:
            return self.missing()
        flat = x.name if x.is_flat else writer.add("Flatten", x.name, axis=1)
        normalised = section.flag("batch_normalize")
        bias = "" if normalised else writer.weight(out)
        y = writer.add("Gemm", flat, writer.weight(out, x.elements), bias, transB=1)
        if normalised:
            y = writer.batch_norm(y, out)
        y = self.activated(section, y, "logistic")
        return Flow(y, out, 1, 1, is_flat=True)

    def batchnorm(self, section: Section) -> Flow:
        """A batch norm by itself."""
        x = self.image(section)
        if x.is_missing:
            return self.missing()
        return x._replace(name=self.writer.batch_norm(x.name, x.c))

    # --- joining ----------------------------------------------------------------------------------

    def shortcut(self, section: Section) -> Flow:
        """The sum of the last layer and others; one of another width or size is added where both
        have something, as darknet's shortcut_cpu does."""
        x, writer = self.last, self.writer
        others = [self.source(section, "from", index) for index in section.numbers("from")]
        kind = section.word("weights_type", "none")
        if kind not in ("none", "per_feature", "per_layer", "per_channel"):
            message = f"weights_type is '{kind}'"
            raise section.wrong("wrong-type", message, "weights_type", "per_feature, per_channel")
        if x.is_missing or any(other.is_missing for other in others):
            return self.missing()
        terms = [x.name, *(self._laid_on(section, other, x) for other in others)]
        if kind != "none":
            dims = (1, x.c, 1, 1) if kind == "per_channel" else (1, 1, 1, 1)
            terms = [writer.add("Mul", each, writer.weight(*dims)) for each in terms]
        y = terms[0]
        for each in terms[1:]:
            y = writer.add("Add", y, each)
        return x._replace(name=self.activated(section, y, "linear"))

    def _laid_on(self, section: Section, other: Flow, x: Flow) -> str:
        """A tensor in the sizes of another: every n-th position, channels cut or zeros behind."""
        writer, y = self.writer, other.name
        if x.is_flat or other.is_flat:
            if (x.c, x.is_flat) != (other.c, other.is_flat):
                raise section.wrong("shape-mismatch", _unlike(other, x), "from")
            return y
        stride_h, stride_w = other.h // x.h, other.w // x.w
        if (
            not stride_h
            or stride_h != stride_w
            or (stride_h == 1 and (other.h, other.w) != (x.h, x.w))
        ):
            raise section.wrong("shape-mismatch", _unlike(other, x), "from")
        if stride_h > 1:
            y = writer.add(
                "Slice",
                y,
                starts=[0, 0],
                ends=[x.h * stride_h, x.w * stride_w],
                axes=[2, 3],
                steps=[stride_h, stride_w],
            )
        if other.c > x.c:
            y = writer.add("Slice", y, starts=[0], ends=[x.c], axes=[1], steps=[1])
        if other.c < x.c:
            y = writer.add("Pad", y, pads=[0, 0, 0, 0, 0, x.c - other.c, 0, 0])
        return y

    def route(self, section: Section) -> Flow:
        """Other layers side by side, or of each the same of several groups of channels."""
        found = [self.source(section, "layers", index) for index in section.numbers("layers")]
        groups, group = section.number("groups", 1, 1), section.number("group_id", 0, 0)
        first = found[0]
        if any(each.is_missing for each in found):
            return self.missing()
        for each in found:
            if (each.h, each.w, each.is_flat) != (first.h, first.w, first.is_flat):
                raise section.wrong("concat-mismatch", _unlike(each, first), "layers")
            if each.c % groups:
                message = f"groups {groups} does not divide {each.c} channels"
                raise section.wrong("does-not-divide", message, "groups")
        if group >= groups:
            message = f"group_id is {group}, but there are {groups} groups"
            raise section.wrong("out-of-range", message, "group_id")
        names = [self._group(each, groups, group) for each in found]
        total = sum(each.c for each in found) // groups
        y = names[0] if len(names) == 1 else self.writer.add("Concat", *names, axis=1)
        return first._replace(name=y, c=total)

    def _group(self, x: Flow, groups: int, group: int) -> str:
        """One of equal groups of channels."""
        if groups == 1:
            return x.name
        width = x.c // groups
        return self.writer.add(
            "Slice",
            x.name,
            starts=[group * width],
            ends=[(group + 1) * width],
            axes=[1],
            steps=[1],
        )

    def scale_channels(self, section: Section) -> Flow:
        """Another layer times one number of the last for each channel, or for each position."""
        return self._scaled(section, needs_image=False)

    def sam(self, section: Section) -> Flow:
        """Another layer times the last, element by element."""
        return self._scaled(section, needs_image=True)

    def _scaled(self, section: Section, *, needs_image: bool) -> Flow:
        x = self.last
        other = self.source(section, "from", section.numbers("from")[0])
        if x.is_missing or other.is_missing:
            return self.missing()
        per_position = needs_image or section.flag("scale_wh")
        wanted = (x.h, x.w) == (other.h, other.w) if per_position else x.h == x.w == 1
        channels = 1 if per_position and not needs_image else other.c
        if not wanted or x.c != channels or x.is_flat or other.is_flat:
            raise section.wrong("shape-mismatch", _unlike(x, other), "from")
        y = self.writer.add("Mul", other.name, x.name)
        return other._replace(name=self.activated(section, y, "linear"))

    # --- pooling and moving -----------------------------------------------------------------------

    def maxpool(self, section: Section) -> Flow:
        """A max pooling; its padding is size - 1, the smaller half before."""
        return self._pooled(section, "MaxPool")

    def local_avgpool(self, section: Section) -> Flow:
        """An average pooling that leaves the padding out."""
        return self._pooled(section, "AveragePool")

    def _pooled(self, section: Section, op: str) -> Flow:
        x = self.image(section)
        stride_y, stride_x = self._strides(section)
        size = section.number("size", section.number("stride", 1, 1), 1)
        padding = section.number("padding", size - 1, 0)
        for key in ("maxpool_depth", "antialiasing"):
            if section.flag(key):
                return self._unmapped(f"a pooling with {key}")
        if x.is_missing:
            return self.missing()
        before, after = padding // 2, padding - padding // 2
        y = self.writer.add(
            op,
            x.name,
            kernel_shape=[size, size],
            strides=[stride_y, stride_x],
            pads=[before, before, after, after],
        )
        h, w = (x.h + padding - size) // stride_y + 1, (x.w + padding - size) // stride_x + 1
        return self._made(section, y, x.c, h, w)

    def avgpool(self, section: Section) -> Flow:
        """The mean of each channel."""
        x = self.image(section)
        if x.is_missing:
            return self.missing()
        return Flow(self.writer.add("GlobalAveragePool", x.name), x.c, 1, 1)

    def upsample(self, section: Section) -> Flow:
        """Each position repeated; a negative stride sums squares of positions instead."""
        x = self.image(section)
        stride = section.number("stride", 2)
        if stride < 1:
            return self._unmapped("an upsample of a negative stride")
        if x.is_missing:
            return self.missing()
        y = self.writer.add(
            "Resize",
            x.name,
            scales=[1, 1, stride, stride],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return self._made(section, y, x.c, x.h * stride, x.w * stride)

    def reorg(self, section: Section) -> Flow:
        """Squares of positions as channels, of the elements read as a larger and thinner image."""
        return self._reorganised(section, "Reorg")

    def reorg3d(self, section: Section) -> Flow:
        """Squares of positions as channels."""
        return self._reorganised(section, "SpaceToDepth")

    def _reorganised(self, section: Section, op: str) -> Flow:
        x = self.image(section)
        stride = section.number("stride", 1, 1)
        if section.flag("reverse"):
            return self._unmapped("a reorg in reverse")
        if x.is_missing:
            return self.missing()
        square = stride * stride
        if x.h % stride or x.w % stride or (op == "Reorg" and x.c % square):
            message = f"stride {stride} does not divide {x.c}×{x.h}×{x.w}"
            raise section.wrong("does-not-divide", message, "stride")
        y = self.writer.add(op, x.name, blocksize=stride) if stride > 1 else x.name
        return self._made(section, y, x.c * square, x.h // stride, x.w // stride)

    def crop(self, section: Section) -> Flow:
        """The middle of an image, as in a test."""
        x = self.image(section)
        h, w = section.number("crop_height", 1, 1), section.number("crop_width", 1, 1)
        if x.is_missing:
            return self.missing()
        if h > x.h or w > x.w:
            message = f"a crop of {h}×{w} from {x.h}×{x.w}"
            raise section.wrong("out-of-range", message, "crop_height" if h > x.h else "crop_width")
        top, left = (x.h - h) // 2, (x.w - w) // 2
        y = self.writer.add(
            "Slice", x.name, starts=[top, left], ends=[top + h, left + w], axes=[2, 3], steps=[1, 1]
        )
        return self._made(section, y, x.c, h, w)

    # --- others -----------------------------------------------------------------------------------

    def activation(self, section: Section) -> Flow:
        """An activation by itself."""
        if self.last.is_missing:
            return self.missing()
        return self.last._replace(name=self.activated(section, self.last.name, "linear"))

    def normalization(self, section: Section) -> Flow:
        """A local response norm."""
        x = self.image(section)
        size = section.number("size", 5, 1)
        if x.is_missing:
            return self.missing()
        return x._replace(name=self.writer.add("LRN", x.name, size=size))

    def softmax(self, section: Section) -> Flow:
        """A softmax over all elements, over each of some groups, or over channels."""
        x, writer = self.last, self.writer
        groups = section.number("groups", 1, 1)
        if x.is_missing:
            return self.missing()
        if "tree" in section.options:
            return self._unmapped("a softmax of a tree")
        if section.flag("spatial"):
            return x._replace(name=writer.add("Softmax", x.name, axis=1))
        flat = x.name if x.is_flat else writer.add("Flatten", x.name, axis=1)
        if x.elements % groups:
            message = f"groups {groups} does not divide {x.elements} elements"
            raise section.wrong("does-not-divide", message, "groups")
        y = flat if groups == 1 else writer.add("Reshape", flat, shape=[0, groups, -1])
        y = writer.add("Softmax", y, axis=-1)
        y = y if groups == 1 else writer.add("Reshape", y, shape=[0, -1])
        return Flow(y, x.elements, 1, 1, is_flat=True)

    def passed(self, section: Section) -> Flow:
        """Pass the input on."""
        return self.last

    def dropout(self, section: Section) -> Flow:
        """A dropout, which passes its input on."""
        if self.last.is_missing:
            return self.missing()
        return self.last._replace(name=self.writer.add("Dropout", self.last.name))

    def unknown(self, section: Section) -> Flow:
        """A section that has no rule."""
        return self._unmapped(f"[{section.name}]")

    def _unmapped(self, what: str) -> Flow:
        """A node that has no rule, and an output that cannot be made."""
        self.writer.add(what, self.last.name)
        return Flow(MISSING, 0, 0, 0)

    def _made(self, section: Section, name: str, c: int, h: int, w: int) -> Flow:
        """A tensor that was made; a window that does not fit is the operator's to tell."""
        if h < 1 or w < 1:
            return Flow(name, c, max(h, 1), max(w, 1))
        if c * h * w > LARGEST:
            raise section.wrong("too-large", f"it makes {c}×{h}×{w}, more than {LARGEST} elements")
        return Flow(name, c, h, w)


def _unlike(one: Flow, other: Flow) -> str:
    return f"{one.c}×{one.h}×{one.w} meets {other.c}×{other.h}×{other.w}"


Rule = Callable[[Layers, Section], Flow]
LAYERS: Mapping[str, Rule] = {
    "convolutional": Layers.convolutional,
    "conv": Layers.convolutional,
    "local": Layers.local,
    "connected": Layers.connected,
    "conn": Layers.connected,
    "batchnorm": Layers.batchnorm,
    "shortcut": Layers.shortcut,
    "route": Layers.route,
    "scale_channels": Layers.scale_channels,
    "sam": Layers.sam,
    "maxpool": Layers.maxpool,
    "max": Layers.maxpool,
    "local_avgpool": Layers.local_avgpool,
    "local_avg": Layers.local_avgpool,
    "avgpool": Layers.avgpool,
    "avg": Layers.avgpool,
    "upsample": Layers.upsample,
    "reorg": Layers.reorg,
    "reorg3d": Layers.reorg3d,
    "crop": Layers.crop,
    "activation": Layers.activation,
    "normalization": Layers.normalization,
    "lrn": Layers.normalization,
    "softmax": Layers.softmax,
    "soft": Layers.softmax,
    "dropout": Layers.dropout,
    **dict.fromkeys(
        ("cost", "yolo", "Gaussian_yolo", "region", "detection", "contrastive", "empty", "silence"),
        Layers.passed,
    ),
}
