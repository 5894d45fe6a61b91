"""Convolutions to be computed in several ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.analysis.costs import costs
from convcalc.analysis.costs.models import Cost
from convcalc.model.operators.contract import Operator
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.shape import Shape

Image = dict[tuple[int, ...], Any]  # (channel, *position) -> value


def conv(out_channels: int, kernel_size: Sequence[int], **fields: Any) -> Conv:
    rank = len(kernel_size)
    padding = fields.pop("padding", 0)
    plain = {"stride": (1,) * rank, "dilation": (1,) * rank, "groups": 1}
    return Conv(
        out_channels=out_channels,
        kernel_size=tuple(kernel_size),
        padding=((padding, padding),) * rank,
        **(plain | fields),
    )


def by_name(layer: Operator, x: Shape, *names: str) -> Cost:
    (cost,) = costs(layer, x, names)
    return cost
