"""Batch to space: the images of a batch are put together again, position by position.

    out_batch = batch / prod(f)
    out_size  = n·f - m_before - m_after        per axis, f the factor
    position y = position floor((y + m_before) / f) of image (y + m_before) mod f

n input size, m margins, which are cut off. undoes names the ``space_to_batch`` above: the factor
is then its own, and the positions that it added to reach a multiple of the factor are cut off
after the last, so that the size returns exactly if the layers in between keep theirs. Else the
factor is needed. A move: no work, no parameters.

Common mistake: cutting off what ``space_to_batch`` added as padding: the convolution in between
has used that up already; only what fills up to a multiple remains.

Source: TensorFlow ``tf.batch_to_space``, ``tf.required_space_to_batch_paddings``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

from convcalc.model.geometry.axis_maps import Nothing, Resize, Slide, compose
from convcalc.model.geometry.channel_maps import ImagesToPixels
from convcalc.model.geometry.sizes import Padding, Sides, axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.checks import divisors
from convcalc.model.operators.contract import (
    NOTHING,
    Analysis,
    Operator,
    Problem,
    Recorded,
    operator,
)
from convcalc.model.ops.rearranging.space_to_batch import SpaceToBatch
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class BatchToSpace(Operator):
    """The putting together; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)
    keeps = NOTHING

    factor: tuple[int, ...] | None = fields.axes(
        "images per axis; needed without undoes", None, minimum=1
    )
    margins: Padding | None = fields.field(
        "padding",
        "positions cut off before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]; not with undoes",
        None,
        minimum=0,
    )
    undoes: Recorded | None = fields.layer("the space_to_batch that is undone", None)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A factor that divides the batch, and margins that leave something."""
        x = inputs[0]
        problems = [*self._undoing_problems(), *self._field_problems(inputs)]
        yield from problems
        if problems:
            return
        block = prod(self._factor)
        if x.batch % block:
            message = f"factor {_text(self._factor)} needs {block} images, but the batch has"
            advice = f"the product of the factor must be one of the {divisors(x.batch)}"
            yield Problem("does-not-divide", "factor", f"{message} {x.batch}", advice, 0)
        for axis, (n, f, pair) in enumerate(
            zip(x.spatial, self._factor, self._margins, strict=True)
        ):
            if n * f - sum(pair) < 1:
                name = axis_name(axis, x.rank)
                message = f"margins {pair[0]} and {pair[1]} leave nothing of {name} {n * f}"
                yield Problem("empty-output", "margins", message, f"less than {n * f} in all", 0)

    def _undoing_problems(self) -> Iterator[Problem]:
        """The named layer must be a space_to_batch, and must not be contradicted."""
        dealt = self.undoes
        if dealt is None:
            return
        if not isinstance(dealt.operator, SpaceToBatch):
            message = f"'{dealt.name}' is not a space_to_batch"
            yield Problem("wrong-type", "undoes", message, "the id of a space_to_batch")
        elif self.factor not in (None, dealt.operator.factor):
            theirs = _text(dealt.operator.factor)
            message = f"factor is {_text(self.factor or ())}, but {theirs} in '{dealt.name}'"
            yield Problem("stated-differently", "factor", message, "leave factor out")
        if self.margins is not None:
            message = "undoes says what is cut off, so margins has no meaning"
            yield Problem("unsupported-combination", "margins", message, "leave out one of them")

    def _field_problems(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Without a layer that is undone, the fields must say it all."""
        if self.undoes is not None:
            return
        if self.factor is None:
            message = "batch_to_space needs factor or undoes"
            yield Problem("missing-key", "factor", message, "for instance 'factor: 2'")
        if len(inputs) > 1:
            message = "batch_to_space has two inputs; the space_to_batch belongs in 'undoes'"
            yield Problem("missing-key", "undoes", message, "undoes: its id", 1)
        if isinstance(self.margins, str):
            message = f"batch_to_space has no kernel, so margins {self.margins} has no meaning"
            yield Problem("wrong-type", "margins", message, "numbers per axis or per side")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each position from one image; of the layer that is undone only the size counts."""
        x, *dealt = inputs
        spatial = tuple(
            joined_size(n, f, *pair)
            for n, f, pair in zip(x.spatial, self._factor, self._margins, strict=True)
        )
        before = tuple(pair[0] for pair in self._margins)
        axes = tuple(
            compose(Slide(padding=-cut), Resize("nearest", Fraction(1, f)), n * f)
            for n, f, cut in zip(x.spatial, self._factor, before, strict=True)
        )
        output = Shape(remaining_batch(x.batch, self._factor), x.channels, spatial)
        maps = (axes, *((Nothing(),) * other.rank for other in dealt))
        return Analysis(output, maps, channels=(ImagesToPixels(self._factor, before),))

    @property
    def _factor(self) -> tuple[int, ...]:
        if self.undoes is not None and isinstance(self.undoes.operator, SpaceToBatch):
            return self.undoes.operator.factor
        return self.factor or ()

    @property
    def _margins(self) -> Sides:
        if self.undoes is not None and isinstance(self.undoes.operator, SpaceToBatch):
            surplus = self.undoes.operator.surplus(self.undoes.inputs[0].spatial)
            return tuple((0, more) for more in surplus)
        return self.margins if isinstance(self.margins, tuple) else ((0, 0),) * len(self._factor)


def _text(factor: tuple[int, ...]) -> str:
    return "×".join(map(str, factor))


@formula
def joined_size(size: int, factor: int, before: int, after: int) -> int:
    """Output size of an axis, without its margins."""
    return size * factor - before - after


@formula
def remaining_batch(batch: int, factor: tuple[int, ...]) -> int:
    """Samples that are left when one is made of each block of images."""
    return batch // prod(factor)
