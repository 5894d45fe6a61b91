"""Padding: positions added before and after each axis.

    out_size = n + p_before + p_after     per axis

A move: no work, no parameters. mode says what the new positions hold: ``constant`` a number,
``reflect`` the input mirrored at its border, which is not repeated (so p < n), ``replicate`` the
border, ``circular`` the input from the other end (so p <= n). ``crop`` is the opposite.

Common mistakes: a flat list is one number per axis, the same on both sides; nested pairs are
[before, after] per axis, first axis first. PyTorch's ``F.pad`` lists the last axis first.

Source: PyTorch ``torch.nn.functional.pad``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.sizes import Padding, Sides, axis_name, padded_size
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.quantities.shape import Shape


@operator
class Pad(Operator):
    """The padding; see the module's docstring."""

    ranks = (1, 3)
    keeps = NOTHING

    padding: Padding = fields.field(
        "padding",
        "positions added before and after each axis, per axis [h, w] or per side "
        "[[top, bottom], [left, right]]",
        short="p",
        minimum=0,
    )
    mode: str = fields.word(
        ("constant", "reflect", "replicate", "circular"), "what the positions hold", "constant"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Padding must be numbers, and no more than the mode can take from the input."""
        (x,) = inputs
        if isinstance(self.padding, str):
            message = f"pad has no kernel that gives padding {self.padding} a meaning"
            yield Problem("wrong-type", "padding", message, "numbers per axis or per side")
            return
        for axis, (n, pair) in enumerate(zip(x.spatial, self.padding, strict=True)):
            most = _most(self.mode, n)
            if most is not None and max(pair) > most:
                name = axis_name(axis, x.rank)
                message = f"padding {max(pair)} on {name} {n} is too much for mode {self.mode}"
                yield Problem("padding-too-large", "padding", message, f"at most {most}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each axis grows on both sides."""
        (x,) = inputs
        assert not isinstance(self.padding, str)
        border = "zeros" if self.mode == "constant" else self.mode
        axes = tuple(Slide(padding=before, border=border) for before, _ in self.padding)
        return Analysis(x.with_spatial(padded(x.spatial, self.padding)), (axes,))


def padded(spatial: tuple[int, ...], padding: Sides) -> tuple[int, ...]:
    """n + p_before + p_after per axis."""
    return tuple(padded_size(n, *pair) for n, pair in zip(spatial, padding, strict=True))


def _most(mode: str, size: int) -> int | None:
    """The greatest padding per side that a mode can fill; None if there is no limit."""
    return {"reflect": size - 1, "circular": size}.get(mode)
