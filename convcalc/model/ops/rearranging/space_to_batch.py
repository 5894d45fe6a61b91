"""Space to batch: every f-th position goes into an image of its own.

    out_batch = batch · prod(f)
    out_size  = ceil((n + p_before + p_after) / f)        per axis, f the factor
    position y of image phase = padded position y·f + phase

n input size, p padding. What the padded size lacks to a multiple of f is added after the last
position; the fact padded shows the size that is dealt out. A move: no work, no parameters.
``batch_to_space`` puts the images together again.

Between the two a convolution of dilation 1 does what one of dilation f does without them: the
same weights and, where f divides the size, the same MACs; else those of the size padded to a
multiple. ``blocks/dilated_by_space_to_batch`` is made so. The layers in between see a batch of
prod(f) times the images, all of the same size.

The receptive field tells the images apart: each sees every f-th position.

Common mistake: padding d·(k - 1) / 2 of the dilated convolution is (k - 1) / 2 inside, on each
image, or d·(k - 1) / 2 here, not both.

Source: TensorFlow ``tf.space_to_batch_nd``, ``tf.required_space_to_batch_paddings`` (the extra
padding goes after, as here).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.channel_maps import PixelsToImages
from convcalc.model.geometry.sizes import Padding, padded_size
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class SpaceToBatch(Operator):
    """The dealing out; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    factor: tuple[int, ...] = fields.axes("images per axis", minimum=1)
    padding: Padding = fields.padding(
        doc="positions added before and after each axis first, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Padding must be numbers."""
        if isinstance(self.padding, str):
            message = f"space_to_batch has no kernel, so padding {self.padding} has no meaning"
            yield Problem("wrong-type", "padding", message, "numbers per axis or per side")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each image holds one phase."""
        (x,) = inputs
        sizes = self.padded(x.spatial)
        lengths = tuple(map(phase_size, sizes, self.factor))
        output = Shape(image_count(x.batch, self.factor), x.channels, lengths)
        dealt = tuple(length * f for length, f in zip(lengths, self.factor, strict=True))
        before = tuple(pair[0] for pair in self._sides)
        axes = tuple(Slide(f, f, p) for f, p in zip(self.factor, before, strict=True))
        facts = {"padded": (x.channels, *dealt)}
        return Analysis(
            output, (axes,), facts=facts, channels=(PixelsToImages(self.factor, before),)
        )

    @property
    def _sides(self) -> tuple[tuple[int, int], ...]:
        assert not isinstance(self.padding, str)
        return self.padding

    def padded(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """n + p_before + p_after per axis, before it is filled up to a multiple."""
        return tuple(padded_size(n, *pair) for n, pair in zip(spatial, self._sides, strict=True))

    def surplus(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Positions added after the last to reach a multiple of the factor, per axis."""
        return tuple(map(surplus, self.padded(spatial), self.factor))


@formula
def image_count(batch: int, factor: tuple[int, ...]) -> int:
    """Images of the output: one per phase."""
    return batch * prod(factor)


@formula
def phase_size(size: int, factor: int) -> int:
    """Positions of a phase, the axis filled up to a multiple of the factor."""
    return -(-size // factor)


@formula
def surplus(size: int, factor: int) -> int:
    """Positions that are missing to a multiple of the factor."""
    return -size % factor
