"""Concatenation over the channels, or over a spatial axis.

    out_channels = sum of the in_channels;   spatial sizes stay, and must be equal
    out_size     = sum of the sizes of that axis, with axis: height, width, …; all others are equal

A move: no work, no parameters. The order of the inputs is the order of the channels, or of the
positions. A learned tensor (``parameter``) is expanded to the batch of the others: the class token
of a ViT is concatenated to the tokens along their length.

Common mistake: in a U-Net without padding the skip is larger than the upsampled tensor; ``crop``
it to that tensor first.

Source: PyTorch ``torch.cat``; dim 1 by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from convcalc.model.geometry.axis_maps import IDENTITY, Slide
from convcalc.model.geometry.channel_maps import JOINED, OWN
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.checks import missing_axis
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Concat(Operator):
    """The concatenation; see the module's docstring."""

    arity = (1, None)
    keeps = NOTHING
    passes = True

    axis: str = fields.axis("channels", "the axis along which the inputs follow one another")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """All but the channels, or that axis, must agree with the first input."""
        first = inputs[0]
        if problems := list(missing_axis(self.axis, first)):
            yield from problems
            return
        index_of_axis = axis_names(first.rank).index(self.axis)
        for index, x in enumerate(inputs[1:], 1):
            if x.batch != first.batch and min(x.batch, first.batch) > 1:
                message = f"concat of {first} in batches of {first.batch} and {x} of {x.batch}"
                yield Problem("concat-mismatch", "", message, "inputs of the same batch", index)
            elif x.rank != first.rank:
                message = f"concat of {first} and {x}: {first.rank} and {x.rank} spatial axes"
                advice = f"inputs of {first.rank} spatial axes"
                yield Problem("concat-mismatch", "", message, advice, index)
            elif _differ(first, x, index_of_axis):
                the_axis = f"the {self.axis}" if self.axis == "channels" else self.axis
                message = f"concat of {first} and {x}: only {the_axis} may differ"
                advice = f"crop, pad or upsample to {_sizes(first)}"
                yield Problem("concat-mismatch", "", message, advice, index)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Channel counts add up, or the sizes of the axis."""
        batch = max(x.batch for x in inputs)  # a learned tensor is one for all samples
        if self.axis != "channels":
            return self._along(axis_names(inputs[0].rank).index(self.axis), batch, inputs)
        channels = joined_channels(tuple(x.channels for x in inputs))
        spatial = tuple(map(_common_size, *(x.spatial for x in inputs)))
        axes = tuple((IDENTITY,) * x.rank for x in inputs)
        maps = (JOINED,) * len(inputs)
        return Analysis(Shape(batch, channels, spatial), axes, channels=maps)

    def _along(self, axis: int, batch: int, inputs: Sequence[Shape]) -> Analysis:
        """The inputs one after another along a spatial axis, 1 the first."""
        sizes = [_common_size(*dims) for dims in zip(*(x.dims[1:] for x in inputs), strict=True)]
        sizes[axis] = joined_size(tuple(x.spatial[axis - 1] for x in inputs))
        starts = list(accumulate((x.spatial[axis - 1] for x in inputs), initial=0))
        axes = tuple(
            tuple(_shifted(start) if i == axis - 1 else IDENTITY for i in range(x.rank))
            for x, start in zip(inputs, starts, strict=False)
        )
        return Analysis(
            Shape(batch, sizes[0], tuple(sizes[1:])),
            axes,
            channels=(OWN,) * len(inputs),
            arranged=tuple((dim,) for dim in range(len(sizes))),
        )


def _shifted(start: int) -> Slide:
    """The map of an input whose positions are those of the output from ``start`` on."""
    return Slide(padding=start) if known(start) else Slide(padding_known=False)


def _differ(first: Shape, x: Shape, axis: int) -> bool:
    """Whether two shapes differ on another axis than that one, 0 the channels."""
    pairs = zip(first.dims[1:], x.dims[1:], strict=True)
    return any(n != m for dim, (n, m) in enumerate(pairs) if dim != axis)


def _common_size(*sizes: int) -> int:
    """The common size of all inputs: the first that is known."""
    return next((n for n in sizes if known(n)), sizes[0])


def _sizes(x: Shape) -> str:
    return "×".join(map(str, x.spatial))


@formula
def joined_channels(in_channels: tuple[int, ...]) -> int:
    """Channel counts add up."""
    return sum(in_channels)


@formula
def joined_size(sizes: tuple[int, ...]) -> int:
    """Positions of all inputs along the axis."""
    return sum(sizes)
