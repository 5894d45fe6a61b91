"""Sampling at positions that a second input gives: spatial transformers, warping by optical flow.

    inputs   = x (C, *size), grid (rank, *out_size)       output = (C, *out_size)
    sampling = batch · C · prod(out_size) · 2^rank        mode linear; 4^rank cubic, 0 nearest

One coordinate per axis in the channels of the grid, where PyTorch has them in its last axis; the
values are its own, from -1 to 1 over the map, and play no role here. Interpolation reads the
neighbours of each position, kind sampling; nearest is a move. No MACs, no parameters. What lies
outside is zero, the border or mirrored, and counted alike.

The grid can point anywhere: the receptive field is unbounded, and what is shown beside it is that
of the undeformed grid, an interpolation from size to out_size. The grid's own field is that of its
position.

Common mistake: the grid of a flow needs the positions added (``coord_conv`` makes them), and their
work is that of an ``add``.

Source: PyTorch ``torch.nn.functional.grid_sample``; Jaderberg et al., "Spatial transformer
networks" (arXiv 1506.02025), section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Deformed, Resize, Unreadable
from convcalc.model.geometry.channel_maps import MIXED, OWN
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    FACTORS,
    SAMPLING,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

TAPS = {"linear": 2, "cubic": 4}  # per axis


@operator
class GridSample(Operator):
    """Sampling by a grid; see the module's docstring."""

    arity = (2, 2)
    ranks = (1, 3)
    keeps = FACTORS
    meets = False

    mode: str = fields.word(("linear", "nearest", "cubic"), "how values are read", "linear")
    align_corners: bool = fields.flag("whether -1 and 1 are the centers of the ends", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The grid has one channel per axis, and PyTorch samples cubically on two axes only."""
        x, grid = inputs
        if x.batch != grid.batch:
            message = f"grid_sample of {x.batch} samples by {grid.batch} grids"
            yield Problem("shape-mismatch", "", message, "inputs of the same batch", 1)
        if grid.rank != x.rank:
            message = f"grid_sample of {x} by {grid}: {x.rank} and {grid.rank} axes"
            yield Problem("shape-mismatch", "", message, f"a grid of {x.rank} axes", 1)
        elif grid.channels != x.rank:
            message = f"grid_sample by {grid}: {grid.channels} channels for {x.rank} axes"
            yield Problem("shape-mismatch", "", message, "one coordinate per axis", 1)
        if self.mode == "cubic" and x.rank != 2:
            message = f"mode cubic needs 2 spatial axes, but the input has {x.rank}"
            yield Problem("wrong-rank", "mode", message, "linear or nearest", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Each output element is interpolated from neighbours of where the grid points."""
        x, grid = inputs
        output = x.with_spatial(grid.spatial)
        amount = read_values(output.numel, TAPS.get(self.mode, 0), x.rank)
        return Analysis(
            output,
            (tuple(map(self._axis, x.spatial, grid.spatial)), (IDENTITY,) * grid.rank),
            (Term("sampling", SAMPLING, amount),) if self.mode in TAPS else (),
            channels=(OWN, MIXED),
        )

    def _axis(self, size: int, made: int) -> AxisMap:
        """The grid that an untrained transformer starts from, moved without bound."""
        if not known((size, made)):
            return Unreadable("where the grid points depends on the input, and sizes are unknown")
        if size == made:
            return Deformed(IDENTITY)
        step = Fraction(size, made)
        if self.align_corners:
            step = Fraction(size - 1, made - 1) if made > 1 else Fraction(0)
        return Deformed(Resize(self.mode, step, self.align_corners))


@formula
def read_values(elements: int, taps: int, rank: int) -> int:
    """The number of values that each output element is interpolated from, along each axis."""
    neighbours: int = taps**rank
    return elements * neighbours
