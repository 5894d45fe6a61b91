"""Modules without weights, and those of torch."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.calls import Call, Rule
from convcalc.importing.formats.ultralytics.layers import Flows
from convcalc.importing.formats.ultralytics.rows import Wrong
from convcalc.model.graph.network import FUNCTION


def concat(m: Modules, call: Call) -> Flows:
    """Concat of channels."""
    row, read = call.row, call.read
    if row.integer(0, "the axis", 1) != 1:
        raise Wrong("wrong-type", "a Concat of another axis than channels", row.args[0].place)
    return (m.concat([flows[0] for flows in read]),)


def upsample(m: Modules, call: Call) -> Flows:
    """nn.Upsample: [size, scale, mode]."""
    row, x = call.row, call.x
    if row.has(0):
        raise Wrong("unsupported-combination", "an upsampling to a size", row.args[0].place, "None")
    factor = row.integer(1, "the scale")
    mode = row.args[2].value if row.has(2) else "nearest"
    modes = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}
    if mode not in modes:
        message = f"the mode is '{mode}'"
        raise Wrong("wrong-type", message, row.args[2].place, ", ".join(modes))
    return (m.resized(x, factor, modes[mode]),)


def max_pool(m: Modules, call: Call) -> Flows:
    """nn.MaxPool2d: [k, s, p]."""
    row, x = call.row, call.x
    k = row.integer(0, "the kernel")
    s = row.integer(1, "the stride") if row.has(1) else k
    return (m.max_pool("pool", x, k, s, row.integer(2, "the padding", 0, 0)),)


def zero_pad(m: Modules, call: Call) -> Flows:
    """nn.ZeroPad2d: [[left, right, top, bottom]]."""
    row, x = call.row, call.x
    given = row.at(0, "the padding")
    sizes = (
        given.integers("the padding")
        if isinstance(given.value, list)
        else [given.integer("the padding")] * 4
    )
    if len(sizes) != 4:
        raise Wrong("wrong-type", "a padding has four sizes", given.place)
    left, right, top, bottom = sizes
    pads = [0, 0, top, left, 0, 0, bottom, right]
    return (x._replace(name=m.writer.add("Pad", x.name, pads=pads)),)


def identity(_: Modules, call: Call) -> Flows:
    """nn.Identity."""
    read = call.read
    return read[0]


def batch_norm(m: Modules, call: Call) -> Flows:
    """nn.BatchNorm2d."""
    read = call.read
    return (m.norm("bn", read[0][0]),)


def cb_fuse(m: Modules, call: Call) -> Flows:
    """CBFuse: [indices]; parts of other branches in the size of the last, all added."""
    row, read = call.row, call.read
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
        found.append(m.resized(part, int(ratio), form=FUNCTION) if ratio > 1 else part)
    for each in found:
        last = m.plus(each, last)
    return (last,)


RULES: Mapping[str, Rule] = {
    "Concat": concat,
    "nn.Upsample": upsample,
    "nn.MaxPool2d": max_pool,
    "nn.ZeroPad2d": zero_pad,
    "nn.Identity": identity,
    "nn.BatchNorm2d": batch_norm,
    "CBFuse": cb_fuse,
}
