"""Shared by rules: how layers are called, and the padding of windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convcalc.exporting.keras.site import Site
from convcalc.exporting.phrases import scalar
from convcalc.model.geometry.sizes import resolve_padding

Rule = Callable[[Site], Sequence[str]]  # expressions: each but the last makes what the next reads
X = "{x}"  # in an expression: what the one before made


def call(layer: str, arguments: Sequence[str], x: str = X) -> str:
    """A layer that is called at once."""
    return f"layers.{layer}({', '.join(arguments)})({x})"


def ranked(site: Site, name: str) -> str:
    """A layer's name with the number of axes."""
    if site.rank not in (1, 2, 3):
        raise site.refused("has no counterpart in Keras on so many axes")
    return f"{name}{site.rank}D"


def is_half(site: Site) -> bool:
    """Whether the padding of an odd kernel keeps the size at stride 1 throughout."""
    for layer, shape in zip(site.layers, site.shapes(), strict=True):
        operator: Any = layer.operator
        stride = operator.stride or operator.kernel_size
        dilation = getattr(operator, "dilation", (1,) * shape.rank)
        if set(stride) != {1} or any(
            d * (k - 1) % 2 for k, d in zip(operator.kernel_size, dilation, strict=True)
        ):
            return False
        sides = resolve_padding(
            operator.padding, shape.spatial, operator.kernel_size, stride, dilation
        )
        wanted = [d * (k - 1) // 2 for k, d in zip(operator.kernel_size, dilation, strict=True)]
        if [tuple(side) for side in sides] != [(n, n) for n in wanted]:
            return False
    return True


def padding(site: Site) -> tuple[list[str], str]:
    """The layers that pad before, and the word for Keras' own padding."""
    if site.is_always("padding", "same"):
        return [], "same"
    if site.values("padding") in (["valid"], [((0, 0),) * site.rank]):
        return [], ""
    if is_half(site):
        return [], "same"
    if "same" in site.values("padding"):
        raise site.refused("pads by numbers in one place and by a word in another")
    if site.is_always("padding", "causal") and site.rank == 1 and site.item.type == "conv":
        return [], "causal"
    return [call(ranked(site, "ZeroPadding"), [sides(site)])], ""


def sides(site: Site) -> str:
    """The padding around: its expression where it is numbers, else what it comes to."""
    argument = site.given.get("padding")
    words = [value for value in site.values("padding") if isinstance(value, str)]
    if argument is not None and not words:
        text = site.text("padding")
        pairs = {pair for value in site.values("padding") for pair in value}
        if site.rank == 1 and text.startswith("("):
            return text[1:-1].rstrip(",")
        if all(a == b for a, b in pairs) or text.startswith("(("):
            return text
    found = {
        resolve_padding(
            o.padding,
            s.spatial,
            o.kernel_size,
            o.stride or o.kernel_size,
            getattr(o, "dilation", (1,) * s.rank),
        )
        for o, s in zip(operators(site), site.shapes(), strict=True)
    }
    if len(found) == 1:
        text = scalar(found.pop())
        return text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
    if site.is_always("padding", "half") and "kernel_size" in site.given:
        k, d = site.text("kernel_size"), site.text("dilation") if "dilation" in site.given else "1"
        return f"{bracket(k)} // 2" if d == "1" else f"{bracket(d)} * ({k} - 1) // 2"
    raise site.refused("pads differently from place to place")


def operators(site: Site) -> list[Any]:
    return [layer.operator for layer in site.layers]


def bracket(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"
