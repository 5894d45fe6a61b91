"""Reshape: the elements of a sample in the same order, in axes of other sizes.

    out_channels, out_size = shape;   prod(shape) = in_channels · prod(size)

shape has no batch: channels, then up to 3 spatial sizes. One of them may be -1, what the others
leave. Elements run through the last axis first, as in memory: [768, 14, 14] to [768, 196] makes
tokens of an image, [8192] to [512, 4, 4] the first image of a generator, [64, 8400] to
[4, 16, 8400] the bins of a distribution. A move: no work, no parameters.

Receptive fields follow axes that are merged whole, and that are taken apart again as they were, or
parts that hold no positions. Where an axis of positions is cut into several, as by windows, they
say that it is not known. A layer that works on merged axes sees them all (attention), or each
position by itself (linear, norms over channels); a window over merged axes is not followed.

Common mistakes: it changes no order. From channels-first to channels-last is ``permute``; a reshape
to the same sizes mixes channels with positions. ``flatten`` and ``pixel_shuffle`` are names for two
of its uses.

Source: PyTorch ``torch.reshape`` and ``Tensor.view``; ONNX Reshape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Unreadable
from convcalc.model.geometry.channel_maps import Hidden
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.rearranging._axes import MOVED, arranged_analysis, regrouped
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape, elements

REST = -1


@operator
class Reshape(Operator):
    """The reshape; see the module's docstring."""

    view = True
    keeps = NOTHING
    passes = True

    shape: tuple[int, ...] = fields.field(
        "ints", "channels and spatial sizes, without the batch; -1 for what is left", minimum=REST
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One to four sizes, at most one of them left open, of as many elements as there are."""
        (x,) = inputs
        rest, count = self.shape.count(REST), elements(1, x.channels, x.spatial)
        if not 1 <= len(self.shape) <= 4:
            message = f"shape has {len(self.shape)} sizes, but needs 1 to 4"
            yield Problem("wrong-type", "shape", message, "channels and up to 3 spatial sizes")
        elif 0 in self.shape or rest > 1:
            wrong = "a size of 0" if 0 in self.shape else f"{rest} sizes of -1"
            yield Problem("out-of-range", "shape", f"shape has {wrong}", "at most one -1")
        elif rest and count % prod(self._stated):
            message = f"{prod(self._stated)} does not divide the {count} elements of {x}"
            yield Problem("does-not-divide", "shape", message, "", 0)
        elif not rest and prod(self.shape) != count:
            message = f"shape has {prod(self.shape)} elements, but {x} has {count}"
            yield Problem("shape-mismatch", "shape", message, "-1 for one of the sizes", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Axes merged and split where that is all that happens; otherwise nothing is known."""
        (x,) = inputs
        output = self._output(x)
        arranged = regrouped(x.dims[1:], output.dims[1:])
        if arranged is None:
            axes = (Unreadable("a reshape cuts axes into other ones"),) * x.rank
            return Analysis(output, (axes,), channels=(Hidden(MOVED),))
        return arranged_analysis(x, output, arranged)

    @property
    def _stated(self) -> tuple[int, ...]:
        return tuple(n for n in self.shape if n != REST)

    def _output(self, x: Shape) -> Shape:
        count = elements(1, x.channels, x.spatial)
        channels, *spatial = (
            remaining_size(count, self._stated) if n == REST else n for n in self.shape
        )
        return Shape(x.batch, channels, tuple(spatial))


@formula
def remaining_size(elements: int, stated: tuple[int, ...]) -> int:
    """The size of the axis that was left open."""
    return elements // prod(stated)
