"""A learned tensor: a source of values that no input is turned into.

    weight = shape          channels, then spatial sizes: [768, 1, 1], [768, 14, 14], [768]
    params = prod(shape)
    output = shape, once; with an input, once for each sample of it

No work. It is the position embedding that is added to patches, the class token that is concatenated
with them, the weight of a fusion, the constant input of a generator. ``add``, ``mul`` and
``concat`` read it beside a tensor, by PyTorch's broadcasting: sizes of 1 are repeated, and so is
the one sample that it is. It reads nothing, so what follows it without ``from`` reads the learned
tensor alone. Nothing of a network's input is seen through it.

With an input, of which only the number of samples is used, it is repeated for each of them, as by
``weight.expand(batch, ...)``: the constant of StyleGAN2, say, which convolutions follow. Without
one, what is computed from it alone is computed once, whatever the batch.

``fixed`` stores it as a buffer, ``register_buffer`` of PyTorch, which is not learned: a mask, or
sines of positions.

Common mistakes: shape has no batch; PyTorch's ``torch.zeros(1, 197, 768)`` for tokens of 768
channels is [768, 197] here, since channels come before positions. A parameter for each position
fixes the size of the image.

Source: PyTorch ``torch.nn.Parameter``; Dosovitskiy et al., arXiv 2010.11929, equation 1; Karras et
al., arXiv 1912.04958.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Nothing
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Parameter(Operator):
    """The tensor; see the module's docstring."""

    arity = (0, 1)
    keeps = NOTHING
    detached = 0

    shape: tuple[int, ...] = fields.field("shape", "channels and spatial sizes, without the batch")
    fixed: bool = fields.flag("whether it is a buffer, and not learned", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Check that what is stored has a size."""
        if not known(self.shape):
            message = "a parameter with an unknown size cannot be stored"
            yield Problem("wrong-type", "shape", message, "a number for each axis")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The tensor itself, whatever the input holds."""
        channels, *spatial = self.shape
        batch = inputs[0].batch if inputs else 1
        unread = tuple((Nothing("only its batch is used"),) * x.rank for x in inputs)
        output = Shape(batch, channels, tuple(spatial))
        if self.fixed:
            return Analysis(output, unread, buffers={"weight": self.shape})
        return Analysis(output, unread, weights={"weight": self.shape})
