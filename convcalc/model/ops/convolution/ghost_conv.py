"""Ghost module: a convolution makes part of the channels, cheap filters of these the others.

    c              = ceil(out_channels / ratio)               intrinsic channels
    out_size       = floor((n + 2·floor(k / 2) - k) / s) + 1  per axis, k = kernel_size
    primary.weight = (c, in_channels, *kernel_size)
    cheap.weight   = (c·(ratio - 1), 1, *dw_size)             depthwise, stride 1
    norms          = 2·c and 2·c·(ratio - 1)
    params         = prod of both weights + 2·c·ratio
    MACs           = batch · prod(out_size) · (c·in_channels·K + c·(ratio - 1)·D)

K taps of kernel_size, D taps of dw_size. Each of the two convolutions (no bias, half a kernel of
padding) is followed by a batch norm, two elementwise operations per element, and with ``relu``
by a ReLU, one each. The results are concatenated, and if ratio does not divide out_channels the
surplus of c·ratio - out_channels channels is cut off, after it was computed.

Common mistakes: dividing params by ratio. The norms cover c·ratio channels, the cheap filters
add D per ghost, and the surplus is paid for: 16 inputs, 16 outputs, ratio 3 have c = 6 and
6·16 + 12·9 + 36 = 240 parameters. GhostNet's second module of a block has ``relu: false``.

Source: Han et al., "GhostNet" (arXiv 1911.11907), section 3.1; huawei-noah/Efficient-AI-Backbones,
ghostnet.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.channel_maps import MIXED, Block, Blocks
from convcalc.model.geometry.sizes import smaller_half
from convcalc.model.operators import fields
from convcalc.model.operators.composing import (
    analyse_chain,
    chain_problems,
    function,
    merge_analyses,
)
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.norm.batch_norm import BatchNorm
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class GhostConv(Operator):
    """A convolution and cheap filters of its output; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size(1, "taps of the primary part, per axis")
    dw_size: tuple[int, ...] = fields.axes("taps of the cheap filters, per axis", 3, minimum=1)
    ratio: int = fields.integer("output channels per intrinsic channel", 2, minimum=2)
    stride: tuple[int, ...] = fields.stride()
    relu: bool = fields.flag("whether a ReLU follows each norm", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, and the cheap filters must keep the size."""
        (x,) = inputs
        yield from chain_problems(self._parts(x), x)
        if any(k % 2 == 0 for k in self.dw_size):
            even = next(k for k in self.dw_size if k % 2 == 0)
            message = f"dw_size {even} is even, so that the cheap filters change the size"
            advice = f"an odd size, such as {even + 1}"
            yield Problem("unsupported-combination", "dw_size", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The parts in a row; the cheap filters read what is beside them in the output."""
        (x,) = inputs
        parts = self._parts(x)
        done = analyse_chain(parts, x)
        own = intrinsic_channels(self.out_channels, self.ratio)
        names = [part.name for part in done.parts]
        both = names[len(names) // 2 - 1], names[-1]
        joined = done.output.with_channels(ghost_channels(own, self.ratio))
        primary = analyse_chain({"primary": parts["primary"]}, x).axes
        cut_off = self.out_channels <= own  # all of the ghosts
        every = range(x.channels)
        maps = (
            Block(range(own), every, 1, primary[0]),
            Block(range(own, self.out_channels), every, 1, done.axes[0]),
        )
        return merge_analyses(
            done.output.with_channels(self.out_channels),
            primary if cut_off else done.axes,
            done,
            function("concat", both, joined, keeps=NOTHING),
            channels=(MIXED if cut_off else Blocks(maps),),
        )

    def _parts(self, x: Shape) -> Mapping[str, Operator]:
        ones = (1,) * x.rank
        after: Mapping[str, Operator] = {"norm": BatchNorm()} | (
            {"activation": Relu()} if self.relu else {}
        )
        convolutions: Mapping[str, Operator] = {
            "primary": Conv(
                out_channels=intrinsic_channels(self.out_channels, self.ratio),
                kernel_size=self.kernel_size,
                stride=self.stride,
                padding=_half_padding(self.kernel_size),
                dilation=ones,
                bias=False,
            ),
            "cheap": DepthwiseConv(
                depth_multiplier=cheap_channels(self.ratio),
                kernel_size=self.dw_size,
                stride=ones,
                padding=_half_padding(self.dw_size),
                dilation=ones,
                bias=False,
            ),
        }
        return {
            name: part
            for key, conv in convolutions.items()
            for name, part in {key: conv, **{f"{key}.{n}": p for n, p in after.items()}}.items()
        }


def _half_padding(kernel_size: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((smaller_half(k), smaller_half(k)) for k in kernel_size)


@formula
def ghost_channels(intrinsic_channels: int, ratio: int) -> int:
    """Channels of both parts together, of which the first out_channels are kept."""
    return intrinsic_channels * ratio


@formula
def cheap_channels(ratio: int) -> int:
    """Channels that the cheap filters make of each intrinsic one."""
    return ratio - 1


@formula
def intrinsic_channels(out_channels: int, ratio: int) -> int:
    """Channels of the primary part, rounded up."""
    return -(-out_channels // ratio)
