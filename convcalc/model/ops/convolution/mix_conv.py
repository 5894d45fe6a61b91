"""Mixed convolution: groups of channels, each with a kernel of its own size, depthwise.

    splits   = in_channels // m for each of m kernel sizes, the rest to the first
    out_size = floor((n + p - d·(k - 1) - 1) / s) + 1        per axis, the same for all k
    weight   = (out split, 1, k, ..., k)                     per kernel size k
    params   = sum of k^rank · out split, + out_channels if bias
    MACs     = batch · prod(out_size) · sum of k^rank · out split

n input size, s stride, p padding, d dilation. ``kernel_size`` is a list, one size per group; the
parts are called k3, k5 and so on (with the index behind, if a size is repeated). out_channels is
in_channels if not given, and is split in the same way; each out split must then be a multiple
of its in split. With ``depthwise: false`` each group is an ordinary convolution of its share,
(out split, in split, k, ..., k). The bias is one addition per output element.

The padding is a word, since it must differ from group to group for the sizes to agree; ``half`` is
timm's default for odd kernels and strides up to 2.

The receptive field is that of the largest kernel.

Common mistakes: the paper's equal split leaves open what happens to the remainder; timm and
the official code give it to the first group, mostly the smallest kernel: 10 channels and
[3, 5, 7] are 4 + 3 + 3, 36 + 75 + 147 = 258 parameters. Even kernels beside odd ones need
``same``.

Source: Tan & Le, "MixConv" (arXiv 1907.09595), section 3; timm, layers/mixed_conv2d.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.axis_maps import Union
from convcalc.model.geometry.channel_maps import Block, Blocks
from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.operators.work import share
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class MixConv(Operator):
    """Kernels of several sizes side by side; see the module's docstring."""

    ranks = (1, 3)

    kernel_size: tuple[int, ...] = fields.field(
        "ints", "taps on each axis, one size per group of channels", short="k", minimum=1
    )
    out_channels: int | None = fields.out_channels(
        None, "number of output channels; in_channels if not given"
    )
    stride: tuple[int, ...] = fields.stride()
    padding: str = fields.field(
        "word",
        "positions added to each axis, by size of the kernel",
        "half",
        short="p",
        choices=("half", "same", "causal"),
    )
    dilation: tuple[int, ...] = fields.dilation()
    depthwise: bool = fields.flag("whether each channel is filtered by itself", True)
    bias: bool = fields.bias(False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Each group needs channels and windows, and all of them the same output size."""
        (x,) = inputs
        problems = list(self._sharing_problems(x))
        if not problems:
            groups = self._groups(x).values()
            problems = [problem for share, conv in groups for problem in conv.check([share])]
        yield from dict.fromkeys(problems)
        if not any(problem.is_error for problem in problems):
            yield from self._size_problems(x)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One convolution per group, concatenated."""
        (x,) = inputs
        parts = [
            analyse_chain({name: conv}, share) for name, (share, conv) in self._groups(x).items()
        ]
        output = parts[0].output.with_channels(self.out_channels or x.channels)
        maps = (dict.fromkeys(axis) for axis in zip(*(p.axes[0] for p in parts), strict=True))
        axes = tuple(Union(tuple(axis)) if len(axis) > 1 else next(iter(axis)) for axis in maps)
        blocks: list[Block] = []
        ins = outs = 0
        for (part, conv), done in zip(self._groups(x).values(), parts, strict=True):
            reads, makes = range(ins, ins + part.channels), range(outs, outs + conv.out_channels)
            blocks.append(Block(makes, reads, conv.groups, done.axes[0]))
            ins, outs = reads.stop, makes.stop
        names = [part.name for each in parts for part in each.parts]
        joined = (
            [function("concat", names, output, keeps=NOTHING, passes=True)]
            if len(names) > 1
            else []
        )
        return merge_analyses(output, (axes,), *parts, *joined, channels=(Blocks(tuple(blocks)),))

    def _sharing_problems(self, x: Shape) -> Iterator[Problem]:
        """Each kernel needs inputs, and if depthwise a multiple of them as outputs."""
        channels, count = self.out_channels or x.channels, len(self.kernel_size)
        if count < 1 or count > x.channels or count > channels:
            message = f"{count} kernel sizes for {x.channels} inputs and {channels} outputs"
            advice = "a list of at least one size, and of no more than there are channels"
            yield Problem("out-of-range", "kernel_size", message, advice, 0)
            return
        for name, (part, conv) in self._groups(x).items() if self.depthwise else ():
            if conv.out_channels % part.channels:
                numbers = f"{conv.out_channels} outputs for {part.channels} inputs"
                message = f"out_channels {channels} gives {name} {numbers}"
                advice = f"a multiple of in_channels {x.channels}, or depthwise: false"
                yield Problem("does-not-divide", "out_channels", message, advice, 0)
                return

    def _size_problems(self, x: Shape) -> Iterator[Problem]:
        """Yields a problem if the tensors to be concatenated differ in size."""
        sizes = {
            name: conv.analyse([share]).output.spatial
            for name, (share, conv) in self._groups(x).items()
        }
        first, *others = sizes.values()
        if any(n != m for size in others for n, m in zip(first, size, strict=True)):
            listed = ", ".join(f"{k} {'×'.join(map(str, size))}" for k, size in sizes.items())
            message = f"the groups differ in size: {listed}"
            yield Problem("concat-mismatch", "kernel_size", message, "odd sizes, or padding: same")

    def _groups(self, x: Shape) -> Mapping[str, tuple[Shape, Conv]]:
        """The share of the input that each kernel gets, and its convolution."""
        count = len(self.kernel_size)
        shares = zip(
            self.kernel_size,
            split_channels(x.channels, count),
            split_channels(self.out_channels or x.channels, count),
            strict=True,
        )
        return {
            f"k{k}_{index}" if self.kernel_size.count(k) > 1 else f"k{k}": (
                x.with_channels(share),
                Conv(
                    out_channels=outputs,
                    kernel_size=(k,) * x.rank,
                    stride=self.stride,
                    padding=self.padding,
                    dilation=self.dilation,
                    groups=share if self.depthwise else 1,
                    bias=self.bias,
                ),
            )
            for index, (k, share, outputs) in enumerate(shares)
        }


def split_channels(channels: int, count: int) -> tuple[int, ...]:
    """Channels of each of ``count`` groups: equal shares, and the rest to the first."""
    return (first_share(channels, count), *(share(channels, count),) * (count - 1))


@formula
def first_share(channels: int, count: int) -> int:
    """The channels that the other equal shares leave."""
    return channels - channels // count * (count - 1)
