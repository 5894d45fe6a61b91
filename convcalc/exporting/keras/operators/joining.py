"""Several inputs, and learned tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.operators.calls import Rule, X
from convcalc.exporting.keras.site import Site
from convcalc.model.geometry.sizes import axis_names


def alike(site: Site) -> list[str]:
    """The inputs, a vector of channels as a map of one position where others are maps."""
    ranks = [{layer.shapes[k].rank for layer in site.layers} for k in range(len(site.inputs))]
    if any(len(each) != 1 for each in ranks):
        raise site.refused("reads maps of different ranks")
    own = [each.pop() for each in ranks]
    most = max(own)
    return [
        text if rank == most else f"layers.Reshape(({'1, ' * most}{text}.shape[-1]))({text})"
        for text, rank in zip(site.inputs, own, strict=True)
    ]


def joined(name: str, inputs: Sequence[str]) -> str:
    """Tensors joined by one of Keras' functions."""
    return f"layers.{name}([{', '.join(inputs)}])"


def _joining(name: str) -> Rule:
    return lambda site: [joined(name, alike(site))]


def concat(site: Site) -> Sequence[str]:
    """Along the channels, which stand last, or another axis."""
    axis = axis_names(site.rank).index(site.one("axis"))
    text = f"[{', '.join(site.inputs)}]"
    if len(site.inputs) == 1 and site.inputs[0].startswith("*"):
        text = site.inputs[0][1:]
    return [f"layers.concatenate({text}{f', axis={axis}' if axis else ''})"]


def parameter(site: Site) -> Sequence[str]:
    """A learned tensor, for each sample of what stands before."""
    if any(not layer.inputs for layer in site.layers) and not site.inputs:
        raise site.refused("before any input has no counterpart in Keras")
    channels, *spatial = site.one("shape")
    sizes = literal((*spatial, channels))
    trainable = ", trainable=False" if site.one("fixed") else ""
    return [f"{site.use('Parameter')}({sizes}{trainable})({X})"]


RULES: Mapping[str, Rule] = {
    "add": _joining("add"),
    "mul": _joining("multiply"),
    "maximum": _joining("maximum"),
    "concat": concat,
    "parameter": parameter,
}
