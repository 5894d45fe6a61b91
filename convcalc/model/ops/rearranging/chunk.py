"""Chunk: the channels, or the positions of one axis, in several pieces.

    out_size = size / chunks, or those of sizes, whose sum is the size

The output is the first piece; the others are its further outputs ``part1``, ``part2``, …: of a
layer ``qkv`` they are read as ``qkv``, ``qkv.part1`` and ``qkv.part2``. A move: no work, no
parameters. The branches of a C2f or CSP block are made by it, where ``split: channels`` of
``branches`` does not fit.

Common mistake: PyTorch's ``torch.split`` with one number takes it for the size of a piece,
``torch.chunk`` for the number of pieces, as here. Chunks that do not divide the size are a problem;
PyTorch makes the last one smaller.

Source: PyTorch ``torch.chunk``, ``torch.split`` with a list; ONNX Split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Slide
from convcalc.model.geometry.channel_maps import OWN, ChannelMap, select
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.checks import divisors, missing_axis
from convcalc.model.operators.composing import function
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Port, Problem, operator
from convcalc.model.operators.work import share
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


@operator
class Chunk(Operator):
    """The pieces; see the module's docstring."""

    view = True
    keeps = NOTHING

    axis: str = fields.axis("channels", "channels or a spatial axis")
    chunks: int | None = fields.integer("number of equal pieces", None, minimum=1)
    sizes: tuple[int, ...] | None = fields.field("ints", "size of each piece", None, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One of the two fields; the pieces make up the whole axis."""
        (x,) = inputs
        if problems := list(missing_axis(self.axis, x)):
            yield from problems
            return
        size = x.dims[1 + axis_names(x.rank).index(self.axis)]
        if (self.chunks is None) == (self.sizes is None):
            both = self.chunks is not None
            rule = "unsupported-combination" if both else "missing-key"
            message = "chunk takes chunks or sizes" + (", not both" if both else "")
            yield Problem(rule, "sizes" if both else "chunks", message, "for instance 'chunks: 2'")
        elif self.chunks is not None and size % self.chunks:
            message = f"chunks {self.chunks} does not divide {self.axis} {size}"
            yield Problem("does-not-divide", "chunks", message, divisors(size), 0)
        elif self.sizes is not None and sum(self.sizes) != size:
            message = f"sizes add up to {sum(self.sizes)}, but {self.axis} is {size}"
            yield Problem("shape-mismatch", "sizes", message, f"sizes that add up to {size}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One piece behind the other."""
        (x,) = inputs
        dim = axis_names(x.rank).index(self.axis)
        sizes = self._sizes(x.dims[1 + dim])
        starts = accumulate(sizes, initial=0)
        pieces = [
            self._piece(x, dim, start, size) for start, size in zip(starts, sizes, strict=False)
        ]
        names = ["part0", *(f"part{k}" for k in range(1, len(pieces)))]
        (output, axes, channels), *others = pieces
        return Analysis(
            output,
            (axes,),
            channels=(channels,),
            ports={
                name: Port(output, (axes,), name, (channels,))
                for name, (output, axes, channels) in zip(names[1:], others, strict=True)
            },
            parts=tuple(
                function(name, (0,), piece[0], view=True, keeps=NOTHING)
                for name, piece in zip(names, pieces, strict=True)
            ),
            result="part0",
        )

    def _sizes(self, size: int) -> tuple[int, ...]:
        if self.sizes is not None:
            return self.sizes
        assert self.chunks is not None
        return (share(size, self.chunks),) * self.chunks

    @staticmethod
    def _piece(x: Shape, dim: int, start: int, size: int) -> tuple[Shape, Axes, ChannelMap]:
        output = x.with_axis(dim, size)
        if not dim:
            return output, (IDENTITY,) * x.rank, select(start, start + size)
        moved = Slide(padding=-start) if known(start) else Slide(padding_known=False)
        axes = tuple(moved if axis == dim - 1 else IDENTITY for axis in range(x.rank))
        return output, axes, OWN
