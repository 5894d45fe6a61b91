"""Padding of windows: PyTorch's own where it is the same on both sides, else a module before it."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.exporting.expressions import literal
from convcalc.exporting.torch.site import Site, scalar
from convcalc.language.syntax import nodes
from convcalc.model.geometry.sizes import PADDING_WORDS, resolve_padding


class Padding(NamedTuple):
    """``keyword`` for the module itself, empty for none; or a module ``before`` it."""

    keyword: str = ""
    before: str = ""
    helpers: tuple[str, ...] = ()


def padding_of(site: Site, value: str = "0.0") -> Padding:
    """How the padding of a window is written; ``value`` fills what a module before adds."""
    given = site.values("padding")
    if any(isinstance(each, str) for each in given):
        return _word(site, value)
    if any(before != after for sides in given for before, after in sides):
        (sides,) = (site.one("padding"),)
        flat = [n for pair in reversed(sides) for n in pair]
        return Padding(before=f"nn.ConstantPad{site.rank}d({literal(tuple(flat))}, {value})")
    text = site.text("padding")
    argument = site.given.get("padding")
    is_pairs = (
        argument is not None
        and isinstance(argument.node, nodes.Sequence)
        and any(isinstance(part, nodes.Sequence) for part in argument.node.items)
    )
    if argument is None or is_pairs:
        (sides,) = (site.one("padding"),)
        text = scalar(tuple(before for before, _ in sides))
    return Padding("" if text == "0" else text)


def _word(site: Site, value: str) -> Padding:
    word = site.one("padding")
    assert word in PADDING_WORDS
    if word == "valid":
        return Padding()
    sides = []
    for operator, shape in zip(site.operators, site.shapes(), strict=True):
        kernel, stride, dilation = _window(operator, shape.rank)
        found = resolve_padding(word, shape.spatial, kernel, stride, dilation)
        if found not in sides:
            sides.append(found)
    if len(sides) == 1 and all(before == after for before, after in sides[0]):
        text = scalar(tuple(before for before, _ in sides[0]))
        return Padding("" if text == "0" else text)
    kernel = site.text("kernel_size")
    dilation = site.text("dilation") if "dilation" in site.declared else "1"
    if word == "half":
        if dilation == "1":
            half = (
                f"{kernel} // 2"
                if kernel.isidentifier() or kernel.isdigit()
                else f"({kernel}) // 2"
            )
            if not all(isinstance(k, int) for k in site.raw("kernel_size")):
                raise site.refused("pads by half a window that is not the same on all axes")
            return Padding(half)
        raise site.refused("pads by half of a dilated window")
    if word == "causal":
        before = f"{dilation} * ({kernel} - 1)"
        return Padding(before=f"nn.ConstantPad1d(({before}, 0), {value})")
    stride = site.text("stride")
    more = "" if dilation == "1" else f", dilation={dilation}"
    more += "" if value == "0.0" else f", value={value}"
    return Padding(before=f"SamePad({kernel}, {stride}{more})", helpers=("SamePad",))


def _window(operator: object, rank: int) -> tuple[tuple[int, ...], ...]:
    kernel = operator.kernel_size  # type: ignore[attr-defined]
    stride = getattr(operator, "stride", None) or kernel
    dilation = getattr(operator, "dilation", (1,) * rank)
    return kernel, stride, dilation


def padded(padding: Padding, module: str) -> str:
    """The module, behind the one that pads."""
    return f"nn.Sequential({padding.before}, {module})" if padding.before else module
