"""Partial convolution for inpainting: holes are left out, and each window is scaled up for it.

    out_size   = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    weight     = (out_channels, in_channels / groups, *kernel_size)
    params     = prod(weight) + out_channels if bias
    MACs       = batch · prod(out_size) · prod(weight)
    output     = (conv(x · mask) · ratio + bias) · new mask
    mask sums  = batch · prod(out_size) · K                  elementwise, one channel
               = batch · prod(out_size) · out_channels · in_channels · K     multi_channel

n input size, k kernel_size, s stride, p padding, d dilation, K taps. The second input is the mask,
1 where values are valid, of one channel, or with multi_channel of in_channels. Without it
the mask is all 1, so that only the padding counts as a hole; it is then the same for all
samples, and one channel of it is summed once, not per sample.

The mask is convolved with ones. These are fixed tensors and no parameters, and multiplying by 1 is
not a MAC: its sums count as elementwise work, one per tap, like a pooling. With multi_channel the
official code convolves it with ones of the full weight's size, ungrouped, which doubles the work.

More elementwise work: ``hole`` one product per input element (with a mask), ``ratio`` three
operations per element of the new mask (division, clamp, product), ``rescale`` two products per
output element, the bias one.

With return_mask the new mask is the port ``mask``: one channel, or with multi_channel
out_channels, of the output's size.

Common mistakes: FasterNet's convolution of some channels has the same name in print and is
``partial_conv`` here. The bias must stay out of the scaling; the official code subtracts it, scales
and adds it again.

Source: Liu et al., "Image inpainting for irregular holes using partial convolutions"
(arXiv 1804.07723), equations 1 and 2; NVIDIA/partialconv, models/partialconv2d.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Axes, Nothing
from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.composing import function, merge_analyses, sibling
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    FACTORS,
    NOTHING,
    Analysis,
    Operator,
    Part,
    Port,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import work
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class InpaintingConv(Operator):
    """A convolution that leaves out holes; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    multi_channel: bool = fields.flag("whether each channel has a mask of its own", False)
    return_mask: bool = fields.flag("whether the new mask is the port 'mask'", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Check what the convolution needs, and that a mask has the size of the input."""
        x, *masks = inputs
        yield from self._conv().check([x])
        wanted = x.with_channels(x.channels if self.multi_channel else 1)
        for mask in masks:
            if mask.rank != x.rank or any(
                n != m for n, m in zip(mask.dims, wanted.dims, strict=True)
            ):
                message = f"the mask is {mask}, but must be {wanted}"
                advice = "one channel, or with multi_channel as many as the input"
                yield Problem("shape-mismatch", "multi_channel", message, advice, 1)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The convolution, the sums of the mask, and the scaling by their ratio."""
        x, *masks = inputs
        conv = self._conv().analyse([x])
        axes, output = conv.axes[0], conv.output
        hole = Term("hole", ELEMENTWISE, x.numel)
        given = [function("hole", (0, 1), x, hole, keeps=FACTORS)] if masks else []
        weight = {"weight": conv.weights["weight"]}
        bias = {name: shape for name, shape in conv.weights.items() if name not in weight}
        rescale = Term("rescale", ELEMENTWISE, work(2, output.numel))
        reads, last = ("weight", "ratio"), (rescale, *conv.terms[1:])
        return merge_analyses(
            output,
            (axes, *(axes for _ in masks)),
            *given,
            function("weight", ["hole" if masks else 0], output, conv.terms[0], weights=weight),
            *self._mask_parts(x, output, bool(masks)),
            function("rescale", reads, output, *last, keeps=FACTORS, weights=bias),
            ports=self._port(x, output, axes, masks),
            channels=conv.channels,
        )

    def _mask_parts(self, x: Shape, output: Shape, given: bool) -> tuple[Part, Part]:
        """The sums of the mask under each window, and the ratio that follows from them."""
        batch = x.batch if given or self.multi_channel else 1
        old, new = (x.channels, self.out_channels) if self.multi_channel else (1, 1)
        made = Shape(batch, new, output.spatial)
        sums = Term(
            "mask", ELEMENTWISE, mask_sums(batch, output.spatial, old, new, self.kernel_size)
        )
        ratios = Term("ratio", ELEMENTWISE, work(3, made.numel))
        return (
            function("mask", (1,) if given else (), made, sums, keeps=NOTHING),
            function("ratio", ("mask",), made, ratios, keeps=NOTHING),
        )

    def _port(self, x: Shape, output: Shape, axes: Axes, masks: Sequence[Shape]) -> dict[str, Port]:
        """The new mask, which depends on the mask alone."""
        if not self.return_mask:
            return {}
        none = (Nothing("the new mask depends on the old one alone"),) * x.rank
        channels = self.out_channels if self.multi_channel else 1
        mask = output.with_channels(channels)
        return {"mask": Port(mask, (none, *(axes for _ in masks)), "mask")}

    def _conv(self) -> Conv:
        return sibling(Conv, self)


@formula
def mask_sums(
    batch: int,
    out_size: tuple[int, ...],
    in_channels: int,
    out_channels: int,
    kernel_size: tuple[int, ...],
) -> int:
    """The mask is added up under each window, for every pair of its channels."""
    return batch * prod(out_size) * in_channels * out_channels * prod(kernel_size)
