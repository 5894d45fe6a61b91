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
reached. output_size says which one is meant, and so does the size of a second input, whose values
are not read; both take the place of output_padding.

Two words of padding are Keras' and TensorFlow's, e = d·(k - 1) + 1 the extent:

    same    out_size = n·s, or a given one that s divides into n; t = (n - 1)·s + e - out_size is
            cut off, floor(t / 2) before; where t is below 0, -t positions are added behind
    valid   nothing is cut off; where e is below s, s - e positions are added behind, so that
            out_size = n·s + max(e - s, 0)

weight_norm is that of ``conv``; PyTorch's weight norm has a gain per *input* channel here, since
that is the weight's first axis.

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
it. Where k is not a multiple of s the taps per output differ, which shows as a checkerboard. Size
(n - 1)·s + k holds for p = 0, d = 1 and no output_padding alone: k = 4, s = 2, p = 1 makes 16 of
8, not 18. Keras' same is not padding floor(k / 2): for k = 3, s = 2 it cuts nothing off before the
first and one after the last, PyTorch with p = 1 and output_padding 1 one before.
"[2, 2, I, O] becomes [1, 1, I, 4·O] and a pixel shuffle" holds for k = s alone: 3 to 5 channels on
6×6 take 2160 MACs either way with k = s = 2, but 4860 by scatter and 11760 by subpixel with k = 3,
whose convolution is 2×2. It is the matrix that is transposed, not the kernel: on 2×2 with k = 3,
Cᵀ is 16×4 and C is 4×16, with 36 non-zeros each.

Source: PyTorch ``torch.nn.ConvTranspose2d``; Keras ``Conv2DTranspose``; TensorFlow
``conv2d_transpose``; ONNX ConvTranspose, output_shape and auto_pad; Dumoulin & Visin, arXiv
1603.07285, relation 14 and section 4.1; Shi et al., "Is the deconvolution layer the same as a
convolutional layer?", arXiv 1609.07009.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import AxisMap, Stamp, Unreadable
from convcalc.model.geometry.channel_maps import grouped
from convcalc.model.geometry.sizes import Padding, axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.contract import WEIGHTS, Analysis, Operator, Problem, Term, operator
from convcalc.model.operators.work import bias_terms, share, with_weight_norm
from convcalc.model.ops.convolution._placement import WORDS, Place, places, size_problems
from convcalc.model.ops.convolution._transposed import REALISATIONS, Stamping
from convcalc.model.ops.rearranging._target import unread
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

NOT_PLACED = "what is cut off before the first position depends on an unknown size"


@operator
class ConvTranspose(Operator):
    """A transposed convolution; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride(
        doc="output positions from one stamp to the next, per axis"
    )
    padding: Padding = fields.padding(
        doc="positions removed before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]], or a word: same, valid (Keras')"
    )
    output_padding: tuple[int, ...] = fields.axes(
        "positions added after the last one, per axis; less than stride or dilation", 0, minimum=0
    )
    output_size: tuple[int, ...] | None = fields.axes(
        "positions of the output, per axis, in place of output_padding", None, minimum=1
    )
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    weight_norm: str = fields.weight_norm()
    realisation: str = fields.word(
        tuple(REALISATIONS), "how it is computed: same output, different work", "scatter"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide, output padding must be small, and something must remain."""
        x = inputs[0]
        yield from uneven_groups(self.groups, x.channels, "in_channels")
        yield from uneven_groups(self.groups, self.out_channels, "out_channels")
        yield from self._output_padding_problems(x.rank)
        if problems := list(self._way_problems(inputs)):
            yield from problems
            return
        found = self._places(inputs)
        if self._target(inputs) is not None:
            field = "" if len(inputs) > 1 else "output_size"
            yield from size_problems(x, found, self.stride, self.padding, field)
            return
        for axis, (before, after, _, size) in enumerate(found):
            if size < 1:
                total = before + after
                name = axis_name(axis, x.rank)
                message = f"padding {total} in all leaves none of {name}'s {size + total} positions"
                advice = f"padding of at most {size + total - 1} in all"
                yield Problem("empty-output", "padding", message, advice, 0)

    def _way_problems(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The output's size is said once, by what has a meaning here."""
        x, *reference = inputs
        if isinstance(self.padding, str) and self.padding not in WORDS:
            message = f"padding '{self.padding}' is not defined for a transposed convolution"
            advice = "numbers: the output has (n - 1)·s - p_before - p_after + extent positions"
            yield Problem("unsupported-combination", "padding", message, advice)
        if reference and self.output_size is not None:
            message = "a second input says the size already, so output_size has no meaning"
            yield Problem("unsupported-combination", "output_size", message, "leave one out")
        if reference and reference[0].rank != x.rank:
            message = f"conv_transpose of {x} to the size of {reference[0]}, which has other axes"
            yield Problem("shape-mismatch", "", message, f"{x.rank} spatial axes", 1)
        given = "padding" if isinstance(self.padding, str) else "output_size"
        is_said = given == "padding" or self._target(inputs) is not None
        if is_said and any(self.output_padding):
            message = f"{given} says the size already, so output_padding has no meaning"
            yield Problem("unsupported-combination", "output_padding", message, "leave it out")

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
        x, found = inputs[0], self._places(inputs)
        output = Shape(x.batch, self.out_channels, tuple(place.size for place in found))
        weight = (x.channels, share(self.out_channels, self.groups), *self.kernel_size)
        befores = tuple(place.before for place in found)
        axes: tuple[AxisMap, ...] = tuple(
            Stamp(k, s, before, d) if known(before) else Unreadable(NOT_PLACED)
            for k, s, before, d in zip(
                self.kernel_size, self.stride, befores, self.dilation, strict=True
            )
        )
        layer = Stamping(x, output, weight, self.stride, befores, self.dilation)
        amount, facts = REALISATIONS[self.realisation](layer)
        made = Analysis(
            output,
            (axes, *unread(inputs)),
            (Term("weight", WEIGHTS, amount), *bias_terms(self.bias, output)),
            {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {}),
            facts=facts,
            channels=(grouped(self.groups, x.channels, self.out_channels),),
        )
        return with_weight_norm(self.weight_norm, made, height=1)

    def _target(self, inputs: Sequence[Shape]) -> tuple[int, ...] | None:
        """The positions of the output, where they are given."""
        return inputs[1].spatial if len(inputs) > 1 else self.output_size

    def _places(self, inputs: Sequence[Shape]) -> tuple[Place, ...]:
        window = (self.kernel_size, self.stride, self.dilation, self.padding, self.output_padding)
        return places(inputs[0], *window, self._target(inputs))
