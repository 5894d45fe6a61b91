"""Modules with attention."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.calls import Call, Rule
from convcalc.importing.formats.ultralytics.layers import Flows
from convcalc.importing.formats.ultralytics.rows import Wrong
from convcalc.model.graph.network import METHOD


def psa_width(m: Modules, call: Call) -> int:
    """The width of what attends; Wrong if the module would change the number of channels."""
    if call.x.c != call.c:
        message = f"{call.row.module} keeps its channels, but has {call.c} of {call.x.c}"
        raise Wrong("shape-mismatch", message, call.row.place)
    return m.share(call.c, call.row.number(1, "the expansion", 0.5))


def psa(m: Modules, call: Call) -> Flows:
    """PSA and C2PSA: [c, e]; attention on one part of the channels."""
    row, c, n, x = call.row, call.c, call.n, call.x
    width = psa_width(m, call)
    a, b = m.split(m.conv("cv1", x, 2 * width), [width, width])
    heads = max(width // 64, 1)
    if row.module == "PSA":
        b = m.fed(m.plus(b, m.attention("attn", b, heads)))
    else:
        b = m.chain(n, b, lambda name, y: m.psa_block(name, y, heads))
    return (m.conv("cv2", m.concat([a, b]), c),)


def c2f_psa(m: Modules, call: Call) -> Flows:
    """C2fPSA: [c, e]."""
    row, c, n, x = call.row, call.c, call.n, call.x
    psa_width(m, call)
    part = lambda name, y, width: m.psa_block(name, y, max(width // 64, 1))  # noqa: E731
    return (m.c2f(x, c, n, row.number(1, "the expansion", 0.5), part),)


def a2c2f(m: Modules, call: Call) -> Flows:
    """A2C2f: [c, attends, areas, residual, ratio, e, g, shortcut]; scales l and x add their
    input, times a learned number per channel."""
    row, c, n, x, scale = call.row, call.c, call.n, call.x, call.scale
    attends = row.flag(1, True)
    areas = row.integer(2, "the areas", 1, least=-1)
    given = len(row.args)
    residual, ratio = row.flag(3, False), row.number(4, "the ratio", 2.0)
    if scale in ("l", "x") and given <= 3:
        residual, ratio = True, 1.2
    width = m.share(c, row.number(5, "the expansion", 0.5))
    if width % 32:
        message = f"{width} channels are not a multiple of 32"
        raise Wrong("does-not-divide", message, row.place)
    g, shortcut = row.integer(6, "groups", 1), row.flag(7, True)
    found = [m.conv("cv1", x, width)]
    for index in range(n):
        name = f"m.{index}"
        if attends:
            with m.writer.inside(name, "Sequential"):
                y = m.area_block("0", found[-1], ratio, max(areas, 1))
                y = m.area_block("1", y, ratio, max(areas, 1))
        else:
            y = m.c3k(name, found[-1], width, 2, shortcut, g)
        found.append(y)
    y = m.conv("cv2", m.concat(found), c)
    if attends and residual:
        scaled = m.writer.add("Mul", y.name, m.writer.weight(1, c, 1, 1), form=METHOD)
        y = m.plus(x, y._replace(name=scaled))
    return (y,)


RULES: Mapping[str, Rule] = {
    "PSA": psa,
    "C2PSA": psa,
    "C2fPSA": c2f_psa,
    "A2C2f": a2c2f,
}
