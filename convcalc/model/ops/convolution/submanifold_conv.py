"""Submanifold sparse convolution: only active sites are computed, from active sites only.

    out_size = n                                             active sites stay as they are
    weight   = (out_channels, in_channels / groups, *kernel_size)
    params   = prod(weight) + out_channels if bias
    MACs     = batch · pairs · prod(weight) / K
    pairs    = as given, else round(density · N + density² · (T - N))
    T        = product over the axes of the sum over the taps of max(n - |offset|, 0)

n input size, N its positions, K taps of the kernel (the filter volume), pairs the length of the
rulebook: how often an active site lies under a tap of the window of an active site. That depends
on the data, so MACs are unknown unless ``pairs`` (measured, per sample) or ``density`` (the
share of active positions) is given. From the density it is the expected number for sites
scattered independently, rounded; T counts the taps that lie within the input. Real sites lie on
curves and surfaces, where neighbours are active together: take measured pairs then.

The bias is one addition per active site and channel; with pairs alone it stays unknown. The
activations are those of the dense tensor. The receptive field is that of the window; which
sites are in it depends on the data.

Common mistakes: density times the MACs of a dense convolution. It forgets that the taps, too,
find active sites only: 1 % active on 64x64 with k = 3 means 44 pairs, not 369. The kernel must be
odd, and stride 1: with other strides active sites change, which is another layer.

Source: Graham et al., "3D semantic segmentation with submanifold sparse convolutional networks"
(arXiv 1711.10275), section 3; facebookresearch/SparseConvNet, submanifoldConvolution.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.channel_maps import grouped
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    WEIGHTS,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import share
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known


@operator
class SubmanifoldConv(Operator):
    """A convolution of active sites; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    groups: int = fields.groups()
    bias: bool = fields.bias()
    density: float | None = fields.number(
        "share of the positions that are active", None, minimum=0, maximum=1
    )
    pairs: int | None = fields.field(
        "count", "active sites under the taps of active sites, per sample", None, minimum=0
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide both channel counts, and the kernel needs a center."""
        (x,) = inputs
        yield from uneven_groups(self.groups, x.channels, "in_channels")
        yield from uneven_groups(self.groups, self.out_channels, "out_channels")
        even = [k for k in self.kernel_size if k % 2 == 0]
        if even:
            message = f"kernel_size {even[0]} is even, but an active site is the center of a window"
            advice = f"an odd kernel_size, such as {even[0] + 1}"
            yield Problem("unsupported-combination", "kernel_size", message, advice)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One product of the matrix of a tap per pair."""
        (x,) = inputs
        weight = (self.out_channels, share(x.channels, self.groups), *self.kernel_size)
        sites, pairs = self._sites(x), self._pairs(x)
        work = [Term("weight", WEIGHTS, pair_macs(x.batch, pairs, weight[:2]))]
        if self.bias:
            work.append(Term("bias", ELEMENTWISE, site_work(x.batch, sites, self.out_channels)))
        return Analysis(
            x.with_channels(self.out_channels),
            (tuple(Slide(k, 1, k // 2) for k in self.kernel_size),),
            tuple(work),
            {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {}),
            facts={"active_sites": sites, "pairs": pairs},
            channels=(grouped(self.groups, x.channels, self.out_channels),),
        )

    def _sites(self, x: Shape) -> int:
        """Active sites of a sample."""
        if self.density is None or not known(x.spatial):
            return UNKNOWN
        return expected_sites(x.positions, Fraction(str(self.density)))

    def _pairs(self, x: Shape) -> int:
        """Rulebook pairs of a sample."""
        if self.pairs is not None:
            return self.pairs
        if self.density is None or not known(x.spatial):
            return UNKNOWN
        inside = prod(map(taps_inside, x.spatial, self.kernel_size))
        return expected_pairs(x.positions, inside, Fraction(str(self.density)))


def taps_inside(size: int, kernel_size: int) -> int:
    """The number of taps that lie inside an axis, over all centered windows on it."""
    reach = kernel_size // 2
    return sum(max(size - abs(offset), 0) for offset in range(-reach, reach + 1))


@formula
def pair_macs(batch: int, pairs: int, matrix: tuple[int, ...]) -> int:
    """One product with the matrix of a tap per pair."""
    return batch * pairs * prod(matrix)


@formula
def site_work(batch: int, sites: int, out_channels: int) -> int:
    """One operation per active site and output channel."""
    return batch * sites * out_channels


@formula
def expected_sites(positions: int, density: Fraction) -> int:
    """Active sites of a sample."""
    return round(density * positions)


@formula
def expected_pairs(positions: int, taps: int, density: Fraction) -> int:
    """Pairs of sites scattered independently: each with itself, and with its neighbours."""
    return round(density * positions + density**2 * (taps - positions))
