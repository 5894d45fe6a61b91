"""Deformable convolution, versions 1 and 2: a convolution whose taps are moved by an offset map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Deformed
from convcalc.model.geometry.channel_maps import MIXED, Block, Blocks, ChannelMap, grouped
from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    OUTPUT,
    SAMPLING,
    Analysis,
    Problem,
    Term,
)
from convcalc.model.operators.work import bias_terms, interpolation
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@formula
def offset_channels(rank: int, kernel_size: tuple[int, ...], deform_groups: int) -> int:
    """One number per axis, tap and deform group: rank·K·Gd."""
    return rank * prod(kernel_size) * deform_groups


@formula
def mask_channels(kernel_size: tuple[int, ...], deform_groups: int) -> int:
    """One factor per tap and deform group: K·Gd."""
    return prod(kernel_size) * deform_groups


@formula
def both_channels(rank: int, kernel_size: tuple[int, ...], deform_groups: int) -> int:
    """Offsets and factors together: (rank + 1)·K·Gd."""
    return (rank + 1) * prod(kernel_size) * deform_groups


@formula
def sample_count(
    batch: int, in_channels: int, kernel_size: tuple[int, ...], out_size: tuple[int, ...]
) -> int:
    """Values that are read between positions: one per output position, tap and input channel."""
    return batch * in_channels * prod(kernel_size) * prod(out_size)


class Deformable(NamedTuple):
    """Version 1, or version 2 if ``modulated``. ``external``: the maps come as further inputs."""

    modulated: bool
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]
    groups: int
    deform_groups: int
    bias: bool
    external: bool
    bound: Fraction | None

    @property
    def needed(self) -> int:
        """Inputs: the image, and if they are external the offset map and the mask."""
        return 1 + self.external * (1 + self.modulated)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide, a window must fit, and external maps must have the right shape."""
        x = inputs[0]
        problems = [
            *self._main().check([x]),
            *uneven_groups(self.deform_groups, x.channels, "in_channels", "deform_groups"),
        ]
        yield from problems
        yield from self._count_problems(len(inputs))
        if len(inputs) == self.needed and not any(p.is_error for p in problems):
            yield from self._map_problems(inputs)

    def _count_problems(self, count: int) -> Iterator[Problem]:
        maps = "image, offset map, mask" if self.modulated else "image, offset map"
        if count < self.needed:
            message = f"offset external needs {self.needed} inputs, but there is {count}"
            yield Problem("missing-key", "offset", message, f"'from:' with {maps}")
        elif count > self.needed:
            given = "external" if self.external else "internal"
            message = f"offset {given} takes {self.needed} of the {count} inputs"
            advice = "offset external" if not self.external else f"'from:' with {maps}"
            yield Problem("unsupported-combination", "offset", message, advice)

    def _map_problems(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The maps have the size of the output, and their numbers of channels."""
        output, taps = self._main().analyse(inputs[:1]).output, prod(self.kernel_size)
        channels = (
            offset_channels(output.rank, self.kernel_size, self.deform_groups),
            mask_channels(self.kernel_size, self.deform_groups),
        )
        for index, (x, name) in enumerate(zip(inputs[1:], ("offset map", "mask"), strict=False)):
            wanted = output.with_channels(channels[index])
            wrong = any(n != m for n, m in zip(x.dims, wanted.dims, strict=False))
            if x.rank != wanted.rank or wrong:
                groups = f"{self.deform_groups} deform group{'s' * (self.deform_groups > 1)}"
                message = (
                    f"the {name} is {_shape_text(x)}, but {taps} taps in {groups} "
                    f"need {_shape_text(wanted)}, the size of the output"
                )
                advice = "a conv with the kernel_size, stride, padding and dilation of this layer"
                yield Problem("shape-mismatch", "", message, advice, index + 1)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Offsets, samples at the moved taps, their modulation, and the product with the weight."""
        x, main = inputs[0], self._main().analyse(inputs[:1])
        output = main.output
        samples = sample_count(x.batch, x.channels, self.kernel_size, output.spatial)
        terms = [Term("sampling", SAMPLING, interpolation(x.rank, samples))]
        if self.modulated:
            terms.append(Term("modulation", DYNAMIC, samples))
        terms += [Term("main", *main.terms[0][1:]), *bias_terms(self.bias, output)]
        moved = tuple(Deformed(axis, self.bound) for axis in main.axes[0])
        maps = ((IDENTITY,) * x.rank,) * (self.needed - 1)
        channels = (self._channel_map(x, output, moved, main.axes[0]), *(MIXED for _ in maps))
        if self.external:
            work = tuple(terms)
            return Analysis(output, (moved, *maps), work, main.weights, channels=channels)
        guides = self._guide(x, output)
        reads: list[int | str] = [0, *(part.name for each in guides for part in each.parts)]
        kernel = function("main", reads, output, *terms, weights=main.weights)
        return merge_analyses(output, (moved, *maps), *guides, kernel, channels=channels)

    def _guide(self, x: Shape, output: Shape) -> list[Analysis]:
        """Return what makes the offsets, and in version 2 the mask."""
        offset = analyse_chain({"offset": self._offset(x)}, x)
        if not self.modulated:
            return [offset]
        factors = output.with_channels(mask_channels(self.kernel_size, self.deform_groups))
        sigmoid = Term("sigmoid", ELEMENTWISE, factors.numel)
        mask = function("sigmoid", ("offset",), factors, sigmoid, keeps=OUTPUT, in_place=True)
        return [offset, merge_analyses(factors, (), mask)]

    def _channel_map(self, x: Shape, output: Shape, moved: Axes, guide: Axes) -> ChannelMap:
        """Groups do not mix, but the offsets see every channel."""
        if self.groups == 1 or self.external:
            return grouped(self.groups, x.channels, output.channels)
        makes, reads = range(output.channels), range(x.channels)
        return Blocks((Block(makes, reads, self.groups, moved), Block(makes, reads, 1, guide)))

    def _main(self) -> Conv:
        return self._conv(self.out_channels, self.groups, self.bias)

    def _offset(self, x: Shape) -> Conv:
        """The convolution that makes the offsets, and in version 2 the mask; always with bias."""
        channels = both_channels if self.modulated else offset_channels
        return self._conv(channels(x.rank, self.kernel_size, self.deform_groups), 1, True)

    def _conv(self, out_channels: int, groups: int, bias: bool) -> Conv:
        return Conv(
            out_channels=out_channels,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=groups,
            bias=bias,
        )


def _shape_text(shape: Shape) -> str:
    """The text of a shape, with its batch unless that is 1."""
    return str(shape) if shape.batch == 1 else f"{shape} in a batch of {shape.batch}"
