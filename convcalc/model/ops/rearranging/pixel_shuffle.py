"""Pixel shuffle: channels become positions (also called depth to space).

    out_channels = in_channels / prod(f)
    out_size     = n · f                        per axis, f the factor
    output channel c at position y = input channel c·prod(f) + phase at floor(y / f),
    phase = y mod f, the axes counted like digits: (y_h mod f)·f + y_w mod f

n input size. A move: no work, no parameters. The factor must divide in_channels with its
product over the axes; it may differ per axis. ``pixel_unshuffle`` is the opposite. After a
convolution with prod(f) times the channels it is the subpixel form of a transposed convolution,
see ``conv_transpose``.

Common mistakes: the channels are divided by f^rank, not by f. TensorFlow's depth_to_space takes
channel phase·out_channels + c instead, so weights need reordering; sizes are the same.

Source: PyTorch ``torch.nn.PixelShuffle`` (2 axes); Shi et al., arXiv 1609.05158.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

from convcalc.model.geometry.axis_maps import Resize
from convcalc.model.geometry.channel_maps import ChannelsToPixels
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class PixelShuffle(Operator):
    """The shuffle; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    factor: tuple[int, ...] = fields.axes("output positions per input position", minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The channels of a position must fill a block."""
        channels, block = inputs[0].channels, prod(self.factor)
        if channels % block:
            text = "×".join(map(str, self.factor))
            message = f"factor {text} makes {block} positions, which do not divide {channels}"
            advice = f"in_channels must be a multiple of {block}"
            yield Problem("does-not-divide", "factor", f"{message} in_channels", advice, 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Every output reads one position."""
        (x,) = inputs
        spatial = tuple(map(shuffled_size, x.spatial, self.factor))
        output = Shape(x.batch, shuffled_channels(x.channels, self.factor), spatial)
        axes = tuple(Resize("nearest", Fraction(1, f)) for f in self.factor)
        return Analysis(output, (axes,), channels=(ChannelsToPixels(self.factor),))


@formula
def shuffled_size(size: int, factor: int) -> int:
    """Output size of an axis."""
    return size * factor


@formula
def shuffled_channels(channels: int, factor: tuple[int, ...]) -> int:
    """Channels that remain when a block of positions is made of each set of them."""
    return channels // prod(factor)
