"""Shared by all norms: two operations per element, and a learned scale and shift."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.geometry.channel_maps import MIXED, Block, Blocks, ChannelMap
from convcalc.model.operators.contract import ELEMENTWISE, Term
from convcalc.model.operators.work import work
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


def norm_term(output: Shape) -> Term:
    """Two operations per output element, one subtraction and one scaling, as fvcore counts."""
    return Term("norm", ELEMENTWISE, work(2, output.numel))


def per_channel(affine: bool, channels: int) -> Mapping[str, tuple[int, ...]]:
    """Scale and shift of each channel, if there are any."""
    return {"weight": (channels,), "bias": (channels,)} if affine else {}


def learned_numbers(per: str, x: Shape) -> tuple[int, ...]:
    """The sizes of a weight with one number per channel, or one for the whole tensor."""
    return (x.channels,) if per == "channel" else (1,)


def normalised_by(groups: int, x: Shape) -> ChannelMap:
    """How the output channels of a norm read the input: each its own channel where it is, and all
    channels of its group, at all positions, for the statistics."""
    if not known(x.channels):
        return MIXED
    every = range(x.channels)
    own = Block(every, every, x.channels, (IDENTITY,) * x.rank)
    return Blocks((own, Block(every, every, groups, (Whole(),) * x.rank)))
