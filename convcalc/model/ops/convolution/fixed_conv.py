"""A convolution whose taps are fixed: each channel is filtered, nothing is learned.

    out_size     = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    out_channels = in_channels · filters
    buffer       = (out_channels, 1, *kernel_size), or (filters, *kernel_size) if shared
    MACs         = batch · prod(out_size) · prod(kernel_size) · out_channels

A ``depthwise_conv`` without parameters: Sobel filters, the four Haar filters of a wavelet (k = 2,
s = 2, filters: 4), the smoothing in StyleGAN's resampling. Its taps are constants that are stored
with the network, a buffer; they are multiplied like weights, and count as MACs. shared says that
one set of filters is stored for all channels. There is no bias, and no gradient of the taps.

Common mistake: tools that hook modules do not see it, since it is a function of a buffer; tools
that trace do.

Source: PyTorch ``torch.nn.functional.conv2d`` with a buffer and groups = in_channels; Karras et
al., arXiv 1912.04958 (``upfirdn2d``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.quantities.shape import Shape


@operator
class FixedConv(Operator):
    """The filter; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    filters: int = fields.integer("filters per channel", 1, minimum=1)
    shared: bool = fields.flag("whether the filters are stored once for all channels", False)
    padding_mode: str = fields.word(
        ("zeros", "reflect", "replicate", "circular"), "what fills the padding", "zeros"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A window must fit, and so must the padding."""
        return self._conv().check(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The depthwise convolution's analysis, its weight a buffer."""
        found = self._conv().analyse(inputs)
        stored = (self.filters, *self.kernel_size) if self.shared else found.weights["weight"]
        return found._replace(weights={}, buffers={"filter": stored})

    def _conv(self) -> DepthwiseConv:
        return DepthwiseConv(
            depth_multiplier=self.filters,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            bias=False,
            padding_mode=self.padding_mode,
        )
