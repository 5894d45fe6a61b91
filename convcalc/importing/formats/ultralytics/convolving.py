"""Modules that are a convolution or a few of them, and what halves a map."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.calls import Call, Rule, kernel, repeated
from convcalc.importing.formats.ultralytics.layers import Flow, Flows
from convcalc.model.graph.network import FUNCTION, SUBCLASS


def conv(m: Modules, call: Call) -> Flows:
    """Conv: [c, k, s, p, g, d, act]."""
    row, c = call.row, call.c
    p = row.args[3] if row.has(3) else None
    return repeated(
        m,
        call,
        lambda x: m.conv(
            "",
            x,
            c,
            kernel(row, 1),
            row.integer(2, "the stride", 1),
            None if p is None else p.integer("the padding"),
            row.integer(4, "groups", 1),
            row.integer(5, "the dilation", 1),
            row.flag(6, True),
        ),
    )


def dwconv(m: Modules, call: Call) -> Flows:
    """DWConv: [c, k, s, d, act]."""
    row, c = call.row, call.c
    return repeated(
        m,
        call,
        lambda x: m.conv(
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


def ghost_conv(m: Modules, call: Call) -> Flows:
    """GhostConv: [c, k, s]."""
    row, c = call.row, call.c
    k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
    return repeated(m, call, lambda x: m.ghost_conv("", x, c, k, s))


def focus(m: Modules, call: Call) -> Flows:
    """Focus: squares of 2×2 positions as channels, and a convolution."""
    row, c = call.row, call.c
    k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)

    def part(x: Flow) -> Flow:
        parts = [m.strided(x, *at) for at in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return m.conv("conv", m.concat(parts), c, k, s)

    return repeated(m, call, part)


def conv_transpose(m: Modules, call: Call) -> Flows:
    """ConvTranspose: [c, k, s, p, bn, act]."""
    row, c = call.row, call.c
    k, s = row.integer(1, "the kernel", 2), row.integer(2, "the stride", 2)
    p, normed = row.integer(3, "the padding", 0, 0), row.flag(4, True)

    def part(x: Flow) -> Flow:
        y = m.conv_transpose2d("conv_transpose", x, c, k, s, p, bias=not normed)
        return m.activated(m.norm("bn", y) if normed else y, row.flag(5, True))

    return repeated(m, call, part)


def transposed(m: Modules, call: Call) -> Flows:
    """nn.ConvTranspose2d: [c, k, s, p]; DWConvTranspose2d has as many groups as it can."""
    row, c = call.row, call.c
    k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
    p, extra = row.integer(3, "the padding", 0, 0), row.integer(4, "the further padding", 0, 0)
    deep = row.module == "DWConvTranspose2d"
    return repeated(
        m,
        call,
        lambda x: m.conv_transpose2d(
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


def aconv(m: Modules, call: Call) -> Flows:
    """AConv: an average of squares, and a convolution of stride 2."""
    c = call.c
    return repeated(m, call, lambda x: m.conv("cv1", m.averaged(x), c, 3, 2, 1))


def adown(m: Modules, call: Call) -> Flows:
    """ADown: one half by a convolution of stride 2, one by a pooling."""
    c = call.c

    def part(x: Flow) -> Flow:
        half = x.c // 2
        a, b = m.split(m.averaged(x), [x.c - half, half])
        a = m.conv("cv1", a, m.halved(c), 3, 2, 1)
        b = m.conv("cv2", m.max_pool("pool2", b, 3, 2, 1, FUNCTION), m.halved(c))
        return m.concat([a, b])

    return repeated(m, call, part)


def scdown(m: Modules, call: Call) -> Flows:
    """SCDown: [c, k, s]; a pointwise and a depthwise convolution."""
    row, c = call.row, call.c
    k, s = row.integer(1, "the kernel"), row.integer(2, "the stride")
    return repeated(m, call, lambda x: m.conv("cv2", m.conv("cv1", x, c), c, k, s, g=c, act=False))


def cb_linear(m: Modules, call: Call) -> Flows:
    """CBLinear: [widths, k, s, p, g]; a convolution taken apart."""
    row, x = call.row, call.x
    widths = row.at(0, "the widths").integers("the widths", 1)
    k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
    p = row.args[3].integer("the padding") if row.has(3) else k // 2
    return m.split(m.conv2d("conv", x, sum(widths), k, s, p, row.integer(4, "groups", 1)), widths)


RULES: Mapping[str, Rule] = {
    "Conv": conv,
    "DWConv": dwconv,
    "GhostConv": ghost_conv,
    "Focus": focus,
    "ConvTranspose": conv_transpose,
    "nn.ConvTranspose2d": transposed,
    "DWConvTranspose2d": transposed,
    "AConv": aconv,
    "ADown": adown,
    "SCDown": scdown,
    "CBLinear": cb_linear,
}
