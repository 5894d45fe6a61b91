"""The modules of Ultralytics' YOLO models, in the operators that they run.

The names of parts are those of Ultralytics' attributes, so that paths are those of a state dict.
Source of every structure: Ultralytics, nn/modules/conv.py and block.py, by which version a module
came: C3 v5, C2f v8, RepNCSPELAN4 and ADown v9 (arXiv 2402.13616), SCDown and PSA v10 (arXiv
2405.14458), C3k2 and C2PSA 11, A2C2f 12 (arXiv 2502.12524).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import gcd, prod
from typing import Any, NamedTuple

from convcalc.importing.formats.ultralytics.rows import Row, Value, Wrong
from convcalc.importing.formats.writing import MISSING, Writer
from convcalc.model.graph.network import FUNCTION, METHOD, SUBCLASS

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
_CALL = re.compile(r"(?:torch\.)?(?:nn\.)?(\w+)\(\s*([0-9.]*)\s*(?:,?\s*inplace=(?:True|False))?\s*\)")


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


class Modules:
    """Writes modules; ``default`` is the activation that all share."""

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

    # --- leaves -----------------------------------------------------------------------------------

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

    def max_pool(self, name: str, x: Flow, k: int, s: int, p: int, form: str = "", **more: Any) -> Flow:
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
        names = self.writer.parts("Split", [x.name], len(sizes), split=list(sizes), axis=1, form=METHOD)
        return tuple(Flow(name, c, x.stride) for name, c in zip(names, sizes, strict=True))

    def plus(self, x: Flow, y: Flow) -> Flow:
        """The sum of two."""
        return y._replace(name=self.writer.add("Add", x.name, y.name, form=FUNCTION))

    # --- convolutions -----------------------------------------------------------------------------

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
        with self.writer.inside(name, "Conv") if name else self.here():
            y = self.conv2d("conv", x, c, k, s, _auto(k, p, d), g, d, bias=False)
            return self.activated(self.norm("bn", y), act)

    def here(self) -> Any:
        """No module of its own: what is written belongs to the one at hand."""
        from contextlib import nullcontext

        return nullcontext()

    def depthwise(self, name: str, x: Flow, c: int, k: int = 1, s: int = 1, act: Act = True) -> Flow:
        """DWConv: as many groups as both numbers of channels allow."""
        return self.conv(name, x, c, k, s, g=gcd(x.c, c), act=act)

    def ghost_conv(self, name: str, x: Flow, c: int, k: int = 1, s: int = 1, act: Act = True) -> Flow:
        """GhostConv: half of the channels, and a depthwise convolution of them."""
        with self.writer.inside(name, "GhostConv") if name else self.here():
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

    # --- blocks -----------------------------------------------------------------------------------

    def bottleneck(
        self,
        name: str,
        x: Flow,
        c: int,
        shortcut: bool = True,
        g: int = 1,
        k: tuple[Kernel, Kernel] = (3, 3),
        e: float = 0.5,
        first: Callable[[str, Flow, int], Flow] | None = None,
    ) -> Flow:
        """Bottleneck: two convolutions, and the input added where widths allow."""
        with self.writer.inside(name, "Bottleneck" if first is None else "RepBottleneck"):
            inner = self.share(c, e)
            y = first("cv1", x, inner) if first else self.conv("cv1", x, inner, k[0])
            y = self.conv("cv2", y, c, k[1], g=g)
            return self.plus(x, y) if shortcut and x.c == c else y

    def chain(self, count: int, x: Flow, part: Callable[[str, Flow], Flow]) -> Flow:
        """Parts of ``m`` one after another."""
        for index in range(count):
            x = part(f"m.{index}", x)
        return x

    def c3(
        self, x: Flow, c: int, e: float, inner: Callable[[Flow, int], Flow], kind: str = ""
    ) -> Flow:
        """C3: a chain and a bypass side by side."""
        width = self.share(c, e)
        y = inner(self.conv("cv1", x, width), width)
        return self.conv("cv3", self.concat([y, self.conv("cv2", x, width)]), c)

    def c3k(self, name: str, x: Flow, c: int, n: int, shortcut: bool, g: int) -> Flow:
        """C3k: a C3 of two 3×3 convolutions per bottleneck."""

        def inner(y: Flow, width: int) -> Flow:
            return self.chain(
                n, y, lambda part, z: self.bottleneck(part, z, width, shortcut, g, e=1.0)
            )

        with self.writer.inside(name, "C3k"):
            return self.c3(x, c, 0.5, inner)

    def c2f(
        self, x: Flow, c: int, n: int, e: float, part: Callable[[str, Flow, int], Flow]
    ) -> Flow:
        """C2f: one half goes through n parts, and what each makes stays."""
        width = self.share(c, e)
        found = list(self.split(self.conv("cv1", x, 2 * width), [width, width]))
        for index in range(n):
            found.append(part(f"m.{index}", found[-1], width))
        return self.conv("cv2", self.concat(found), c)

    # --- attention --------------------------------------------------------------------------------

    def attention(self, name: str, x: Flow, heads: int) -> Flow:
        """Attention of v10 and 11: keys of half the width of a head, a depthwise position term."""
        width = x.c // heads
        keys = int(width * 0.5)
        if keys < 1 or x.c % heads:
            message = f"{heads} heads of {x.c} channels"
            raise Wrong("does-not-divide", message, self.writer.place)
        with self.writer.inside(name, "Attention"):
            qkv = self.conv("qkv", x, x.c + 2 * keys * heads, act=False)
            add = self.writer.add
            flat = add("Reshape", qkv.name, shape=[0, heads, 2 * keys + width, -1], form=METHOD)
            q, k, v = self.writer.parts(
                "Split", [flat], 3, split=[keys, keys, width], axis=2, form=METHOD
            )
            y = self.attended(q, k, v, keys)
            return self.placed(x, self.imaged(y, x), self.imaged(v, x), 3)

    def attended(self, q: str, k: str, v: str, width: int) -> str:
        """v · softmax(qᵀ · k / √width)ᵀ, each (…, channels, positions)."""
        add = self.writer.add
        scaled = add("Mul", q, self.writer.numbers(width**-0.5), form=METHOD)
        turned = add("Transpose", scaled, perm=[0, 1, 3, 2], form=METHOD)
        scores = add("Softmax", add("MatMul", turned, k, form=METHOD), axis=-1, form=METHOD)
        return add("MatMul", v, add("Transpose", scores, perm=[0, 1, 3, 2], form=METHOD), form=METHOD)

    def imaged(self, y: str, x: Flow) -> Flow:
        """A tensor in the shape of another."""
        shape = self.writer.add("Shape", x.name, form=METHOD)
        return x._replace(name=self.writer.add("Reshape", y, shape, form=METHOD))

    def placed(self, x: Flow, y: Flow, values: Flow, k: int) -> Flow:
        """What was attended to, with a depthwise position term of the values, projected."""
        position = self.conv("pe", values, x.c, k, g=x.c, act=False)
        return self.conv("proj", self.plus(y, position), x.c, act=False)

    def psa_block(self, name: str, x: Flow, heads: int) -> Flow:
        """PSABlock: attention and two pointwise convolutions, each with its input added."""
        with self.writer.inside(name, "PSABlock"):
            return self.fed(self.plus(x, self.attention("attn", x, heads)))

    def fed(self, x: Flow) -> Flow:
        """Two pointwise convolutions, twice as wide between, and the input."""
        y = self.conv("ffn.1", self.conv("ffn.0", x, 2 * x.c), x.c, act=False)
        return self.plus(x, y)

    def area_attention(self, name: str, x: Flow, heads: int, areas: int) -> Flow:
        """AAttn of 12: attention within bands of rows."""
        width = x.c // heads
        add = self.writer.add
        with self.writer.inside(name, "AAttn"):
            qkv = self.conv("qkv", x, 3 * x.c, act=False)
            flat = add("Reshape", qkv.name, shape=[0, 3 * x.c, -1], form=METHOD)
            turned = add("Transpose", flat, perm=[0, 2, 1], form=METHOD)
            if areas > 1:
                turned = add("Reshape", turned, shape=[areas, -1, 3 * x.c], form=METHOD)
            split = add("Reshape", turned, shape=[0, 0, heads, 3 * width], form=METHOD)
            moved = add("Transpose", split, perm=[0, 2, 3, 1], form=METHOD)
            q, k, v = self.writer.parts(
                "Split", [moved], 3, split=[width] * 3, axis=2, form=METHOD
            )
            y = self.attended(q, k, v, width)
            found = []
            for each in (y, v):
                back = add("Transpose", each, perm=[0, 3, 1, 2], form=METHOD)
                if areas > 1:
                    back = add("Reshape", back, shape=[1, -1, x.c], form=METHOD)
                else:
                    back = add("Reshape", back, shape=[0, 0, x.c], form=METHOD)
                turned = add("Transpose", back, perm=[0, 2, 1], form=METHOD)
                found.append(self.imaged(turned, x))
            return self.placed(x, *found, 7)

    def area_block(self, name: str, x: Flow, ratio: float, areas: int) -> Flow:
        """ABlock of 12."""
        with self.writer.inside(name, "ABlock"):
            x = self.plus(x, self.area_attention("attn", x, x.c // 32, areas))
            wide = self.conv("mlp.0", x, self.share(x.c, ratio))
            return self.plus(x, self.conv("mlp.1", wide, x.c, act=False))

    # --- rows -------------------------------------------------------------------------------------
    # Each gets the row, what it reads, its channels, its repeats and the name of the scale.

    def row_conv(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """Conv: [c, k, s, p, g, d, act]."""
        p = row.args[3] if row.has(3) else None
        return self.repeated(
            read,
            n,
            lambda x: self.conv(
                "",
                x,
                c,
                self.kernel(row, 1),
                row.integer(2, "the stride", 1),
                None if p is None else p.integer("the padding"),
                row.integer(4, "groups", 1),
                row.integer(5, "the dilation", 1),
                row.flag(6, True),
            ),
        )

    def kernel(self, row: Row, index: int, default: int = 1) -> Kernel:
        """A kernel size: one for both axes, or one for each."""
        if index < len(row.args) and isinstance(row.args[index].value, list):
            found = row.args[index].integers("the kernel", 1)
            if len(found) != 2:
                raise Wrong("wrong-type", "a kernel has two sizes", row.args[index].place)
            return found
        return row.integer(index, "the kernel", default)

    def repeated(self, read: Sequence[Flows], n: int, part: Callable[[Flow], Flow]) -> Flows:
        """A module, or several one after another, with names for each."""
        ((x, *_), *_) = read
        if n == 1:
            return (part(x),)
        expected = x.c
        for index in range(n):
            with self.writer.inside(str(index), ""):
                made = part(x._replace(c=expected))
            x = made
        return (x,)

    def row_dwconv(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """DWConv: [c, k, s, d, act]."""
        return self.repeated(
            read,
            n,
            lambda x: self.conv(
                "",
                x,
                c,
                row.integer(1, "the kernel", 1),
                row.integer(2, "the stride", 1),
                g=gcd(x.c, c),
                d=row.integer(3, "the dilation", 1),
                act=row.flag(4, True),
            ),
        )

    def row_ghost_conv(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """GhostConv: [c, k, s]."""
        k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
        return self.repeated(read, n, lambda x: self.ghost_conv("", x, c, k, s))

    def row_focus(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """Focus: squares of 2×2 positions as channels, and a convolution."""
        k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)

        def part(x: Flow) -> Flow:
            parts = [self.strided(x, *at) for at in ((0, 0), (1, 0), (0, 1), (1, 1))]
            return self.conv("conv", self.concat(parts), c, k, s)

        return self.repeated(read, n, part)

    def strided(self, x: Flow, row: int, column: int) -> Flow:
        """Every second position of both axes."""
        most = 2**62
        values = {"starts": [row, column], "ends": [most, most], "axes": [2, 3], "steps": [2, 2]}
        return Flow(self.writer.add("Slice", x.name, form=METHOD, **values), x.c, x.stride * 2)

    def row_conv_transpose(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """ConvTranspose: [c, k, s, p, bn, act]."""
        k, s = row.integer(1, "the kernel", 2), row.integer(2, "the stride", 2)
        p, normed = row.integer(3, "the padding", 0, 0), row.flag(4, True)

        def part(x: Flow) -> Flow:
            y = self.conv_transpose2d("conv_transpose", x, c, k, s, p, bias=not normed)
            return self.activated(self.norm("bn", y) if normed else y, row.flag(5, True))

        return self.repeated(read, n, part)

    def row_transposed(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """nn.ConvTranspose2d: [c, k, s, p]; DWConvTranspose2d has as many groups as it can."""
        k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
        p, extra = row.integer(3, "the padding", 0, 0), row.integer(4, "the further padding", 0, 0)
        deep = row.module == "DWConvTranspose2d"
        return self.repeated(
            read,
            n,
            lambda x: self.conv_transpose2d(
                "conv",
                x,
                c,
                k,
                s,
                p,
                gcd(x.c, c) if deep else 1,
                extra=extra,
                form=SUBCLASS if deep else "",
            ),
        )

    def row_bottleneck(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """Bottleneck: [c, shortcut, g, k, e]."""
        e, g = row.number(4, "the expansion", 0.5), row.integer(2, "groups", 1)
        k = (3, 3)
        if row.has(3):
            sizes = row.args[3].integers("the kernels", 1)
            k = (sizes[0], sizes[-1])
        return self.repeated(
            read, n, lambda x: self.bottleneck_here(x, c, row.flag(1, True), g, k, e)
        )

    def bottleneck_here(
        self, x: Flow, c: int, shortcut: bool, g: int, k: tuple[Kernel, Kernel], e: float
    ) -> Flow:
        """A Bottleneck that is the module at hand."""
        y = self.conv("cv1", x, self.share(c, e), k[0])
        y = self.conv("cv2", y, c, k[1], g=g)
        return self.plus(x, y) if shortcut and x.c == c else y

    def row_csp(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """BottleneckCSP: [c, shortcut, g, e]."""
        ((x, *_rest), *_) = read
        shortcut, g = row.flag(1, True), row.integer(2, "groups", 1)
        width = self.share(c, row.number(3, "the expansion", 0.5))
        y = self.chain(
            n,
            self.conv("cv1", x, width),
            lambda name, z: self.bottleneck(name, z, width, shortcut, g, e=1.0),
        )
        y = self.conv2d("cv3", y, width, bias=False)
        both = self.concat([y, self.conv2d("cv2", x, width, bias=False)])
        return (self.conv("cv4", self.activated(self.norm("bn", both), SILU), c),)

    def row_c1(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C1: a chain of 3×3 convolutions and its input."""
        ((x, *_rest), *_) = read
        y = self.conv("cv1", x, c)
        return (self.plus(self.chain(n, y, lambda name, z: self.conv(name, z, c, 3)), y),)

    def row_c2(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C2: [c, shortcut, g, e]; one half goes through a chain."""
        ((x, *_rest), *_) = read
        shortcut, g = row.flag(1, True), row.integer(2, "groups", 1)
        width = self.share(c, row.number(3, "the expansion", 0.5))
        a, b = self.split(self.conv("cv1", x, 2 * width), [width, width])
        a = self.chain(n, a, lambda name, z: self.bottleneck(name, z, width, shortcut, g, e=1.0))
        return (self.conv("cv2", self.concat([a, b]), c),)

    def row_c2f(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C2f: [c, shortcut, g, e]."""
        ((x, *_rest), *_) = read
        shortcut, g = row.flag(1, False), row.integer(2, "groups", 1)
        e = row.number(3, "the expansion", 0.5)
        part = lambda name, y, width: self.bottleneck(name, y, width, shortcut, g, e=1.0)  # noqa: E731
        return (self.c2f(x, c, n, e, part),)

    def row_c3k2(self, row: Row, read: Sequence[Flows], c: int, n: int, scale: str) -> Flows:
        """C3k2: [c, c3k, e, attention, g, shortcut]; the larger scales always have C3k."""
        ((x, *_rest), *_) = read
        deep = row.flag(1, False) or scale in ("m", "l", "x")
        e, attends = row.number(2, "the expansion", 0.5), row.flag(3, False)
        g, shortcut = row.integer(4, "groups", 1), row.flag(5, True)

        def part(name: str, y: Flow, width: int) -> Flow:
            if attends:
                with self.writer.inside(name, "Sequential"):
                    y = self.bottleneck("0", y, width, shortcut, g)
                    return self.psa_block("1", y, max(width // 64, 1))
            if deep:
                return self.c3k(name, y, width, 2, shortcut, g)
            return self.bottleneck(name, y, width, shortcut, g)

        return (self.c2f(x, c, n, e, part),)

    def row_c2f_cib(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C2fCIB: [c, shortcut, large kernels, g, e]."""
        ((x, *_rest), *_) = read
        shortcut, large = row.flag(1, False), row.flag(2, False)
        e = row.number(4, "the expansion", 0.5)
        part = lambda name, y, width: self.cib(name, y, width, shortcut, large)  # noqa: E731
        return (self.c2f(x, c, n, e, part),)

    def cib(self, name: str, x: Flow, c: int, shortcut: bool, large: bool) -> Flow:
        """CIB: depthwise and pointwise convolutions by turns."""
        with self.writer.inside(name, "CIB"):
            y = self.conv("cv1.0", x, x.c, 3, g=x.c)
            y = self.conv("cv1.1", y, 2 * c)
            if large:
                with self.writer.inside("cv1.2", "RepVGGDW"):
                    wide = self.conv("conv", y, y.c, 7, p=3, g=y.c, act=False)
                    y = self.plus(wide, self.conv("conv1", y, y.c, 3, p=1, g=y.c, act=False))
                    y = self.activated(y, SILU)
            else:
                y = self.conv("cv1.2", y, y.c, 3, g=y.c)
            y = self.conv("cv1.4", self.conv("cv1.3", y, c), c, 3, g=c)
            return self.plus(x, y) if shortcut and x.c == c else y

    def row_c3(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C3 and C3x: [c, shortcut, g, e]."""
        ((x, *_rest), *_) = read
        shortcut, g = row.flag(1, True), row.integer(2, "groups", 1)
        kernels: tuple[Kernel, Kernel] = ((1, 3), (3, 1)) if row.module == "C3x" else (1, 3)

        def inner(y: Flow, width: int) -> Flow:
            return self.chain(
                n, y, lambda name, z: self.bottleneck(name, z, width, shortcut, g, kernels, 1.0)
            )

        return (self.c3(x, c, row.number(3, "the expansion", 0.5), inner),)

    def row_c3_ghost(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C3Ghost: a C3 of ghost bottlenecks."""
        ((x, *_rest), *_) = read

        def inner(y: Flow, width: int) -> Flow:
            return self.chain(n, y, lambda name, z: self.ghost_bottleneck(name, z, width))

        return (self.c3(x, c, row.number(3, "the expansion", 0.5), inner),)

    def ghost_bottleneck(self, name: str, x: Flow, c: int, k: int = 3, s: int = 1) -> Flow:
        """GhostBottleneck: two ghost convolutions, a depthwise one between where it strides."""
        with self.writer.inside(name, "GhostBottleneck") if name else self.here():
            y = self.ghost_conv("conv.0", x, self.halved(c))
            if s == 2:
                y = self.depthwise("conv.1", y, y.c, k, s, act=False)
            y = self.ghost_conv("conv.2", y, c, act=False)
            if s == 2:
                x = self.depthwise("shortcut.0", x, x.c, k, s, act=False)
                x = self.conv("shortcut.1", x, c, act=False)
            return self.plus(x, y)

    def row_ghost_bottleneck(
        self, row: Row, read: Sequence[Flows], c: int, n: int, _: str
    ) -> Flows:
        """GhostBottleneck: [c, k, s]."""
        k, s = row.integer(1, "the kernel", 3), row.integer(2, "the stride", 1)
        return self.repeated(read, n, lambda x: self.ghost_bottleneck("", x, c, k, s))

    def row_rep_c3(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """RepC3: [c, e]; a chain of RepConv and a bypass, added."""
        ((x, *_rest), *_) = read
        width = self.share(c, row.number(1, "the expansion", 1.0))
        y = self.chain(n, self.conv("cv1", x, width), lambda name, z: self.rep_conv(name, z, width))
        y = self.plus(y, self.conv("cv2", x, width))
        return (y if width == c else self.conv("cv3", y, c),)

    def row_spp(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """SPP: [c, kernels]; poolings side by side."""
        kernels = row.args[1].integers("the kernels", 1) if row.has(1) else [5, 9, 13]

        def part(x: Flow) -> Flow:
            y = self.conv("cv1", x, self.halved(x.c))
            pooled = [
                self.max_pool(f"m.{index}", y, k, 1, k // 2) for index, k in enumerate(kernels)
            ]
            return self.conv("cv2", self.concat([y, *pooled]), c)

        return self.repeated(read, n, part)

    def row_sppf(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """SPPF: [c, k, poolings, shortcut]; with more than k the first convolution has no
        activation."""
        k, count = row.integer(1, "the kernel", 5), row.integer(2, "the poolings", 3)
        shortcut = row.flag(3, False)
        if count > 1000:
            raise Wrong("too-large", f"{count} poolings, more than 1000", row.args[2].place)

        def part(x: Flow) -> Flow:
            found = [self.conv("cv1", x, self.halved(x.c), act=len(row.args) <= 2)]
            for index in range(count):
                found.append(self.max_pool(f"m[{index}]", found[-1], k, 1, k // 2))
            y = self.conv("cv2", self.concat(found), c)
            return self.plus(x, y) if shortcut and x.c == c else y

        return self.repeated(read, n, part)

    def row_sppelan(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """SPPELAN: [c, width, k]."""
        width, k = row.integer(1, "the width"), row.integer(2, "the kernel", 5)

        def part(x: Flow) -> Flow:
            found = [self.conv("cv1", x, width)]
            for name in ("cv2", "cv3", "cv4"):
                found.append(self.max_pool(name, found[-1], k, 1, k // 2))
            return self.conv("cv5", self.concat(found), c)

        return self.repeated(read, n, part)

    def row_elan(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """RepNCSPELAN4: [c, c3, c4, n], ELAN1: [c, c3, c4]."""
        c3, c4 = row.integer(1, "the second width", least=2), row.integer(2, "the third width")
        is_plain = row.module == "ELAN1"
        depth = row.integer(3, "the repeats", 1)
        half = c3 // 2

        def branch(name: str, x: Flow) -> Flow:
            if is_plain:
                return self.conv(name, x, c4, 3)
            with self.writer.inside(name, "Sequential"):
                with self.writer.inside("0", "RepCSP"):
                    y = self.c3(x, c4, 0.5, lambda y, width: self.rep_chain(depth, y, width))
                return self.conv("1", y, c4, 3)

        def part(x: Flow) -> Flow:
            y = self.conv("cv1", x, c3)
            found = list(self.split(y, [half, c3 - half]))
            for name in ("cv2", "cv3"):
                found.append(branch(name, found[-1]))
            return self.conv("cv4", self.concat(found), c)

        return self.repeated(read, n, part)

    def rep_chain(self, n: int, x: Flow, width: int) -> Flow:
        """Bottlenecks whose first convolution is a RepConv."""
        return self.chain(
            n,
            x,
            lambda name, y: self.bottleneck(name, y, width, e=1.0, first=self.rep_conv),
        )

    def row_aconv(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """AConv: an average of squares, and a convolution of stride 2."""
        return self.repeated(
            read, n, lambda x: self.conv("cv1", self.averaged(x), c, 3, 2, 1)
        )

    def averaged(self, x: Flow) -> Flow:
        """F.avg_pool2d of 2×2 at stride 1."""
        return self.pool("AveragePool", "pool", x, 2, 1, 0, FUNCTION, count_include_pad=1)

    def row_adown(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """ADown: one half by a convolution of stride 2, one by a pooling."""

        def part(x: Flow) -> Flow:
            half = x.c // 2
            a, b = self.split(self.averaged(x), [x.c - half, half])
            a = self.conv("cv1", a, self.halved(c), 3, 2, 1)
            b = self.conv("cv2", self.max_pool("pool2", b, 3, 2, 1, FUNCTION), self.halved(c))
            return self.concat([a, b])

        return self.repeated(read, n, part)

    def row_scdown(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """SCDown: [c, k, s]; a pointwise and a depthwise convolution."""
        k, s = row.integer(1, "the kernel"), row.integer(2, "the stride")
        return self.repeated(
            read, n, lambda x: self.conv("cv2", self.conv("cv1", x, c), c, k, s, g=c, act=False)
        )

    def row_psa(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """PSA and C2PSA: [c, e]; attention on one part of the channels."""
        ((x, *_rest), *_) = read
        width = self.psa_width(row, x, c, 1)
        a, b = self.split(self.conv("cv1", x, 2 * width), [width, width])
        heads = max(width // 64, 1)
        if row.module == "PSA":
            b = self.fed(self.plus(b, self.attention("attn", b, heads)))
        else:
            b = self.chain(n, b, lambda name, y: self.psa_block(name, y, heads))
        return (self.conv("cv2", self.concat([a, b]), c),)

    def psa_width(self, row: Row, x: Flow, c: int, index: int) -> int:
        """The width of what attends; Wrong if the module would change the number of channels."""
        if x.c != c:
            message = f"{row.module} keeps its channels, but has {c} of {x.c}"
            raise Wrong("shape-mismatch", message, row.place)
        return self.share(c, row.number(index, "the expansion", 0.5))

    def row_c2f_psa(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """C2fPSA: [c, e]."""
        ((x, *_rest), *_) = read
        self.psa_width(row, x, c, 1)
        part = lambda name, y, width: self.psa_block(name, y, max(width // 64, 1))  # noqa: E731
        return (self.c2f(x, c, n, row.number(1, "the expansion", 0.5), part),)

    def row_a2c2f(self, row: Row, read: Sequence[Flows], c: int, n: int, scale: str) -> Flows:
        """A2C2f: [c, attends, areas, residual, ratio, e, g, shortcut]; scales l and x add their
        input, times a learned number per channel."""
        ((x, *_rest), *_) = read
        attends = row.flag(1, True)
        areas = row.integer(2, "the areas", 1, least=-1)
        given = len(row.args)
        residual, ratio = row.flag(3, False), row.number(4, "the ratio", 2.0)
        if scale in ("l", "x") and given <= 3:
            residual, ratio = True, 1.2
        width = self.share(c, row.number(5, "the expansion", 0.5))
        if width % 32:
            message = f"{width} channels are no multiple of 32"
            raise Wrong("does-not-divide", message, row.place)
        g, shortcut = row.integer(6, "groups", 1), row.flag(7, True)
        found = [self.conv("cv1", x, width)]
        for index in range(n):
            name = f"m.{index}"
            if attends:
                with self.writer.inside(name, "Sequential"):
                    y = self.area_block("0", found[-1], ratio, max(areas, 1))
                    y = self.area_block("1", y, ratio, max(areas, 1))
            else:
                y = self.c3k(name, found[-1], width, 2, shortcut, g)
            found.append(y)
        y = self.conv("cv2", self.concat(found), c)
        if attends and residual:
            scaled = self.writer.add("Mul", y.name, self.writer.weight(1, c, 1, 1), form=METHOD)
            y = self.plus(x, y._replace(name=scaled))
        return (y,)

    # --- without weights, and those of torch ------------------------------------------------------

    def row_concat(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """Concat of channels."""
        if row.integer(0, "the axis", 1) != 1:
            raise Wrong("wrong-type", "a Concat of another axis than channels", row.args[0].place)
        return (self.concat([flows[0] for flows in read]),)

    def row_upsample(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """nn.Upsample: [size, scale, mode]."""
        ((x, *_rest), *_) = read
        if row.has(0):
            raise Wrong("unsupported-combination", "an upsampling to a size", row.args[0].place, "None")
        factor = row.integer(1, "the scale")
        mode = row.args[2].value if row.has(2) else "nearest"
        modes = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}
        if mode not in modes:
            message = f"the mode is '{mode}'"
            raise Wrong("wrong-type", message, row.args[2].place, ", ".join(modes))
        return (self.resized(x, factor, modes[mode]),)

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

    def row_max_pool(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """nn.MaxPool2d: [k, s, p]."""
        ((x, *_rest), *_) = read
        k = row.integer(0, "the kernel")
        s = row.integer(1, "the stride") if row.has(1) else k
        return (self.max_pool("pool", x, k, s, row.integer(2, "the padding", 0, 0)),)

    def row_zero_pad(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """nn.ZeroPad2d: [[left, right, top, bottom]]."""
        ((x, *_rest), *_) = read
        given = row.at(0, "the padding")
        sizes = given.integers("the padding") if isinstance(given.value, list) else [given.integer("the padding")] * 4
        if len(sizes) != 4:
            raise Wrong("wrong-type", "a padding has four sizes", given.place)
        left, right, top, bottom = sizes
        pads = [0, 0, top, left, 0, 0, bottom, right]
        return (x._replace(name=self.writer.add("Pad", x.name, pads=pads)),)

    def row_identity(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """nn.Identity."""
        return read[0]

    def row_batch_norm(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """nn.BatchNorm2d."""
        return (self.norm("bn", read[0][0]),)

    def row_cb_linear(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """CBLinear: [widths, k, s, p, g]; a convolution taken apart."""
        ((x, *_rest), *_) = read
        widths = row.at(0, "the widths").integers("the widths", 1)
        k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
        p = row.args[3].integer("the padding") if row.has(3) else k // 2
        return self.split(
            self.conv2d("conv", x, sum(widths), k, s, p, row.integer(4, "groups", 1)), widths
        )

    def row_cb_fuse(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """CBFuse: [indices]; parts of other branches in the size of the last, all added."""
        indices = row.at(0, "the indices").integers("the indices")
        *others, (last, *_rest) = read
        if len(indices) != len(others):
            message = f"{len(indices)} indices for {len(others)} branches"
            raise Wrong("wrong-type", message, row.args[0].place)
        found = []
        for index, flows in zip(indices, others, strict=True):
            if index >= len(flows):
                message = f"index {index} of {len(flows)} parts"
                raise Wrong("out-of-range", message, row.args[0].place)
            ratio = flows[index].stride / last.stride
            if ratio.denominator != 1:
                message = "a branch that is finer than the one it joins"
                raise Wrong("shape-mismatch", message, row.place)
            part = flows[index]
            found.append(self.resized(part, int(ratio), form=FUNCTION) if ratio > 1 else part)
        for each in found:
            last = self.plus(each, last)
        return (last,)

    def row_hg_stem(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """HGStem: [width, c] of RT-DETR."""
        ((x, *_rest), *_) = read
        width, c = row.integer(0, "the width", least=2), row.integer(1, "the channels")
        x = self.padded(self.conv("stem1", x, width, 3, 2, act=RELU))
        y = self.padded(self.conv("stem2a", x, width // 2, 2, 1, 0, act=RELU))
        y = self.conv("stem2b", y, width, 2, 1, 0, act=RELU)
        x = self.max_pool("pool", x, 2, 1, 0, ceil_mode=1)
        y = self.conv("stem3", self.concat([x, y]), width, 3, 2, act=RELU)
        return (self.conv("stem4", y, c, act=RELU),)

    def padded(self, x: Flow) -> Flow:
        """A row below and a column behind."""
        pads = [0, 0, 0, 0, 0, 0, 1, 1]
        return x._replace(name=self.writer.add("Pad", x.name, pads=pads, form=FUNCTION))

    def row_hg_block(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """HGBlock: [width, c, k, light, shortcut] of RT-DETR."""
        ((x, *_rest), *_) = read
        width, c = row.integer(0, "the width"), row.integer(1, "the channels", least=2)
        k, light, shortcut = row.integer(2, "the kernel", 3), row.flag(3, False), row.flag(4, False)
        found = [x]
        for index in range(n):
            if light:
                with self.writer.inside(f"m.{index}", "LightConv"):
                    y = self.conv("conv1", found[-1], width, act=False)
                    found.append(self.depthwise("conv2", y, width, k, act=RELU))
            else:
                found.append(self.conv(f"m.{index}", found[-1], width, k, act=RELU))
        y = self.conv("sc", self.concat(found), c // 2, act=RELU)
        y = self.conv("ec", y, c, act=RELU)
        return (self.plus(x, y) if shortcut and x.c == c else y,)

    def row_resnet(self, row: Row, read: Sequence[Flows], c: int, n: int, _: str) -> Flows:
        """ResNetLayer: [channels, width, s, is the stem, blocks, e]."""
        ((x, *_rest), *_) = read
        expected, c = row.integer(0, "the channels"), row.integer(1, "the width")
        s, count = row.integer(2, "the stride", 1), row.integer(4, "the blocks", 1)
        e = row.integer(5, "the expansion", 4)
        x = x._replace(c=expected)
        if row.flag(3, False):
            y = self.conv("layer.0", x, c, 7, 2, 3)
            return (self.max_pool("layer.1", y, 3, 2, 1),)
        for index in range(count):
            with self.writer.inside(f"layer.{index}", "ResNetBlock"):
                stride = s if index == 0 else 1
                y = self.conv("cv2", self.conv("cv1", x, c), c, 3, stride, 1)
                y = self.conv("cv3", y, e * c, act=False)
                if stride != 1 or x.c != e * c:
                    x = self.conv("shortcut.0", x, e * c, 1, stride, act=False)
                y = self.plus(x, y)
                x = y._replace(name=self.writer.add("Relu", y.name, form=FUNCTION))
        return (x,)


def _pair(k: Kernel) -> tuple[int, int]:
    return (k, k) if isinstance(k, int) else (k[0], k[1])


def _auto(k: Kernel, p: Kernel | None, d: int) -> Kernel:
    """The padding that keeps the size of odd kernels at stride 1."""
    if p is not None:
        return p
    sizes = [(d * (each - 1) + 1) // 2 for each in _pair(k)]
    return sizes[0] if isinstance(k, int) else sizes


Rule = Callable[["Modules", Row, Sequence[Flows], int, int, str], Flows]
MODULES: Mapping[str, Rule] = {
    "Conv": Modules.row_conv,
    "DWConv": Modules.row_dwconv,
    "GhostConv": Modules.row_ghost_conv,
    "Focus": Modules.row_focus,
    "ConvTranspose": Modules.row_conv_transpose,
    "nn.ConvTranspose2d": Modules.row_transposed,
    "DWConvTranspose2d": Modules.row_transposed,
    "Bottleneck": Modules.row_bottleneck,
    "BottleneckCSP": Modules.row_csp,
    "C1": Modules.row_c1,
    "C2": Modules.row_c2,
    "C2f": Modules.row_c2f,
    "C3": Modules.row_c3,
    "C3x": Modules.row_c3,
    "C3Ghost": Modules.row_c3_ghost,
    "C3k2": Modules.row_c3k2,
    "GhostBottleneck": Modules.row_ghost_bottleneck,
    "RepC3": Modules.row_rep_c3,
    "SPP": Modules.row_spp,
    "SPPF": Modules.row_sppf,
    "SPPELAN": Modules.row_sppelan,
    "RepNCSPELAN4": Modules.row_elan,
    "ELAN1": Modules.row_elan,
    "AConv": Modules.row_aconv,
    "ADown": Modules.row_adown,
    "SCDown": Modules.row_scdown,
    "PSA": Modules.row_psa,
    "C2PSA": Modules.row_psa,
    "C2fPSA": Modules.row_c2f_psa,
    "C2fCIB": Modules.row_c2f_cib,
    "A2C2f": Modules.row_a2c2f,
    "Concat": Modules.row_concat,
    "nn.Upsample": Modules.row_upsample,
    "nn.MaxPool2d": Modules.row_max_pool,
    "nn.ZeroPad2d": Modules.row_zero_pad,
    "nn.Identity": Modules.row_identity,
    "nn.BatchNorm2d": Modules.row_batch_norm,
    "CBLinear": Modules.row_cb_linear,
    "CBFuse": Modules.row_cb_fuse,
    "HGStem": Modules.row_hg_stem,
    "HGBlock": Modules.row_hg_block,
    "ResNetLayer": Modules.row_resnet,
}

# Modules whose first argument is no number of channels, or one that the scale does not change.
NO_SCALING = {
    "Concat",
    "nn.Upsample",
    "nn.MaxPool2d",
    "nn.ZeroPad2d",
    "nn.Identity",
    "nn.BatchNorm2d",
    "CBLinear",
    "CBFuse",
    "HGStem",
    "HGBlock",
    "ResNetLayer",
}
