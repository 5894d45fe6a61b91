"""Crop: positions cut off before and after each axis.

    out_size = size,  floor((n - size) / 2) cut off before the first     with size
    out_size = n - before - after                                       with margins
    out_size = that of the second input, centred in the same way        with two inputs

A move: no work, no parameters. Exactly one of the three says what remains. Of a second input
only the size matters; no output reads its values. With a size or a second input, offset says how
many positions are cut off before the first instead, as in Caffe's Crop, or keep that the first or
the last positions remain: ``{size: 1, keep: last}`` is the last step of a sequence of any length.
``pad`` is the opposite.

Common mistake: a centre crop of an odd rest is not centred; the larger part is cut off after
the last position here, as in the usual U-Net code, while torchvision's ``center_crop`` rounds
half to even.

Source: Ronneberger et al., arXiv 1505.04597, figure 1; PyTorch ``torch.nn.functional.pad`` with
negative numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.sizes import Padding, axis_name, cropped_size
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import OWNS
from convcalc.model.ops.rearranging._target import target_problems, unread
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@formula
def centre_margin(n: int, size: int) -> int:
    """Positions cut off before the first of a centre crop: floor((n - size) / 2)."""
    return (n - size) // 2


@formula
def whole_margin(n: int, size: int) -> int:
    """Positions cut off before the first where the last remain: all of them."""
    return n - size


@formula
def no_margin(n: int, size: int) -> int:  # noqa: ARG001 -- called like the others
    """Positions cut off before the first where the first remain: none."""
    return 0


MARGINS = {"center": centre_margin, "first": no_margin, "last": whole_margin}


@operator
class Crop(Operator):
    """The crop; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)
    view = True
    keeps = NOTHING

    size: tuple[int, ...] | None = fields.axes("positions that remain, per axis", None, minimum=1)
    margins: Padding | None = fields.field(
        "padding",
        "positions cut off before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]",
        None,
        minimum=0,
    )
    offset: tuple[int, ...] | None = fields.axes(
        "positions cut off before the first, per axis; half of all that are cut off if not given",
        None,
        minimum=0,
    )
    keep: str = fields.word(
        tuple(MARGINS), "which positions remain, with a size or a second input", "center"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One way of saying what remains, and no more than there is."""
        x, *reference = inputs
        if problems := list(target_problems(self, ("size", "margins"), inputs, "size: 64")):
            yield from problems
        elif self.margins is not None and self.offset is not None:
            message = "margins say where to cut already, so offset has no meaning"
            yield Problem("unsupported-combination", "offset", message, "leave out offset")
        elif self.keep != "center" and (self.margins is not None or self.offset is not None):
            says = "margins say" if self.offset is None else "offset says"
            message = f"{says} where to cut already, so keep {self.keep} has no meaning"
            yield Problem("unsupported-combination", "keep", message, "leave out keep")
        elif self.margins is not None:
            yield from _margin_problems(x, self.margins)
        elif self.size is not None:
            yield from _size_problems(x, self.size, "out-of-range", "size", 0)
            yield from _offset_problems(x, self.size, self.offset)
        else:
            yield from _size_problems(x, reference[0].spatial, "shape-mismatch", "", 1)
            yield from _offset_problems(x, reference[0].spatial, self.offset)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """A window of one position that starts behind the margin."""
        x, *reference = inputs
        if isinstance(self.margins, tuple):
            befores = tuple(before for before, _ in self.margins)
            pairs = zip(x.spatial, self.margins, strict=True)
            spatial = tuple(cropped_size(n, *pair) for n, pair in pairs)
        else:
            spatial = reference[0].spatial if reference else self.size or ()
            befores = self.offset or tuple(map(MARGINS[self.keep], x.spatial, spatial))
        axes = tuple(Slide(padding=-b) if known(b) else Slide(padding_known=False) for b in befores)
        return Analysis(x.with_spatial(spatial), (axes, *unread(inputs)), channels=OWNS)


def _margin_problems(x: Shape, margins: Padding) -> Iterator[Problem]:
    if isinstance(margins, str):
        message = f"crop has no kernel, so margins {margins} has no meaning"
        yield Problem("wrong-type", "margins", message, "numbers per axis or per side")
        return
    for axis, (n, pair) in enumerate(zip(x.spatial, margins, strict=True)):
        if n - sum(pair) < 1:
            message = (
                f"margins {pair[0]} and {pair[1]} leave nothing of {axis_name(axis, x.rank)} {n}"
            )
            yield Problem("empty-output", "margins", message, f"less than {n} in all", 0)


def _size_problems(
    x: Shape, size: tuple[int, ...], rule: str, field: str, source: int
) -> Iterator[Problem]:
    for axis, (n, m) in enumerate(zip(x.spatial, size, strict=True)):
        if m > n:
            message = f"crop to {axis_name(axis, x.rank)} {m}, but {x} has only {n}"
            yield Problem(rule, field, message, f"at most {n}, or pad first", source)


def _offset_problems(
    x: Shape, size: tuple[int, ...], offset: tuple[int, ...] | None
) -> Iterator[Problem]:
    for axis, (n, m, before) in enumerate(zip(x.spatial, size, offset or (), strict=False)):
        if m <= n < before + m:
            name = axis_name(axis, x.rank)
            message = f"offset {before} and {m} positions go beyond {name} {n}"
            yield Problem("out-of-range", "offset", message, f"at most {n - m}", 0)
