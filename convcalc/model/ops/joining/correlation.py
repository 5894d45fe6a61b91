"""Correlation of two feature maps: a cost volume, of displacements near by or of all positions.

    out_size     = ceil(n / s)                            per axis, n of the first map
    out_channels = prod(2·floor(D / t) + 1)               with max_displacement: FlowNet, PWC-Net
    out_channels = positions of the second map            without: all pairs, RAFT
    MACs         = batch · prod(out_size) · out_channels · C          dynamic
    scale        = 1 per output element: the mean over the channels, or 1 / sqrt(C)

C in_channels of both, D max_displacement, t displacement_stride, s stride, per axis. An output
channel is one displacement, in the order of rows from -D to D: the product of the first map's
vector at a position with the second's at the displaced one, zeros beyond the border. Taps there
are counted, as in a convolution. With all pairs a channel is one position of the second map, which
may have another size; RAFT's volume (H, W, H, W) is that with its last two axes in the channels.

Patches of one position are compared (FlowNet's kernel_size 1). A search along one axis alone, as
for rectified stereo pairs, is ``max_displacement: [0, 40]``; one to one side only is half of it.

The first map is read at the position, the second within D of it, each channel at its own
displacement. All pairs read the whole second map; what a single channel reads is not told apart.

Common mistake: FlowNetC has 441 channels, D = 20 with t = 2; with t = 1 there would be 1,681.

Source: Dosovitskiy et al., "FlowNet" (arXiv 1504.06852), equation 1; Sun et al., "PWC-Net" (arXiv
1709.02371); Teed and Deng, "RAFT" (arXiv 2003.12039), equation 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Slide, Whole
from convcalc.model.geometry.channel_maps import (
    MIXED,
    Block,
    Blocks,
    ChannelMap,
    Hidden,
    Turned,
)
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Correlation(Operator):
    """The correlation of two maps; see the module's docstring."""

    arity = (2, 2)
    ranks = (1, 3)
    keeps = FACTORS
    meets = False

    max_displacement: tuple[int, ...] | None = fields.axes(
        "greatest displacement per axis; all pairs of positions if not given", None, minimum=0
    )
    displacement_stride: tuple[int, ...] = fields.axes(
        "distance of neighbouring displacements, per axis", 1, minimum=1
    )
    stride: tuple[int, ...] = fields.stride(
        doc="positions of the first map from one output to the next, per axis"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Equal channels and axes; displacements need maps of one size."""
        first, second = inputs
        if first.batch != second.batch:
            message = f"correlation of {first.batch} and {second.batch} samples"
            yield Problem("shape-mismatch", "", message, "inputs of the same batch", 1)
        if first.channels != second.channels:
            message = f"correlation of {first} and {second}: {first.channels} and {second.channels}"
            yield Problem("shape-mismatch", "", f"{message} channels", "equal channels", 1)
        if first.rank != second.rank:
            message = f"correlation of {first} and {second}: {first.rank} and {second.rank} axes"
            yield Problem("shape-mismatch", "", message, "equal numbers of axes", 1)
        elif self.max_displacement is not None and any(
            n != m for n, m in zip(first.spatial, second.spatial, strict=True)
        ):
            message = f"correlation of {first} and {second}: displacements need equal sizes"
            yield Problem("shape-mismatch", "", message, "no max_displacement for all pairs", 1)
        if self.max_displacement is None and any(t > 1 for t in self.displacement_stride):
            message = "displacement_stride has no meaning for all pairs"
            yield Problem("unsupported-combination", "displacement_stride", message)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One product for each output element and channel of the inputs."""
        first, second = inputs
        near = self.max_displacement is not None
        made = self._displacements() if near else all_positions(second.spatial)
        spatial = tuple(map(strided_size, first.spatial, self.stride))
        output = Shape(first.batch, made, spatial)
        return Analysis(
            output,
            (
                tuple(IDENTITY if s == 1 else Slide(1, s) for s in self.stride),
                self._windows() if near else (Whole(),) * second.rank,
            ),
            (
                Term("correlation", DYNAMIC, products(output.numel, first.channels)),
                Term("scale", ELEMENTWISE, output.numel),
            ),
            channels=(MIXED, self._channel_map(second)),
        )

    def _displacements(self) -> int:
        assert self.max_displacement is not None
        return all_displacements(
            tuple(map(displacements, self.max_displacement, self.displacement_stride))
        )

    def _windows(self) -> Axes:
        """The positions of all displacements together."""
        assert self.max_displacement is not None
        return tuple(
            Slide(displacements(d, t), s, d // t * t, t)
            for d, t, s in zip(
                self.max_displacement, self.displacement_stride, self.stride, strict=True
            )
        )

    def _channel_map(self, second: Shape) -> ChannelMap:
        """Each output channel reads all channels of the second map at its own displacement."""
        if self.max_displacement is None:
            return Turned("each channel reads one position of the second input")
        if not known(second.channels):
            return Hidden("the number of channels is not known")
        ways = zip(self.max_displacement, self.displacement_stride, strict=True)
        moves = product(*(range(-(d // t) * t, d + 1, t) for d, t in ways))
        every = range(second.channels)
        return Blocks(
            tuple(
                Block(
                    range(number, number + 1),
                    every,
                    1,
                    tuple(Slide(1, s, -move) for move, s in zip(each, self.stride, strict=True)),
                )
                for number, each in enumerate(moves)
            )
        )


@formula
def displacements(max_displacement: int, displacement_stride: int) -> int:
    """Displacements along one axis: so many to either side, and none."""
    return 2 * (max_displacement // displacement_stride) + 1


@formula
def all_displacements(displacements: tuple[int, ...]) -> int:
    """Those of all axes together."""
    return prod(displacements)


@formula
def all_positions(spatial: tuple[int, ...]) -> int:
    """The positions of the second map."""
    return prod(spatial)


@formula
def strided_size(size: int, stride: int) -> int:
    """Every s-th position, the first among them."""
    return -(-size // stride)


@formula
def products(elements: int, channels: int) -> int:
    """One product per output element and channel of the inputs."""
    return elements * channels
