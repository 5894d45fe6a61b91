"""Padding of windows: PyTorch's own where it is the same on both sides, else a module before it."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.exporting.expressions import literal
from convcalc.exporting.phrases import bracketed, scalar
from convcalc.exporting.torch.site import Site
from convcalc.language.parse.tree import Argument
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
        found = resolve_padding(word, shape.spatial, *_window(operator, shape.rank))
        if found not in sides:
            sides.append(found)
    if len(sides) == 1 and all(before == after for before, after in sides[0]):
        text = scalar(tuple(before for before, _ in sides[0]))
        return Padding("" if text == "0" else text)
    kernel = site.text("kernel_size")
    dilation = site.text("dilation") if "dilation" in site.declared else "1"
    if word == "half":
        return Padding(_half_of(site, kernel, dilation))
    if word == "causal":
        before = f"{dilation} * ({kernel} - 1)"
        return Padding(before=f"nn.ConstantPad1d(({before}, 0), {value})")
    stride = site.text("stride")
    more = "" if dilation == "1" else f", dilation={dilation}"
    more += "" if value == "0.0" else f", value={value}"
    return Padding(before=f"SamePad({kernel}, {stride}{more})", helpers=("SamePad",))


def _half_of(site: Site, kernel: str, dilation: str) -> str:
    """Half of a window's extent: a number, or one for each axis."""
    argument = site.given.get("kernel_size")
    if argument is not None and isinstance(argument.node, nodes.Sequence) and dilation == "1":
        pieces = [Argument("", part, site.item.place) for part in argument.node.items]
        return f"({', '.join(_half(site.render(piece, ())) for piece in pieces)})"
    if not all(isinstance(k, int) for k in site.raw("kernel_size")):
        raise site.refused("pads by half a window that is not the same on all axes")
    if dilation == "1":
        return _half(kernel)
    if kernel.isdigit() and int(kernel) % 2:
        times = int(kernel) // 2
        return dilation if times == 1 else f"{bracketed(dilation)} * {times}"
    return f"({bracketed(dilation)} * ({kernel} - 1) + 1) // 2"


def _half(text: str) -> str:
    if text.isdigit():
        return str(int(text) // 2)
    return f"{text} // 2" if text.isidentifier() else f"({text}) // 2"


def _window(
    operator: object, rank: int
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    kernel = operator.kernel_size  # type: ignore[attr-defined]
    stride = getattr(operator, "stride", None) or kernel
    dilation = getattr(operator, "dilation", (1,) * rank)
    return kernel, stride, dilation


def padded(padding: Padding, module: str) -> str:
    """The module, behind the one that pads."""
    return f"nn.Sequential({padding.before}, {module})" if padding.before else module
