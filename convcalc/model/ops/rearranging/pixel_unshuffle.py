"""Pixel unshuffle: positions become channels (also called space to depth).

    out_channels = in_channels · prod(f)
    out_size     = n / f                        per axis, f the factor
    output channel c·prod(f) + phase at position y = input channel c at position y·f + phase

n input size. A move: no work, no parameters. The factor must divide every size; it may differ
per axis. ``pixel_shuffle`` is the opposite.

Common mistakes: a 3×3 convolution behind it has f^rank times the weights and the receptive field
of a 3·f kernel. TensorFlow's space_to_depth orders the channels phase first.

Source: PyTorch ``torch.nn.PixelUnshuffle`` (2 axes).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.channel_maps import PixelsToChannels
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class PixelUnshuffle(Operator):
    """The unshuffle; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    factor: tuple[int, ...] = fields.axes("input positions per output position", minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Every axis must consist of whole blocks."""
        (x,) = inputs
        for axis, (n, f) in enumerate(zip(x.spatial, self.factor, strict=True)):
            if n % f:
                message = f"factor {f} does not divide {axis_name(axis, x.rank)} {n}"
                advice = f"{n // f * f} or {-(-n // f) * f}: crop or pad first"
                yield Problem("does-not-divide", "factor", message, advice, 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Every output position reads one block."""
        (x,) = inputs
        spatial = tuple(map(unshuffled_size, x.spatial, self.factor))
        output = Shape(x.batch, unshuffled_channels(x.channels, self.factor), spatial)
        axes = tuple(Slide(f, f) for f in self.factor)
        return Analysis(output, (axes,), channels=(PixelsToChannels(self.factor),))


@formula
def unshuffled_size(size: int, factor: int) -> int:
    """Output size of an axis."""
    return size // factor


@formula
def unshuffled_channels(channels: int, factor: tuple[int, ...]) -> int:
    """Each position of a block becomes a set of channels."""
    return channels * prod(factor)
