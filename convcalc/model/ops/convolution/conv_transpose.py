"""Transposed convolution: the kernel is stamped at every input position, s apart.

    out_size = (n - 1)·s - p_before - p_after + d·(k - 1) + output_padding + 1     per axis
    weight   = (in_channels, out_channels / groups, *kernel_size)
    params   = prod(weight) + out_channels if bias
    MACs     = batch · prod(n) · prod(weight)

n input size, k kernel_size, s stride, p padding, d dilation. The MACs go over the n *input*
positions: every input position multiplies every tap once. The bias is one addition per output
element, counted as elementwise work.

Padding crops: it removes p_before and p_after positions from the stamped result, so that a
convolution of the same k, s, p and d turns the output size back into n. Several sizes do; with
output_padding, added after the last position and smaller than s or d, the greater ones are
reached. The words of padding are not defined here.

realisation says how it is computed. Output, learned parameters and receptive field stay the
same; the MACs do not:

    scatter         batch · prod(n) · prod(weight), as above
    zero_insertion  batch · prod(out_size) · prod(weight)
    subpixel        batch · prod(n + m - 1) · prod(weight of the convolution),
                    m = ceil((d·(k - 1) + 1) / s), in its weight
                    (out_channels · prod(s), in_channels / groups, *m)
    matrix          batch · non-zeros of the matrix

zero_insertion puts s - 1 zeros between the inputs and runs a convolution of stride 1 with the
kernel turned round; it multiplies the zeros too. subpixel pads the kernel with zeros to m·s taps
(a dilated one is filled with zeros first), convolves with one output channel per phase and
padding m - 1, and a pixel shuffle puts the phases side by side; what is too much is cropped.
padded_params shows its size with the zeros, which are never learned. matrix unrolls the stamps
into Cᵀ of out_channels · prod(out_size) rows and in_channels · prod(n) columns, the transpose of
the C of the convolution that goes back. MACs are its non-zeros, since the zeros are known
beforehand and nobody would store them; dense_macs shows the product with all of them. Without
padding that equals scatter; padding cuts stamps off, which scatter computes all the same.

Common mistakes: counting the MACs over the output positions makes them about s^rank too many
(that is zero_insertion). Channels come first in the weight, and groups divide out_channels in
it. Where k is no multiple of s the taps per output differ, which shows as a checkerboard. Size
(n - 1)·s + k holds for p = 0, d = 1 and no output_padding alone: k = 4, s = 2, p = 1 makes 16 of
8, not 18. "[2, 2, I, O] becomes [1, 1, I, 4·O] and a
pixel shuffle" holds for k = s alone: 3 to 5 channels on 6×6 take 2160 MACs either way with
k = s = 2, but 4860 by scatter and 11760 by subpixel with k = 3, whose convolution is 2×2. It is
the matrix that is transposed, not the kernel: on 2×2 with k = 3, Cᵀ is 16×4 and C is 4×16, with
36 non-zeros each.

Source: PyTorch ``torch.nn.ConvTranspose2d``; Dumoulin & Visin, arXiv 1603.07285, relation 14 and
section 4.1; Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv
1609.07009.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Stamp
from convcalc.model.geometry.channel_maps import grouped
from convcalc.model.geometry.sizes import Padding, axis_name, extent, resolve_padding, stamp_size
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.contract import WEIGHTS, Analysis, Operator, Problem, Term, operator
from convcalc.model.operators.work import bias_terms, share
from convcalc.model.ops.convolution._transposed import REALISATIONS, Stamping
from convcalc.model.quantities.shape import Shape


@operator
class ConvTranspose(Operator):
    """A transposed convolution; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride(
        doc="output positions from one stamp to the next, per axis"
    )
    padding: Padding = fields.padding(
        doc="positions removed before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]"
    )
    output_padding: tuple[int, ...] = fields.axes(
        "positions added after the last one, per axis; less than stride or dilation", 0, minimum=0
    )
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    realisation: str = fields.word(
        tuple(REALISATIONS), "how it is computed: same output, different work", "scatter"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide, output padding must be small, and something must remain."""
        (x,) = inputs
        yield from uneven_groups(self.groups, x.channels, "in_channels")
        yield from uneven_groups(self.groups, self.out_channels, "out_channels")
        yield from self._output_padding_problems(x.rank)
        if isinstance(self.padding, str):
            message = f"padding '{self.padding}' is not defined for a transposed convolution"
            advice = "numbers: the output has (n - 1)·s - p_before - p_after + extent positions"
            yield Problem("unsupported-combination", "padding", message, advice)
            return
        for axis, size in enumerate(self._sizes(x)):
            if size < 1:
                total = sum(self.padding[axis])
                name = axis_name(axis, x.rank)
                message = f"padding {total} in all leaves none of {name}'s {size + total} positions"
                advice = f"padding of at most {size + total - 1} in all"
                yield Problem("empty-output", "padding", message, advice, 0)

    def _output_padding_problems(self, rank: int) -> Iterator[Problem]:
        for axis, (more, s, d) in enumerate(
            zip(self.output_padding, self.stride, self.dilation, strict=True)
        ):
            if more >= max(s, d):
                message = (
                    f"output_padding {more} on {axis_name(axis, rank)} is not below "
                    f"stride {s} or dilation {d}"
                )
                advice = f"output_padding of at most {max(s, d) - 1}"
                yield Problem("output-padding-too-large", "output_padding", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One stamp per input position."""
        (x,) = inputs
        output = Shape(x.batch, self.out_channels, self._sizes(x))
        weight = (x.channels, share(self.out_channels, self.groups), *self.kernel_size)
        befores = tuple(before for before, _ in self._padding(x))
        axes = tuple(map(Stamp, self.kernel_size, self.stride, befores, self.dilation))
        layer = Stamping(x, output, weight, self.stride, befores, self.dilation)
        amount, facts = REALISATIONS[self.realisation](layer)
        return Analysis(
            output,
            (axes,),
            (Term("weight", WEIGHTS, amount), *bias_terms(self.bias, output)),
            {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {}),
            facts=facts,
            channels=(grouped(self.groups, x.channels, self.out_channels),),
        )

    def _padding(self, x: Shape) -> tuple[tuple[int, int], ...]:
        return resolve_padding(
            self.padding, x.spatial, self.kernel_size, self.stride, self.dilation
        )

    def _sizes(self, x: Shape) -> tuple[int, ...]:
        extents = map(extent, self.kernel_size, self.dilation)
        return tuple(
            stamp_size(n, e, s, before, after, more)
            for n, e, s, (before, after), more in zip(
                x.spatial, extents, self.stride, self._padding(x), self.output_padding, strict=True
            )
        )
