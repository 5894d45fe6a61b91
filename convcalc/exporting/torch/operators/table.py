"""Which function writes which operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.torch.operators import (
    activation,
    attending,
    convolution,
    joining,
    norm,
    other,
    pooling,
    rearranging,
    region,
)
from convcalc.exporting.torch.site import Made, Site

Make = Callable[[Site, Sequence[bool]], Made]  # the bools: which inputs are lists of tensors

TABLE: dict[str, Make] = {
    **activation.TABLE,
    **attending.TABLE,
    **convolution.TABLE,
    **joining.TABLE,
    **norm.TABLE,
    **other.TABLE,
    **pooling.TABLE,
    **rearranging.TABLE,
    **region.TABLE,
}


def made_of(site: Site, lists: Sequence[bool]) -> Made:
    """Return what an operator is in PyTorch; Refused if it has no counterpart."""
    make = TABLE.get(site.item.type)
    if make is None:
        raise site.refused("has no counterpart in PyTorch")
    return make(site, lists)
