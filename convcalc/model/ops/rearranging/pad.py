"""Padding: positions added before and after each axis.

    out_size = n + p_before + p_after                              with padding
    out_size = size, floor((size - n) / 2) added before the first  with size
    out_size = that of the second input, added in the same way     with two inputs

A move: no work, no parameters. Exactly one of the three says how much. Of a second input only the
size matters; no output reads its values. An axis that is larger than a size or a second input is
cut by the same rule, as by PyTorch's ``F.pad`` with negative numbers. mode says what the new
positions hold: ``constant`` a number, ``reflect`` the input mirrored at its border, which is not
repeated (so p < n), ``replicate`` the border, ``circular`` the input from the other end (so
p <= n). ``crop`` is the opposite.

Common mistakes: a flat list is one number per axis, the same on both sides; nested pairs are
[before, after] per axis, first axis first. PyTorch's ``F.pad`` lists the last axis first. Of an
odd difference the larger part goes after the last position where pad adds, but before the first
where it cuts; ``crop`` cuts the larger part after the last.

Source: PyTorch ``torch.nn.functional.pad``; the usual U-Net code, which pads what it has upsampled
by diff // 2 before and diff - diff // 2 after, to the size of the skip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.sizes import Padding, Sides, axis_name, padded_size
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import OWNS
from convcalc.model.ops.rearranging._target import target_problems, unread
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Pad(Operator):
    """The padding; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)
    keeps = NOTHING

    padding: Padding | None = fields.field(
        "padding",
        "positions added before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]",
        None,
        short="p",
        minimum=0,
    )
    mode: str = fields.word(
        ("constant", "reflect", "replicate", "circular"), "what the positions hold", "constant"
    )
    size: tuple[int, ...] | None = fields.axes(
        "positions in the end, per axis; half of the difference is added before the first",
        None,
        minimum=1,
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Numbers, said in one way, and no more than the mode can take from the input."""
        if problems := list(target_problems(self, ("padding", "size"), inputs, "padding: 1")):
            yield from problems
        elif isinstance(self.padding, str):
            message = f"pad has no kernel, so padding {self.padding} has no meaning"
            yield Problem("wrong-type", "padding", message, "numbers per axis or per side")
        else:
            yield from self._too_much(inputs)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """A window of one position that starts in the padding."""
        x, *reference = inputs
        border = "zeros" if self.mode == "constant" else self.mode
        befores = [before for before, _ in self._sides(inputs)]
        axes = tuple(
            Slide(padding=before, border=border)
            if known(before)
            else Slide(padding_known=False, border=border)
            for before in befores
        )
        target = reference[0].spatial if reference else self.size
        if target is None:
            target = padded(x.spatial, self._sides(inputs))
        return Analysis(x.with_spatial(target), (axes, *unread(inputs)), channels=OWNS)

    def _sides(self, inputs: Sequence[Shape]) -> Sides:
        """Positions before and after each axis; below 0 where an axis is cut."""
        x, *reference = inputs
        if self.padding is not None:
            assert not isinstance(self.padding, str)
            return self.padding
        target = reference[0].spatial if reference else self.size or ()
        pairs = zip(x.spatial, target, strict=True)
        return tuple((padding_before(n, m), m - n - padding_before(n, m)) for n, m in pairs)

    def _too_much(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        x, *reference = inputs
        field, source = ("", 1) if reference else ("size", 0)
        if self.padding is not None:
            field = "padding"
        for axis, (n, pair) in enumerate(zip(x.spatial, self._sides(inputs), strict=True)):
            most = _most(self.mode, n)
            if most is not None and (more := max(pair)) > most:
                name = axis_name(axis, x.rank)
                message = f"padding {more} on {name} {n} is too much for mode {self.mode}"
                yield Problem("padding-too-large", field, message, f"at most {most}", source)


def padded(spatial: tuple[int, ...], padding: Sides) -> tuple[int, ...]:
    """n + p_before + p_after per axis."""
    return tuple(padded_size(n, *pair) for n, pair in zip(spatial, padding, strict=True))


@formula
def padding_before(n: int, size: int) -> int:
    """Positions added before the first: floor((size - n) / 2); below 0, as many are cut off."""
    return (size - n) // 2


def _most(mode: str, size: int) -> int | None:
    """The greatest padding per side that a mode can fill; None if there is no limit."""
    return {"reflect": size - 1, "circular": size}.get(mode)
