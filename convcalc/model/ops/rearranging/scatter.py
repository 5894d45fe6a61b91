"""Scatter: features of a list of places are put where they belong on a declared grid.

    out_size = size;   channels stay

Of pillars or voxels that are not empty, C×P, to a bird's-eye view C×H×W with zeros elsewhere. The
places are indices that come with the points; a second input may stand for them. A move: no work, no
parameters. size is a list with one number per axis of the grid, since the input has only one.

Which place a position of the output reads depends on the indices, so the receptive field is not
known.

Common mistake: the number of pillars is that of one scene; networks are counted at the most that
their configuration allows, 12,000 for PointPillars, while what follows works on the whole grid.

Source: Lang et al., "PointPillars", arXiv 1812.05784, section 2.1; PyTorch ``Tensor.scatter``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Unreadable
from convcalc.model.geometry.channel_maps import OWN
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.rearranging._target import unread
from convcalc.model.quantities.shape import Shape


@operator
class Scatter(Operator):
    """The move; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 1)
    keeps = NOTHING

    size: tuple[int, ...] = fields.field("ints", "positions of the grid, per axis", minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A grid of one to three axes."""
        if not 1 <= len(self.size) <= 3:
            message = f"size has {len(self.size)} numbers, but needs 1 to 3"
            yield Problem("wrong-type", "size", message, "one per axis of the grid")

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The channels, elsewhere."""
        x = inputs[0]
        axes = (Unreadable("which place is read depends on indices"),)
        return Analysis(x.with_spatial(self.size), (axes, *unread(inputs)), channels=(OWN,))
