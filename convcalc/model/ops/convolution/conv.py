"""Convolution over 1, 2 or 3 spatial axes: dilated, strided, grouped.

    out_size = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    weight   = (out_channels, in_channels / groups, *kernel_size)
    params   = prod(weight) + out_channels if bias
    MACs     = batch · prod(out_size) · prod(weight)

n input size, k kernel_size, s stride, p padding, d dilation. The bias is one addition per
output element, counted as elementwise work.

Dilation leaves the parameters alone; it leaves the MACs alone only if the padding grows with
it, so that the output keeps its size. Groups divide the weights and the MACs but not the bias,
so a grouped convolution has slightly more than 1/g of the parameters, and channels of
different groups never mix.

Padding ``same`` is TensorFlow's: ceil(n / s) outputs, an odd rest goes after; PyTorch refuses
it for a stride above 1. ``half`` is floor(extent / 2) on each side, PyTorch's usual p = k // 2;
the two differ for even kernels and for strides above 1. Under padding_mode ``reflect`` the
padding must be smaller than the input, under ``circular`` at most as large.

A ``mask`` sets taps to zero: ``A`` those behind the center in the order of rows and the center
itself, ``B`` the same but not the center, ``causal`` all behind the center of the first axis. The
kernel is stored and multiplied as a whole, so that parameters and MACs stay; ``taps`` says how many
are left. The receptive field is that of those: for A and B a half plane, which is read exactly,
while an axis alone shows its hull. A stack of them has PixelCNN's blind spot. An order of channels
within a pixel (red, green, blue) is not told apart.
weight_norm normalises the weight in each pass: ``standard`` to mean 0 and variance 1 per output
(BiT), ``scaled`` with a learned gain of (out_channels, 1, ...) (NFNet), ``weight`` by its norm,
times weight_g of (out_channels, 1, ...), ``spectral`` by its greatest singular value, with two
buffers, weight_u and weight_v. It counts one or two elementwise operations per number of the
weight, once in a pass whatever the batch; folded into the weight at export, none.

The receptive field grows by (k - 1)·d times the jump before the layer, the jump by the factor s.

Common mistakes: with p = 0 a convolution of 10 x 10 on a 10 x 10 input gives 1 x 1, not 10 x 10;
that takes a padding of 4 before and 5 after (``same``), and 100 times the MACs.

A dilated kernel spans d·(k - 1) + 1 positions, not d·k: 5 for k = 3, d = 2. It makes nothing
smaller if the padding is d·(k - 1) / 2; with less it has fewer outputs and MACs, p = 1 on 8 x 8
for instance 36/64 of those of p = 2. Receptive fields grow exponentially only if the rates do:
three layers of k = 3 span 15 positions with d = 1, 2, 4, but 13 with d = 2 throughout, and of
those 13 they read 7 (gridding). Parallel branches of several rates (ASPP) do not fix that: at
rate 6 a 3 x 3 kernel spans 13 x 13 positions and reads 9.

Three groups do not compute what one does: from 3 to 30 channels with k = 10 they have 3,030
parameters instead of 9,030 (a third would be 3,010), and no output sees more than one channel.
AlexNet has two groups in its second, fourth and fifth convolution, 1,413,120 weights less; its
third and all three fully connected layers see every channel.

Source: PyTorch ``torch.nn.Conv2d`` and ``torch.nn.utils.parametrizations``; Dumoulin & Visin, arXiv
1603.07285, relations 6 and 15; Qiao et al., arXiv 1903.10520; Brock et al., arXiv 2102.06171;
Salimans & Kingma, arXiv 1602.07868; Miyato et al., arXiv 1802.05957; masks: van den Oord et al.,
"Pixel recurrent neural networks" (arXiv 1601.06759), section 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.channel_maps import ChannelMap, Hidden, grouped
from convcalc.model.geometry.sizes import Padding, Sides, axis_name, extent, resolve_padding
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.contract import WEIGHTS, Analysis, Operator, Problem, Term, operator
from convcalc.model.operators.windows import padding_known, slide_axes, slide_sizes, window_problems
from convcalc.model.operators.work import bias_terms, share, sliding_macs, with_weight_norm
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known, largest


@operator
class Conv(Operator):
    """A convolution; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    padding_mode: str = fields.word(
        ("zeros", "reflect", "replicate", "circular"), "what fills the padding", "zeros"
    )
    mask: str = fields.word(
        ("none", "A", "B", "causal"), "which taps are set to zero: PixelCNN's masks", "none"
    )
    weight_norm: str = fields.weight_norm()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide both channel counts, a window must fit, and so must the padding."""
        (x,) = inputs
        yield from uneven_groups(self.groups, x.channels, "in_channels")
        yield from uneven_groups(self.groups, self.out_channels, "out_channels")
        yield from window_problems(x, self.kernel_size, self.stride, self.padding, self.dilation)
        padding = resolve_padding(
            self.padding, x.spatial, self.kernel_size, self.stride, self.dilation
        )
        if self.padding_mode in _MARGIN:
            yield from _reach_problems(x, padding, self.padding_mode)
        if self.mask != "none":
            yield from _mask_problems(self.kernel_size, self.mask)
        if self.padding == "same":
            extents = tuple(map(extent, self.kernel_size, self.dilation))
            yield from _half_shift_warnings(x, padding, extents, self.stride)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One window per output position."""
        (x,) = inputs
        padding = resolve_padding(
            self.padding, x.spatial, self.kernel_size, self.stride, self.dilation
        )
        spatial = slide_sizes(x.spatial, self.kernel_size, self.stride, padding, self.dilation)
        output = Shape(x.batch, self.out_channels, spatial)
        weight = (self.out_channels, share(x.channels, self.groups), *self.kernel_size)
        fixed = padding_known(self.padding, x.spatial, self.kernel_size, self.stride, self.dilation)
        window = (self.kernel_size, self.stride, padding, self.dilation)
        made = Analysis(
            output,
            (slide_axes(*window, fixed, self.padding_mode),),
            (
                Term("weight", WEIGHTS, sliding_macs(x.batch, output.spatial, weight)),
                *bias_terms(self.bias, output),
            ),
            {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {}),
            channels=(grouped(self.groups, x.channels, self.out_channels),),
        )
        done = made if self.mask == "none" else self._masked(made, x)
        return with_weight_norm(self.weight_norm, done)

    def _masked(self, whole: Analysis, x: Shape) -> Analysis:
        """The same work, of which only some taps are read."""
        from convcalc.model.ops.convolution._masked import Masked

        masked, axes = Masked(self.kernel_size, self.mask), whole.axes[0]
        channels: ChannelMap = Hidden("the number of channels is not known")
        if known(x.channels):
            channels = masked.channels(axes, self.groups, x.channels, self.out_channels)
        return whole._replace(
            axes=(masked.axes(axes),), channels=(channels,), facts={"taps": masked.taps}
        )


def _mask_problems(kernel_size: tuple[int, ...], mask: str) -> Iterator[Problem]:
    """A mask has a center to begin at, and leaves a tap."""
    masked = kernel_size[:1] if mask == "causal" else kernel_size
    even = [k for k in masked if k % 2 == 0]
    if even:
        message = f"mask {mask} needs a center, but kernel_size is {even[0]}"
        yield Problem("unsupported-combination", "mask", message, "an odd kernel_size")
    elif mask == "A" and all(k == 1 for k in kernel_size):
        message = "mask A leaves no tap of a kernel of 1"
        yield Problem("unsupported-combination", "mask", message, "mask: B, or a larger kernel")


_MARGIN = {"reflect": 1, "circular": 0}  # by how much the input must exceed the padding


def _reach_problems(x: Shape, padding: Sides, mode: str) -> Iterator[Problem]:
    """Yields a problem for each axis that is too short to fill its padding."""
    for axis, (n, pair) in enumerate(zip(x.spatial, padding, strict=True)):
        most = n - _MARGIN[mode]
        if largest(*pair) > most:
            name = axis_name(axis, x.rank)
            message = f"padding {max(pair)} is too large for {name} {n} in padding_mode {mode}"
            yield Problem("padding-too-large", "padding", message, f"padding of at most {most}", 0)


def _half_shift_warnings(
    x: Shape, padding: Sides, extents: tuple[int, ...], stride: tuple[int, ...]
) -> Iterator[Problem]:
    """Yields a warning for each axis where an even kernel shifts the output by half a position."""
    for axis, (n, (before, after), e, s) in enumerate(
        zip(x.spatial, padding, extents, stride, strict=True)
    ):
        if e % 2 == 0 and before != after and (known(n) or s == 1):
            name = axis_name(axis, x.rank)
            message = f"an even extent {e} pads {name} by {before} before and {after} after"
            advice = "an odd kernel_size keeps the output centered on its input"
            yield Problem("even-kernel-same", "padding", message, advice)
