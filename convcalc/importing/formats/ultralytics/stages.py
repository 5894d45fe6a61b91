"""Modules of stages: bottlenecks in chains, with branches beside them; pyramids of poolings."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.calls import Call, Rule, repeated
from convcalc.importing.formats.ultralytics.layers import RELU, SILU, Flow, Flows, Kernel
from convcalc.importing.formats.ultralytics.rows import Wrong
from convcalc.model.graph.network import FUNCTION


def bottleneck(m: Modules, call: Call) -> Flows:
    """Bottleneck: [c, shortcut, g, k, e]."""
    row, c = call.row, call.c
    e, g = row.number(4, "the expansion", 0.5), row.integer(2, "groups", 1)
    k = (3, 3)
    if row.has(3):
        sizes = row.args[3].integers("the kernels", 1)
        k = (sizes[0], sizes[-1])
    return repeated(m, call, lambda x: m.bottleneck("", x, c, row.flag(1, True), g, k, e))


def csp(m: Modules, call: Call) -> Flows:
    """BottleneckCSP: [c, shortcut, g, e]."""
    row, c, n, x = call.row, call.c, call.n, call.x
    shortcut, g = row.flag(1, True), row.integer(2, "groups", 1)
    width = m.share(c, row.number(3, "the expansion", 0.5))
    y = m.chain(
        n,
        m.conv("cv1", x, width),
        lambda name, z: m.bottleneck(name, z, width, shortcut, g, e=1.0),
    )
    y = m.conv2d("cv3", y, width, bias=False)
    both = m.concat([y, m.conv2d("cv2", x, width, bias=False)])
    return (m.conv("cv4", m.activated(m.norm("bn", both), SILU), c),)


def c1(m: Modules, call: Call) -> Flows:
    """C1: a chain of 3×3 convolutions and its input."""
    c, n, x = call.c, call.n, call.x
    y = m.conv("cv1", x, c)
    return (m.plus(m.chain(n, y, lambda name, z: m.conv(name, z, c, 3)), y),)


def c2(m: Modules, call: Call) -> Flows:
    """C2: [c, shortcut, g, e]; one half goes through a chain."""
    row, c, n, x = call.row, call.c, call.n, call.x
    shortcut, g = row.flag(1, True), row.integer(2, "groups", 1)
    width = m.share(c, row.number(3, "the expansion", 0.5))
    a, b = m.split(m.conv("cv1", x, 2 * width), [width, width])
    a = m.chain(n, a, lambda name, z: m.bottleneck(name, z, width, shortcut, g, e=1.0))
    return (m.conv("cv2", m.concat([a, b]), c),)


def c2f(m: Modules, call: Call) -> Flows:
    """C2f: [c, shortcut, g, e]."""
    row, c, n, x = call.row, call.c, call.n, call.x
    shortcut, g = row.flag(1, False), row.integer(2, "groups", 1)
    e = row.number(3, "the expansion", 0.5)
    part = lambda name, y, width: m.bottleneck(name, y, width, shortcut, g, e=1.0)  # noqa: E731
    return (m.c2f(x, c, n, e, part),)


def c3k2(m: Modules, call: Call) -> Flows:
    """C3k2: [c, c3k, e, attention, g, shortcut]; the larger scales always have C3k."""
    row, c, n, x, scale = call.row, call.c, call.n, call.x, call.scale
    deep = row.flag(1, False) or scale in ("m", "l", "x")
    e, attends = row.number(2, "the expansion", 0.5), row.flag(3, False)
    g, shortcut = row.integer(4, "groups", 1), row.flag(5, True)

    def part(name: str, y: Flow, width: int) -> Flow:
        if attends:
            with m.writer.inside(name, "Sequential"):
                y = m.bottleneck("0", y, width, shortcut, g)
                return m.psa_block("1", y, max(width // 64, 1))
        if deep:
            return m.c3k(name, y, width, 2, shortcut, g)
        return m.bottleneck(name, y, width, shortcut, g)

    return (m.c2f(x, c, n, e, part),)


def c2f_cib(m: Modules, call: Call) -> Flows:
    """C2fCIB: [c, shortcut, large kernels, g, e]."""
    row, c, n, x = call.row, call.c, call.n, call.x
    shortcut, large = row.flag(1, False), row.flag(2, False)
    e = row.number(4, "the expansion", 0.5)
    part = lambda name, y, width: m.cib(name, y, width, shortcut, large)  # noqa: E731
    return (m.c2f(x, c, n, e, part),)


def c3(m: Modules, call: Call) -> Flows:
    """C3 and C3x: [c, shortcut, g, e]."""
    row, c, n, x = call.row, call.c, call.n, call.x
    shortcut, g = row.flag(1, True), row.integer(2, "groups", 1)
    kernels: tuple[Kernel, Kernel] = ((1, 3), (3, 1)) if row.module == "C3x" else (1, 3)

    def inner(y: Flow, width: int) -> Flow:
        return m.chain(
            n, y, lambda name, z: m.bottleneck(name, z, width, shortcut, g, kernels, 1.0)
        )

    return (m.c3(x, c, row.number(3, "the expansion", 0.5), inner),)


def c3_ghost(m: Modules, call: Call) -> Flows:
    """C3Ghost: a C3 of ghost bottlenecks."""
    row, c, n, x = call.row, call.c, call.n, call.x

    def inner(y: Flow, width: int) -> Flow:
        return m.chain(n, y, lambda name, z: m.ghost_bottleneck(name, z, width))

    return (m.c3(x, c, row.number(3, "the expansion", 0.5), inner),)


def ghost_bottleneck(m: Modules, call: Call) -> Flows:
    """GhostBottleneck: [c, k, s]."""
    row, c = call.row, call.c
    k, s = row.integer(1, "the kernel", 3), row.integer(2, "the stride", 1)
    return repeated(m, call, lambda x: m.ghost_bottleneck("", x, c, k, s))


def rep_c3(m: Modules, call: Call) -> Flows:
    """RepC3: [c, e]; a chain of RepConv and a bypass, added."""
    row, c, n, x = call.row, call.c, call.n, call.x
    width = m.share(c, row.number(1, "the expansion", 1.0))
    y = m.chain(n, m.conv("cv1", x, width), lambda name, z: m.rep_conv(name, z, width))
    y = m.plus(y, m.conv("cv2", x, width))
    return (y if width == c else m.conv("cv3", y, c),)


def spp(m: Modules, call: Call) -> Flows:
    """SPP: [c, kernels]; poolings side by side."""
    row, c = call.row, call.c
    kernels = row.args[1].integers("the kernels", 1) if row.has(1) else [5, 9, 13]

    def part(x: Flow) -> Flow:
        y = m.conv("cv1", x, m.halved(x.c))
        pooled = [m.max_pool(f"m.{index}", y, k, 1, k // 2) for index, k in enumerate(kernels)]
        return m.conv("cv2", m.concat([y, *pooled]), c)

    return repeated(m, call, part)


def sppf(m: Modules, call: Call) -> Flows:
    """SPPF: [c, k, poolings, shortcut]; with more than k the first convolution has no
    activation."""
    row, c = call.row, call.c
    k, count = row.integer(1, "the kernel", 5), row.integer(2, "the poolings", 3)
    shortcut = row.flag(3, False)
    if count > 1000:
        raise Wrong("too-large", f"{count} poolings, more than 1000", row.args[2].place)

    def part(x: Flow) -> Flow:
        found = [m.conv("cv1", x, m.halved(x.c), act=len(row.args) <= 2)]
        for index in range(count):
            found.append(m.max_pool(f"m[{index}]", found[-1], k, 1, k // 2))
        y = m.conv("cv2", m.concat(found), c)
        return m.plus(x, y) if shortcut and x.c == c else y

    return repeated(m, call, part)


def sppelan(m: Modules, call: Call) -> Flows:
    """SPPELAN: [c, width, k]."""
    row, c = call.row, call.c
    width, k = row.integer(1, "the width"), row.integer(2, "the kernel", 5)

    def part(x: Flow) -> Flow:
        found = [m.conv("cv1", x, width)]
        for name in ("cv2", "cv3", "cv4"):
            found.append(m.max_pool(name, found[-1], k, 1, k // 2))
        return m.conv("cv5", m.concat(found), c)

    return repeated(m, call, part)


def elan(m: Modules, call: Call) -> Flows:
    """RepNCSPELAN4: [c, c3, c4, n], ELAN1: [c, c3, c4]."""
    row, c = call.row, call.c
    c3, c4 = row.integer(1, "the second width", least=2), row.integer(2, "the third width")
    is_plain = row.module == "ELAN1"
    depth = row.integer(3, "the repeats", 1)
    half = c3 // 2

    def branch(name: str, x: Flow) -> Flow:
        if is_plain:
            return m.conv(name, x, c4, 3)
        with m.writer.inside(name, "Sequential"):
            with m.writer.inside("0", "RepCSP"):
                y = m.c3(x, c4, 0.5, lambda y, width: m.rep_chain(depth, y, width))
            return m.conv("1", y, c4, 3)

    def part(x: Flow) -> Flow:
        y = m.conv("cv1", x, c3)
        found = list(m.split(y, [half, c3 - half]))
        for name in ("cv2", "cv3"):
            found.append(branch(name, found[-1]))
        return m.conv("cv4", m.concat(found), c)

    return repeated(m, call, part)


def hg_stem(m: Modules, call: Call) -> Flows:
    """HGStem: [width, c] of RT-DETR."""
    row, c, x = call.row, call.c, call.x
    width, c = row.integer(0, "the width", least=2), row.integer(1, "the channels")
    x = m.padded(m.conv("stem1", x, width, 3, 2, act=RELU))
    y = m.padded(m.conv("stem2a", x, width // 2, 2, 1, 0, act=RELU))
    y = m.conv("stem2b", y, width, 2, 1, 0, act=RELU)
    x = m.max_pool("pool", x, 2, 1, 0, ceil_mode=1)
    y = m.conv("stem3", m.concat([x, y]), width, 3, 2, act=RELU)
    return (m.conv("stem4", y, c, act=RELU),)


def hg_block(m: Modules, call: Call) -> Flows:
    """HGBlock: [width, c, k, light, shortcut] of RT-DETR."""
    row, c, n, x = call.row, call.c, call.n, call.x
    width, c = row.integer(0, "the width"), row.integer(1, "the channels", least=2)
    k, light, shortcut = row.integer(2, "the kernel", 3), row.flag(3, False), row.flag(4, False)
    found = [x]
    for index in range(n):
        if light:
            with m.writer.inside(f"m.{index}", "LightConv"):
                y = m.conv("conv1", found[-1], width, act=False)
                found.append(m.depthwise("conv2", y, width, k, act=RELU))
        else:
            found.append(m.conv(f"m.{index}", found[-1], width, k, act=RELU))
    y = m.conv("sc", m.concat(found), c // 2, act=RELU)
    y = m.conv("ec", y, c, act=RELU)
    return (m.plus(x, y) if shortcut and x.c == c else y,)


def resnet(m: Modules, call: Call) -> Flows:
    """ResNetLayer: [channels, width, s, is the stem, blocks, e]."""
    row, c, x = call.row, call.c, call.x
    expected, c = row.integer(0, "the channels"), row.integer(1, "the width")
    s, count = row.integer(2, "the stride", 1), row.integer(4, "the blocks", 1)
    e = row.integer(5, "the expansion", 4)
    x = x._replace(c=expected)
    if row.flag(3, False):
        y = m.conv("layer.0", x, c, 7, 2, 3)
        return (m.max_pool("layer.1", y, 3, 2, 1),)
    for index in range(count):
        with m.writer.inside(f"layer.{index}", "ResNetBlock"):
            stride = s if index == 0 else 1
            y = m.conv("cv2", m.conv("cv1", x, c), c, 3, stride, 1)
            y = m.conv("cv3", y, e * c, act=False)
            if stride != 1 or x.c != e * c:
                x = m.conv("shortcut.0", x, e * c, 1, stride, act=False)
            y = m.plus(x, y)
            x = y._replace(name=m.writer.add("Relu", y.name, form=FUNCTION))
    return (x,)


RULES: Mapping[str, Rule] = {
    "Bottleneck": bottleneck,
    "BottleneckCSP": csp,
    "C1": c1,
    "C2": c2,
    "C2f": c2f,
    "C3": c3,
    "C3x": c3,
    "C3Ghost": c3_ghost,
    "C3k2": c3k2,
    "GhostBottleneck": ghost_bottleneck,
    "RepC3": rep_c3,
    "SPP": spp,
    "SPPF": sppf,
    "SPPELAN": sppelan,
    "RepNCSPELAN4": elan,
    "ELAN1": elan,
    "C2fCIB": c2f_cib,
    "HGStem": hg_stem,
    "HGBlock": hg_block,
    "ResNetLayer": resnet,
}
