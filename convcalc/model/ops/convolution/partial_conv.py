"""Partial convolution of FasterNet: only the first 1/n_div of the channels is convolved.

    c      = in_channels // n_div            the other in_channels - c channels pass untouched
    weight = (c, c, *kernel_size)            no bias
    params = c²·K
    MACs   = batch · positions · c²·K

K taps of the kernel. The shape stays: stride 1, and zeros before and after. With n_div = 4 that is
1/16 of the MACs of the full convolution. Whether the untouched channels are copied (``split_cat``)
or stay in place (``slicing``) makes no difference to any count.

Common mistakes: the convolution for inpainting that is called partial too, which skips holes,
is ``inpainting_conv``. If n_div does not divide the channels, c is rounded down, so 1/n_div² of
the MACs is an upper bound.

Source: Chen et al., "Run, don't walk" (arXiv 2303.03667), section 3; JierunChen/FasterNet,
models/fasternet.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.geometry.channel_maps import Block, Blocks
from convcalc.model.operators import fields
from convcalc.model.operators.composing import function, merge_analyses
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import share
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.shape import Shape


@operator
class PartialConv(Operator):
    """A convolution of some of the channels; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.kernel_size(3)
    n_div: int = fields.integer("in_channels per convolved channel", 4, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """At least one channel must be convolved, and an even kernel shifts it."""
        (x,) = inputs
        if self.n_div > x.channels:
            message = f"n_div {self.n_div} leaves none of {x.channels} channels to convolve"
            yield Problem("out-of-range", "n_div", message, f"at most {x.channels}", 0)
            return
        if any(k % 2 == 0 for k in self.kernel_size):
            even = next(k for k in self.kernel_size if k % 2 == 0)
            message = f"kernel_size {even} is even, so that the convolved channels change size"
            advice = f"an odd kernel_size, such as {even + 1}"
            yield Problem("unsupported-combination", "kernel_size", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The convolution; untouched positions lie within its window."""
        (x,) = inputs
        convolved = x.with_channels(share(x.channels, self.n_div))
        ones = (1,) * x.rank
        conv = Conv(
            out_channels=convolved.channels,
            kernel_size=self.kernel_size,
            stride=ones,
            padding="half",
            dilation=ones,
            bias=False,
        )
        made = conv.analyse([convolved])
        step = function("conv", (0,), made.output, *made.terms, weights=made.weights)
        joined = function("concat", ("conv", 0), x, keeps=NOTHING)
        first, rest = range(convolved.channels), range(convolved.channels, x.channels)
        untouched = Block(rest, rest, len(rest), (IDENTITY,) * x.rank)
        maps = (Block(first, first, 1, made.axes[0]), *((untouched,) if rest else ()))
        return merge_analyses(x, made.axes, step, joined, channels=(Blocks(maps),))
