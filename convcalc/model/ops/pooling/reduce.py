"""Reduce: mean, maximum, minimum or sum over the channels, over all positions, or over one axis.

    out_channels = 1                     over channels
    out_size     = 1, or no such axis    over positions or an axis, by keepdim

Counts one elementwise operation per input element; the division of a mean is not counted. No
parameters, no MACs. The axis stays with size 1, ready for a product with what was reduced; with
keepdim false it is dropped, except for the channels, which a tensor always has. Over positions it
is a global pooling. The spatial gate of CBAM takes mean and maximum over the channels, triplet
attention those over one axis after the other.

Common mistake: PyTorch drops the axis unless keepdim is set; ``x.mean(1)`` of an image has no
channels, and height takes their place.

Source: PyTorch ``torch.mean``, ``torch.amax``, ``torch.sum``; Woo et al., "CBAM", arXiv 1807.06521.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.geometry.channel_maps import MIXED, OWN
from convcalc.model.geometry.sizes import AXIS_NAMES, axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.checks import missing_axis
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    NOTHING,
    Analysis,
    Kept,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.pooling._pooling import INDEX_BYTES
from convcalc.model.quantities.shape import Shape

POSITIONS = "positions"


@operator
class Reduce(Operator):
    """The reduction; see the module's docstring."""

    keeps = NOTHING

    axis: str = fields.word(
        (*AXIS_NAMES[:1], POSITIONS, *AXIS_NAMES[1:]), "channels, all positions, or one axis"
    )
    mode: str = fields.word(("mean", "max", "min", "sum"), "what is computed", "mean")
    keepdim: bool = fields.flag("whether the axis stays, with size 1", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The axis is there, and what is left has channels."""
        (x,) = inputs
        if self.axis == POSITIONS:
            if not x.rank:
                message = f"a vector of {x.channels} channels has no positions"
                yield Problem("wrong-rank", "axis", message, "channels", 0)
        elif problems := list(missing_axis(self.axis, x)):
            yield from problems
        elif self.axis == "channels" and not self.keepdim:
            message = "a tensor without channels has no place in a network"
            yield Problem("unsupported-combination", "keepdim", message, "keepdim true")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """All of the axis for each output element."""
        (x,) = inputs
        terms = (Term("reduce", ELEMENTWISE, x.numel),)
        if self.axis == "channels":
            here = ((IDENTITY,) * x.rank,)
            return Analysis(x.with_channels(1), here, terms, channels=(MIXED,))
        names = axis_names(x.rank)
        gone = range(1, x.rank + 1) if self.axis == POSITIONS else [names.index(self.axis)]
        axes = (tuple(Whole() if dim in gone else IDENTITY for dim in range(1, x.rank + 1)),)
        if self.keepdim:
            sizes = tuple(1 if dim in gone else n for dim, n in enumerate(x.spatial, 1))
            return Analysis(x.with_spatial(sizes), axes, terms, channels=(OWN,))
        left = [dim for dim in range(1, x.rank + 1) if dim not in gone]
        output = x.with_spatial(tuple(x.spatial[dim - 1] for dim in left))
        arranged = ((0,), *((dim,) for dim in left)) if left else None
        return Analysis(output, axes, terms, channels=(OWN,), arranged=arranged)

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Where each maximum or minimum was found."""
        return Kept(index_bytes=INDEX_BYTES * output.numel if self.mode in ("max", "min") else 0)
