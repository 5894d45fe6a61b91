"""Resizing by interpolation, to a size or by a scale; a scale below 1 makes smaller.

    out_size = size, or floor(n · scale)                        per axis
    out_size = that of the second input                         with two inputs
    step     = n / size, or 1 / scale                           input positions per output
    step     = (n - 1) / (out_size - 1)                         with align_corners
    output y lies at (y + 1/2)·step - 1/2, with align_corners at y·step

Counts sampling work per output element: ``linear`` 2^rank products (4 for an image, which is
PyTorch's mode bilinear), ``cubic`` 4^rank, ``nearest`` none; it reads floor(y·step), and
``nearest_exact`` floor((y + 1/2)·step). No parameters, and no antialiasing: in making smaller it
skips positions. ``area`` is an ``adaptive_avg_pool`` to that size, in name and in work.

Exactly one of the three says how large the output is. Of a second input only the size matters; no
output reads its values: a segmentation network resizes its scores to the image so.

The product n · scale is PyTorch's, in double precision: 0.29 of 100 is 28.999…, so the size
is 28. With a scale PyTorch places the outputs by the given scale, not by the ratio of the sizes,
unless recompute_scale_factor is set. An axis whose size stays is copied, except by cubic with a
scale.

Common mistakes: align_corners makes the step depend on the size of the image. PyTorch has cubic
in 2-D only, and knows no align_corners with nearest. It finds the positions of nearest in single
precision: of some sizes a few outputs copy the neighbour, and nearest on one or three axes does
not copy where a scale leaves the size as it is.

Source: PyTorch ``torch.nn.functional.interpolate``, ``torch.nn.Upsample``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor

from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Resize, Unreadable
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    NOTHING,
    SAMPLING,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import OWNS
from convcalc.model.ops.rearranging._target import target_problems, unread
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

TAPS = {"linear": 2, "cubic": 4}  # per axis


@operator
class Upsample(Operator):
    """The interpolation; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)
    keeps = NOTHING

    size: tuple[int, ...] | None = fields.axes("output size per axis", None, minimum=1)
    scale: tuple[Fraction, ...] | None = fields.field(
        "scales", "output positions per input position, per axis", None
    )
    mode: str = fields.word(
        ("nearest", "nearest_exact", "linear", "cubic", "area"), "how values are read", "nearest"
    )
    align_corners: bool = fields.flag("whether the first and the last positions coincide", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One way to say the size, an output that is not empty, and a mode that PyTorch has."""
        x = inputs[0]
        if problems := list(target_problems(self, ("size", "scale"), inputs, "scale: 2")):
            yield from problems
        elif self.scale is not None:
            yield from _scale_problems(x, self.scale)
        if self.mode == "cubic" and x.rank != 2:
            message = f"mode cubic needs 2 spatial axes, but the input has {x.rank}"
            yield Problem("wrong-rank", "mode", message, "linear or nearest", 0)
        if self.mode not in TAPS and self.align_corners:
            message = f"align_corners has no meaning for mode {self.mode}"
            yield Problem("unsupported-combination", "align_corners", message, "linear or cubic")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each output element is interpolated from its neighbours in the input."""
        x, *reference = inputs
        scales = self.scale or (None,) * x.rank
        size = reference[0].spatial if reference else self.size
        spatial = size or tuple(map(scaled_size, x.spatial, self.scale or ()))
        if self.mode == "area":
            from convcalc.model.ops.pooling._pooling import pool_parts  # the others need no pooling

            found = pool_parts(x, spatial)
            return found._replace(axes=(*found.axes, *unread(inputs)))
        output = x.with_spatial(spatial)
        axes = tuple(map(self._map, x.spatial, spatial, scales))
        amount = read_values(output.numel, TAPS.get(self.mode, 0), x.rank)
        terms = (Term("interpolation", SAMPLING, amount),) if self.mode in TAPS else ()
        return Analysis(output, (axes, *unread(inputs)), terms, channels=OWNS)

    def _map(self, n: int, m: int, scale: Fraction | None) -> AxisMap:
        if n == m and (scale is None or self.mode != "cubic"):
            return IDENTITY
        if scale is not None and not self.align_corners:
            return Resize(self.mode, 1 / scale)
        if not known((n, m)):
            return Unreadable("the step of the interpolation depends on an unknown size")
        step = corner_step(n, m) if self.align_corners else Fraction(n, m)
        return Resize(self.mode, step, self.align_corners)


def scaled_size(n: int, scale: Fraction) -> int:
    """The output size of an axis that is known; else unknown."""
    return multiplied_size(n, scale) if known(n) else n


@formula
def multiplied_size(size: int, scale: Fraction) -> int:
    """floor(n · scale), the product in double precision as PyTorch has it."""
    return floor(size * float(scale))


@formula
def read_values(elements: int, taps: int, rank: int) -> int:
    """The number of values that each output element is interpolated from, along each axis."""
    neighbours: int = taps**rank
    return elements * neighbours


def corner_step(n: int, m: int) -> Fraction:
    """(n - 1) / (m - 1); a single output lies on the first position."""
    return Fraction(n - 1, m - 1) if m > 1 else Fraction(0)


def _scale_problems(x: Shape, scales: tuple[Fraction, ...]) -> Iterator[Problem]:
    for axis, (n, scale) in enumerate(zip(x.spatial, scales, strict=True)):
        if scale <= 0:
            message = f"scale {float(scale):g} is not positive"
            yield Problem("out-of-range", "scale", message, "a number above 0")
        elif scaled_size(n, scale) < 1:
            name = axis_name(axis, x.rank)
            message = f"scale {float(scale):g} leaves no position of {name} {n}"
            advice = f"at least {1 / n:.4g}, or a larger input"
            yield Problem("empty-output", "scale", message, advice, 0)
