"""Operators that join tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.torch.site import Made, Site

_AXES = {
    1: ("channels", "length"),
    2: ("channels", "height", "width"),
    3: ("channels", "depth", "height", "width"),
}


def _joined(sign: str) -> Callable[[Site, Sequence[bool]], Made]:
    def make(site: Site, lists: Sequence[bool]) -> Made:
        if any(lists):
            if sign != " + ":
                raise site.refused("of all rounds of a loop is not written")
            tensors = ", ".join(f"{{{k}}}" for k in range(len(lists)))
            return Made(call=f"torch.stack([{tensors}]).sum(dim=0)", channels=_widest(site))
        return Made(call=sign.join(_broadcast(site)), channels=_widest(site))

    return make


def _broadcast(site: Site) -> list[str]:
    """The inputs, those of no positions given axes of one for them."""
    ranks = {tuple(shape.rank for shape in layer.shapes) for layer in site.layers}
    if len(ranks) > 1:
        raise site.refused("joins tensors whose ranks differ from call to call")
    (found,) = ranks
    most = max(found)
    names = []
    for k, rank in enumerate(found):
        if rank == most:
            names.append(f"{{{k}}}")
        elif rank == 0:
            names.append(
                f"{{{k}}}[(...,) + (None,) * {most}]"
                if most > 2
                else f"{{{k}}}[..., {', '.join(['None'] * most)}]"
            )
        else:
            raise site.refused("joins tensors of different ranks")
    return names


def _widest(site: Site) -> str:
    """The channels of the input that is not broadcast."""
    for k, width in enumerate(site.inputs):
        if all(
            layer.shapes[k].channels == layer.analysis.output.channels
            for layer in site.layers
            if k < len(layer.shapes)
        ):
            return width
    return site.inputs[0]


def _maximum(site: Site, lists: Sequence[bool]) -> Made:
    made = "{0}"
    for k in range(1, len(lists)):
        made = f"torch.maximum({made}, {{{k}}})"
    return Made(call=made, channels=_widest(site))


def _concat(site: Site, lists: Sequence[bool]) -> Made:
    axis = site.one("axis")
    dim = 1 + _AXES[max(site.rank, 1)].index(axis) if axis != "channels" else 1
    tensors = ", ".join(f"{{{k}}}" for k in range(len(lists)))
    if len(lists) == 1 and not lists[0]:
        return Made(call="{0}", channels=site.channels)
    channels = site.channels if dim > 1 else _sum(site.inputs)
    return Made(call=f"torch.cat([{tensors}], dim={dim})", channels=channels)


def _sum(texts: Sequence[str]) -> str:
    if len(texts) > 1 and len(set(texts)) == 1:
        text = texts[0]
        return (
            f"{len(texts)} * {text}"
            if text.isidentifier() or text.isdigit()
            else f"{len(texts)} * ({text})"
        )
    return " + ".join(texts)


def _elementwise(site: Site, lists: Sequence[bool]) -> Made:
    sign = {"add": "+", "sub": "-", "mul": "*", "div": "/"}.get(site.one("op"))
    if site.one("op") in _UNARY and len(lists) == 1:
        return Made(call=_UNARY[site.one("op")], channels=site.channels)
    if sign is None:
        raise site.refused(f"with op {site.one('op')} is not written")
    if len(lists) == 2:
        first, second = _broadcast(site)
        return Made(call=f"{first} {sign} {second}", channels=_widest(site))
    value = site.keep(site.text("value"))
    return Made(call=f"{{0}} {sign} {value}", channels=site.channels)


_UNARY = {
    "abs": "{0}.abs()",
    "exp": "{0}.exp()",
    "log": "{0}.log()",
    "neg": "-{0}",
    "sqrt": "{0}.sqrt()",
    "square": "{0}.square()",
}

TABLE = {
    "add": _joined(" + "),
    "mul": _joined(" * "),
    "maximum": _maximum,
    "concat": _concat,
    "elementwise": _elementwise,
}
