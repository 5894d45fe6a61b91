"""Torch's layers as Ultralytics' modules use them, and its convolutions.

The names of parts are those of Ultralytics' attributes, so that paths are those of a state dict.
Source: Ultralytics, nn/modules/conv.py and block.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from math import gcd
from typing import Any, NamedTuple

from convcalc.importing.formats.ultralytics.rows import Value, Wrong
from convcalc.importing.formats.writing import MISSING, Writer
from convcalc.model.graph.network import FUNCTION, METHOD

Kernel = int | Sequence[int]
Act = bool | tuple[str, Mapping[str, Any]]  # the chosen one, none, or one of its own

SILU: Act = ("Silu", {})
RELU: Act = ("Relu", {})
ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "SiLU": ("Silu", {}),
    "ReLU": ("Relu", {}),
    "ReLU6": ("Clip", {"min": 0.0, "max": 6.0}),
    "GELU": ("Gelu", {}),
    "Mish": ("Mish", {}),
    "Hardswish": ("HardSwish", {}),
    "LeakyReLU": ("LeakyRelu", {"alpha": 0.01}),
    "ELU": ("Elu", {"alpha": 1.0}),
    "SELU": ("Selu", {}),
    "Sigmoid": ("Sigmoid", {}),
    "Tanh": ("Tanh", {}),
}
_CALL = re.compile(
    r"(?:torch\.)?(?:nn\.)?(\w+)\(\s*([0-9.]*)\s*(?:,?\s*inplace=(?:True|False))?\s*\)"
)


class Flow(NamedTuple):
    """A tensor: its name, its channels, and how many positions of the image one of its is."""

    name: str
    c: int
    stride: Fraction = Fraction(1)

    @property
    def is_missing(self) -> bool:
        """Whether it could not be made."""
        return self.name == MISSING


Flows = tuple[Flow, ...]


class Layers:
    """Writes layers; ``default`` is the activation that all modules share."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.default: Act = SILU

    def choose(self, given: Value) -> None:
        """The activation by the text of its call, which is not evaluated."""
        found = _CALL.fullmatch(str(given.value))
        if found is None or found[1] not in ACTIVATIONS:
            names = ", ".join(f"nn.{name}()" for name in ACTIVATIONS)
            raise Wrong("unknown-name", f"activation is '{given.value}'", given.place, names)
        op, values = ACTIVATIONS[found[1]]
        try:
            own = {"alpha": float(found[2])} if found[2] and "alpha" in values else {}
        except ValueError:
            message = f"activation is '{given.value}'"
            raise Wrong("wrong-type", message, given.place) from None
        self.default = (op, {**values, **own})

    def conv2d(
        self,
        name: str,
        x: Flow,
        c: int,
        k: Kernel = 1,
        s: int = 1,
        p: Kernel = 0,
        g: int = 1,
        d: int = 1,
        *,
        bias: bool = True,
    ) -> Flow:
        """nn.Conv2d."""
        writer, kernel, padding = self.writer, _pair(k), _pair(p)
        self.divides(g, x.c, c)
        with writer.inside(name, "Conv2d"):
            made = writer.add(
                "Conv",
                x.name,
                writer.weight(c, x.c // g, *kernel),
                writer.weight(c) if bias else "",
                strides=[s, s],
                dilations=[d, d],
                pads=[*padding, *padding],
                group=g,
            )
        return Flow(made, c, x.stride * s)

    def conv_transpose2d(
        self, name: str, x: Flow, c: int, k: int, s: int, p: int, g: int = 1, **more: Any
    ) -> Flow:
        """nn.ConvTranspose2d."""
        writer = self.writer
        self.divides(g, x.c, c)
        with writer.inside(name, "ConvTranspose2d"):
            made = writer.add(
                "ConvTranspose",
                x.name,
                writer.weight(x.c, c // g, k, k),
                writer.weight(c) if more.get("bias", True) else "",
                form=more.get("form", ""),
                strides=[s, s],
                pads=[p] * 4,
                group=g,
                output_padding=[more.get("extra", 0)] * 2,
            )
        return Flow(made, c, x.stride / s)

    def divides(self, groups: int, *channels: int) -> None:
        """Raises Wrong if groups do not divide channels."""
        for each in channels:
            if each % groups:
                message = f"groups {groups} does not divide {each} channels"
                raise Wrong("does-not-divide", message, self.writer.place)

    def norm(self, name: str, x: Flow) -> Flow:
        """nn.BatchNorm2d."""
        with self.writer.inside(name, "BatchNorm2d"):
            return x._replace(name=self.writer.batch_norm(x.name, x.c))

    def activated(self, x: Flow, act: Act = True) -> Flow:
        """An activation as the part ``act``."""
        found = self.default if act is True else act
        if isinstance(found, bool):
            return x
        op, values = found
        with self.writer.inside("act", op):
            return x._replace(name=self.writer.add(op, x.name, **values))

    def max_pool(
        self, name: str, x: Flow, k: int, s: int, p: int, form: str = "", **more: Any
    ) -> Flow:
        """nn.MaxPool2d, or F.max_pool2d."""
        return self.pool("MaxPool", name, x, k, s, p, form, **more)

    def pool(
        self, op: str, name: str, x: Flow, k: int, s: int, p: int, form: str = "", **more: Any
    ) -> Flow:
        """A pooling."""
        with self.writer.inside(name, op):
            values = {"kernel_shape": [k, k], "strides": [s, s], "pads": [p] * 4}
            made = self.writer.add(op, x.name, form=form, **values, **more)
        return Flow(made, x.c, x.stride * s)

    def concat(self, parts: Sequence[Flow]) -> Flow:
        """torch.cat over channels."""
        if len(parts) == 1:
            return parts[0]
        made = self.writer.add("Concat", *(part.name for part in parts), axis=1, form=FUNCTION)
        return Flow(made, sum(part.c for part in parts), parts[0].stride)

    def split(self, x: Flow, sizes: Sequence[int]) -> Flows:
        """Channels taken apart."""
        names = self.writer.parts(
            "Split", [x.name], len(sizes), split=list(sizes), axis=1, form=METHOD
        )
        return tuple(Flow(name, c, x.stride) for name, c in zip(names, sizes, strict=True))

    def plus(self, x: Flow, y: Flow) -> Flow:
        """The sum of two."""
        return y._replace(name=self.writer.add("Add", x.name, y.name, form=FUNCTION))

    def conv(
        self,
        name: str,
        x: Flow,
        c: int,
        k: Kernel = 1,
        s: int = 1,
        p: Kernel | None = None,
        g: int = 1,
        d: int = 1,
        act: Act = True,
    ) -> Flow:
        """Conv: a convolution, its norm, an activation."""
        with self.part(name, "Conv"):
            y = self.conv2d("conv", x, c, k, s, _auto(k, p, d), g, d, bias=False)
            return self.activated(self.norm("bn", y), act)

    def part(self, name: str, kind: str) -> AbstractContextManager[None]:
        """Assign what is written within to a module of this name;  to the one at hand if it has
        none.
        """
        return self.writer.inside(name, kind) if name else nullcontext()

    def depthwise(
        self, name: str, x: Flow, c: int, k: int = 1, s: int = 1, act: Act = True
    ) -> Flow:
        """DWConv: as many groups as both numbers of channels allow."""
        return self.conv(name, x, c, k, s, g=gcd(x.c, c), act=act)

    def ghost_conv(
        self, name: str, x: Flow, c: int, k: int = 1, s: int = 1, act: Act = True
    ) -> Flow:
        """GhostConv: half of the channels, and a depthwise convolution of them."""
        with self.part(name, "GhostConv"):
            y = self.conv("cv1", x, self.halved(c), k, s, act=act)
            return self.concat([y, self.conv("cv2", y, y.c, 5, g=y.c, act=act)])

    def rep_conv(self, name: str, x: Flow, c: int) -> Flow:
        """RepConv: 3×3 and 1×1 side by side."""
        with self.writer.inside(name, "RepConv"):
            y = self.conv("conv1", x, c, 3, p=1, act=False)
            z = self.conv("conv2", x, c, 1, p=0, act=False)
            return self.activated(self.plus(y, z))

    def halved(self, c: int) -> int:
        """Half of the channels; Wrong if nothing is left."""
        return self.share(c, 0.5)

    def share(self, c: int, e: float) -> int:
        """A part of the channels, rounded down; Wrong if nothing is left."""
        found = int(c * e)
        if found < 1:
            raise Wrong("out-of-range", f"{e:g} of {c} channels leaves none", self.writer.place)
        return found

    def resized(self, x: Flow, factor: int, mode: str = "nearest", form: str = "") -> Flow:
        """An upsampling by an integer."""
        more = (
            {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            if mode == "nearest"
            else {}
        )
        scales = [1, 1, factor, factor]
        made = self.writer.add("Resize", x.name, scales=scales, mode=mode, form=form, **more)
        return Flow(made, x.c, x.stride / factor)

    def padded(self, x: Flow) -> Flow:
        """A row below and a column behind."""
        pads = [0, 0, 0, 0, 0, 0, 1, 1]
        return x._replace(name=self.writer.add("Pad", x.name, pads=pads, form=FUNCTION))

    def strided(self, x: Flow, row: int, column: int) -> Flow:
        """Every second position of both axes."""
        most = 2**62
        values = {"starts": [row, column], "ends": [most, most], "axes": [2, 3], "steps": [2, 2]}
        return Flow(self.writer.add("Slice", x.name, form=METHOD, **values), x.c, x.stride * 2)

    def averaged(self, x: Flow) -> Flow:
        """F.avg_pool2d of 2×2 at stride 1."""
        return self.pool("AveragePool", "pool", x, 2, 1, 0, FUNCTION, count_include_pad=1)


def _pair(k: Kernel) -> tuple[int, int]:
    return (k, k) if isinstance(k, int) else (k[0], k[1])


def _auto(k: Kernel, p: Kernel | None, d: int) -> Kernel:
    """The padding that keeps the size of odd kernels at stride 1."""
    if p is not None:
        return p
    sizes = [(d * (each - 1) + 1) // 2 for each in _pair(k)]
    return sizes[0] if isinstance(k, int) else sizes
