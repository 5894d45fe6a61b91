"""Concatenation over the channels.

    out_channels = sum of the in_channels;   spatial sizes stay, and must be equal

A move: no work, no parameters. The order of the inputs is the order of the channels.

Common mistake: in a U-Net without padding the skip is larger than the upsampled tensor; ``crop``
it to that tensor first.

Source: PyTorch ``torch.cat`` with dim 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.geometry.channel_maps import JOINED
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

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """All but the channels must agree with the first input."""
        first = inputs[0]
        for index, x in enumerate(inputs[1:], 1):
            if x.batch != first.batch and min(x.batch, first.batch) > 1:
                message = f"concat of {first} in batches of {first.batch} and {x} of {x.batch}"
                yield Problem("concat-mismatch", "", message, "inputs of the same batch", index)
            elif x.rank != first.rank:
                message = f"concat of {first} and {x}: {first.rank} and {x.rank} spatial axes"
                advice = f"inputs of {first.rank} spatial axes"
                yield Problem("concat-mismatch", "", message, advice, index)
            elif any(n != m for n, m in zip(first.spatial, x.spatial, strict=True)):
                message = f"concat of {first} and {x}: only the channels may differ"
                advice = f"crop, pad or upsample to {_sizes(first)}"
                yield Problem("concat-mismatch", "", message, advice, index)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Channel counts add up."""
        channels = joined_channels(tuple(x.channels for x in inputs))
        spatial = tuple(map(_common_size, *(x.spatial for x in inputs)))
        axes = tuple((IDENTITY,) * x.rank for x in inputs)
        maps = (JOINED,) * len(inputs)
        batch = max(x.batch for x in inputs)  # a learned tensor is one for all samples
        return Analysis(Shape(batch, channels, spatial), axes, channels=maps)


def _common_size(*sizes: int) -> int:
    """The common size of all inputs: the first that is known."""
    return next((n for n in sizes if known(n)), sizes[0])


def _sizes(x: Shape) -> str:
    return "×".join(map(str, x.spatial))


@formula
def joined_channels(in_channels: tuple[int, ...]) -> int:
    """Channel counts add up."""
    return sum(in_channels)
