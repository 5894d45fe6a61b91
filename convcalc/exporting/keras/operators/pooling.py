"""Pooling and reductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.operators.calls import Rule, X, call, is_half, ranked, sides
from convcalc.exporting.keras.site import Site
from convcalc.exporting.phrases import scalar
from convcalc.model.geometry.sizes import axis_names, resolve_padding
from convcalc.model.quantities.unknown import known


def window(site: Site) -> list[str]:
    arguments = [site.text("kernel_size")]
    if not site.is_always("stride", None) and site.text("stride") != site.text("kernel_size"):
        arguments.append(f"strides={site.text('stride')}")
    return arguments


def max_pool(site: Site) -> Sequence[str]:
    """Max pooling; padding is never the maximum."""
    if site.is_always("padding", "same"):
        return [call(ranked(site, "MaxPooling"), [*window(site), 'padding="same"'])]
    if "dilation" in site.given and any(set(v) != {1} for v in site.values("dilation")):
        raise site.refused("with a dilation has no counterpart in Keras")
    if not any(site.values("ceil_mode")) and is_half(site):
        return [call(ranked(site, "MaxPooling"), [*window(site), 'padding="same"'])]
    is_plain = site.values("padding") in ([((0, 0),) * site.rank], ["valid"])
    if is_plain and not any(site.values("ceil_mode")):
        return [call(ranked(site, "MaxPooling"), window(site))]
    stride = site.text("kernel_size") if site.is_always("stride", None) else site.text("stride")
    arguments = [X, site.text("kernel_size"), stride]
    arguments += [] if is_plain else [sides(site)]
    if any(site.values("ceil_mode")):
        arguments.append(f"ceil_mode={site.text('ceil_mode')}")
    return [f"{site.use('max_pool')}({', '.join(arguments)})"]


def pool_sides(site: Site) -> Any:
    """The padding of a pooling, with what windows that hang over the end need."""
    found = set()
    for layer in site.layers:
        o: Any = layer.operator
        x, made = layer.shapes[0], layer.analysis.output
        stride = o.stride or o.kernel_size
        sides = resolve_padding(o.padding, x.spatial, o.kernel_size, stride, (1,) * x.rank)
        if o.ceil_mode:
            if not known((*x.spatial, *made.spatial)):
                raise site.refused("with ceil_mode needs sizes that are known")
            ends = [
                (m - 1) * s + k - n - before
                for n, m, k, s, (before, _) in zip(
                    x.spatial, made.spatial, o.kernel_size, stride, sides, strict=True
                )
            ]
            sides = tuple(
                (before, max(end, after)) for (before, after), end in zip(sides, ends, strict=True)
            )
        found.add(tuple(map(tuple, sides)))
    if len(found) != 1:
        raise site.refused("pads differently from place to place")
    return found.pop()


def avg_pool(site: Site) -> Sequence[str]:
    """Average pooling; zeros in the padding enter the mean unless it is Keras' own."""
    word = site.is_always("padding", "same")
    sides = () if word else pool_sides(site)
    own = [
        call(ranked(site, "AveragePooling"), [*window(site), *(['padding="same"'] if word else [])])
    ]
    if word or not any(map(any, sides)):
        return own
    if not site.one("count_include_pad"):
        if is_half(site):
            return [call(ranked(site, "AveragePooling"), [*window(site), 'padding="same"'])]
        raise site.refused("without the padding in its mean has no counterpart in Keras")
    if any(site.values("ceil_mode")):
        raise site.refused("with ceil_mode and padding has no counterpart in Keras")
    text = scalar(sides)
    text = text[1:-1].rstrip(",") if site.rank == 1 and text.startswith("((") else text
    return [call(ranked(site, "ZeroPadding"), [text]), *own]


def _global(name: str) -> Rule:
    return lambda site: [call(ranked(site, name), site.keywords(keepdim="keepdims"))]


def _adaptive(name: str) -> Rule:
    def rule(site: Site) -> Sequence[str]:
        if any(None in value for value in site.values("output_size")):
            raise site.refused("that keeps the size of an axis has no counterpart in Keras")
        return [call(ranked(site, name), [site.text("output_size")])]

    return rule


def reduce(site: Site) -> Sequence[str]:
    """Mean, maximum, minimum or sum."""
    axis, rank = site.one("axis"), site.rank
    if axis == "positions":
        axes = literal(tuple(range(1, rank + 1)))
    else:
        at = axis_names(rank).index(axis)
        axes = str(at if at else -1)
    keep = ", keepdims=True" if site.one("keepdim") else ""
    return [f"ops.{site.one('mode')}({X}, axis={axes}{keep})"]


RULES: Mapping[str, Rule] = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": _global("GlobalAveragePooling"),
    "global_max_pool": _global("GlobalMaxPooling"),
    "adaptive_avg_pool": _adaptive("AdaptiveAveragePooling"),
    "adaptive_max_pool": _adaptive("AdaptiveMaxPooling"),
    "reduce": reduce,
}
