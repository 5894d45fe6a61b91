"""Octave convolution: part of the channels, the low frequencies, at half the resolution.

    in:  high (Ch, n), and if there is a second input low (Cl, n / 2)
    out: high (Co - Lo, n / s), and the port ``low`` (Lo, n / 2s)     Lo = floor(alpha_out · Co)
    high_to_high = conv(pool s (high))         low_to_high = upsample 2/s (conv(low))
    high_to_low  = conv(pool 2s (high))        low_to_low  = conv(pool s (low))
    weights      = (outputs, inputs / groups, *kernel_size) of each path
    params       = (Ch + Cl)·Co·K, + Co if bias

s stride (1 or 2), K taps. The main output is the sum of the first row, ``low`` of the second.
Averages of 2s or s positions stand before the convolutions, rounding sizes up, and the stride
is nothing but this pooling; nearest upsampling stands behind the convolution, which so runs at
the low resolution. The convolutions themselves have stride 1. Each output has its bias once, on
its path from the high input.

With one input there are no paths from low (the first octave convolution of a network), with
alpha_out 0 none to low and no port (the last). Elementwise work: each pooling one per tap, each
sum and each bias one per element; nearest upsampling is a move.

Parameters are those of an ordinary convolution. With alpha_in = alpha_out = a its MACs shrink to
1 - 3/4·a·(2 - a): 0.824 for a = 0.125, 0.672 for 0.25, 0.4375 for 0.5, 0.297 for 0.75.

With groups = all input channels (depthwise) there is no exchange: only high_to_high and
low_to_low remain.

Common mistakes: a size that is odd cannot be halved and doubled again, so n must be even where
low_to_high exists, and the padding must keep the size (``half``). alpha_in is not a free choice:
the channels of the two inputs decide it; if stated it is checked. Unofficial versions pool after
the convolution or use strided convolutions; the MACs differ.

Source: Chen et al., "Drop an octave" (arXiv 1904.05049), section 3.2;
facebookresearch/OctConv, utils/gluon/utils/octconv.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor

from convcalc.model.geometry.axis_maps import Axes, Nothing
from convcalc.model.geometry.channel_maps import MIXED, ChannelMap
from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.composing import (
    analyse_chain,
    chain_problems,
    function,
    merge_analyses,
)
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    NOTHING,
    Analysis,
    Operator,
    Part,
    Port,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.pooling.avg_pool import AvgPool
from convcalc.model.ops.rearranging.upsample import Upsample
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape

BANDS = ("high", "low")
Path = tuple[str, str]  # source and target band


@operator
class OctaveConv(Operator):
    """A convolution at two resolutions; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)

    out_channels: int = fields.out_channels(doc="output channels, high and low together")
    kernel_size: tuple[int, ...] = fields.kernel_size()
    alpha_out: float = fields.number(
        "share of the output channels that are low", minimum=0, maximum=1
    )
    alpha_in: float | None = fields.number(
        "share of the input channels that are low; checked if given", None, minimum=0, maximum=1
    )
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias(False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Both outputs need channels, each path what its layers need, and sums equal sizes."""
        problems = [*self._own_problems(inputs), *_input_problems(inputs)]
        yield from problems
        if problems:
            return
        for (source, _), parts in self._paths(inputs).items():
            found = list(chain_problems(parts, inputs[BANDS.index(source)]))
            yield from found
            if any(problem.is_error for problem in found):
                return
        for target in self._targets():
            yield from _sum_problems(self._sources(self._analyses(inputs), target), target)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The paths, and their sums by target."""
        paths = self._analyses(inputs)
        steps: list[Analysis | Part] = []
        outputs: list[Port] = []
        for target in self._targets():
            parts = self._sources(paths, target)
            output = next(iter(parts.values())).output
            ends = [path.parts[-1].name for path in parts.values()]
            steps += parts.values()
            if len(parts) > 1:
                add = Term(f"{target}.add", ELEMENTWISE, output.numel)
                steps.append(
                    function(add.name, ends, output, add, keeps=NOTHING, in_place=True, passes=True)
                )
                ends = [add.name]
            maps = _channel_maps(parts, inputs)
            outputs.append(Port(output, _axes(parts, inputs), ends[0], maps))
        main, *low = outputs
        ports = dict(zip(("low",), low, strict=False))
        done = merge_analyses(main.output, main.axes, *steps, ports=ports, result=main.part)
        return done._replace(channels=main.channels)

    def _channels(self) -> dict[str, int]:
        """Output channels of each band; an alpha of 0.29 means 29/100."""
        low = low_channels(self.out_channels, Fraction(str(self.alpha_out)))
        return {"high": high_channels(self.out_channels, low), "low": low}

    def _targets(self) -> list[str]:
        return [band for band, channels in self._channels().items() if channels]

    def _is_depthwise(self, inputs: Sequence[Shape]) -> bool:
        return self.groups > 1 and self.groups == sum(x.channels for x in inputs)

    def _analyses(self, inputs: Sequence[Shape]) -> Mapping[Path, Analysis]:
        return {
            path: analyse_chain(parts, inputs[BANDS.index(path[0])], BANDS.index(path[0]))
            for path, parts in self._paths(inputs).items()
        }

    @staticmethod
    def _sources(paths: Mapping[Path, Analysis], target: str) -> Mapping[str, Analysis]:
        """By source, the paths that end at a target."""
        return {source: part for (source, end), part in paths.items() if end == target}

    def _paths(self, inputs: Sequence[Shape]) -> Mapping[Path, Mapping[str, Operator]]:
        """By source and target, the layers of each path that exists."""
        depthwise = self._is_depthwise(inputs)
        return {
            (source, target): self._layers(source, target, x.channels if depthwise else 0)
            for target in self._targets()
            for source, x in zip(BANDS, inputs, strict=False)
            if source == target or not depthwise
        }

    def _layers(self, source: str, target: str, depthwise: int) -> Mapping[str, Operator]:
        """Pooling, convolution, upsampling of one path; ``depthwise`` are its groups, if it is."""
        name = f"{source}_to_{target}"
        conv = Conv(
            out_channels=self._channels()[target],
            kernel_size=self.kernel_size,
            stride=(1,) * len(self.stride),
            padding=self.padding,
            dilation=self.dilation,
            groups=depthwise or self.groups,
            bias=self.bias and (source == "high" or depthwise > 0),
        )
        if name == "low_to_high":
            scale = tuple(Fraction(2, s) for s in self.stride)
            return {name: conv, f"{name}.upsample": Upsample(scale=scale, mode="nearest")}
        window = tuple(coarse_window(s) if source != target else s for s in self.stride)
        if all(w == 1 for w in window):
            return {name: conv}
        pool = AvgPool(kernel_size=window, stride=window, padding="valid", ceil_mode=True)
        return {f"{name}.pool": pool, name: conv}

    def _own_problems(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Yields problems of the fields, and of the inputs' channels."""
        channels = self._channels()
        if channels["high"] < 1 or (self.alpha_out > 0 and channels["low"] < 1):
            high, low = channels.values()
            message = f"alpha_out {self.alpha_out} gives {high} high and {low} low channels"
            yield Problem("out-of-range", "alpha_out", message, "a share that leaves some of both")
        if max(self.stride) > 2:
            message = f"stride is {max(self.stride)}, but must be 1 or 2"
            yield Problem("out-of-range", "stride", message)
        high, low = (x.channels for x in (*inputs, Shape(1, 0))[:2])
        if self.alpha_in is not None and int(Fraction(str(self.alpha_in)) * (high + low)) != low:
            message = f"alpha_in is {self.alpha_in}, but {low} of {high + low} channels are low"
            advice = "leave it out: the two inputs decide it"
            yield Problem("stated-differently", "alpha_in", message, advice)
        if self._is_depthwise(inputs) and list(channels.values()) != [high, low]:
            message = f"depthwise groups {self.groups} need as many outputs as inputs in each band"
            advice = f"{high} high and {low} low outputs"
            yield Problem("unsupported-combination", "groups", message, advice)


def _input_problems(inputs: Sequence[Shape]) -> Iterator[Problem]:
    """Both inputs must have the same batch and number of axes."""
    high = inputs[0]
    for low in inputs[1:]:
        if low.rank != high.rank or low.batch != high.batch:
            message = f"high is {high} in batches of {high.batch}, low {low} of {low.batch}"
            advice = "inputs of the same batch and number of axes"
            yield Problem("shape-mismatch", "", message, advice, 1)


def _sum_problems(parts: Mapping[str, Analysis], target: str) -> Iterator[Problem]:
    """Yields a problem if the tensors to be summed differ in size."""
    sizes = {source: part.output.spatial for source, part in parts.items()}
    if len(sizes) == 2 and any(n != m for n, m in zip(*sizes.values(), strict=True)):
        texts = ["×".join(map(str, size)) for size in sizes.values()]
        message = f"the output {target} is {texts[0]} from high, but {texts[1]} from low"
        advice = "padding: half, a high input of even size, and a low one half as large"
        yield Problem("shape-mismatch", "padding", message, advice, 1)


def _axes(parts: Mapping[str, Analysis], inputs: Sequence[Shape]) -> tuple[Axes, ...]:
    """How an output reads each input."""
    none = Nothing("the bands do not mix")
    return tuple(
        parts[band].axes[0] if band in parts else (none,) * x.rank
        for band, x in zip(BANDS, inputs, strict=False)
    )


def _channel_maps(parts: Mapping[str, Analysis], inputs: Sequence[Shape]) -> tuple[ChannelMap, ...]:
    """How the channels of an output read those of each input."""
    return tuple(
        parts[band].channels[0] if band in parts else MIXED
        for band, _ in zip(BANDS, inputs, strict=False)
    )


@formula
def low_channels(out_channels: int, alpha_out: Fraction) -> int:
    """Output channels at half the resolution, rounded down."""
    return floor(alpha_out * out_channels)


@formula
def high_channels(out_channels: int, low_channels: int) -> int:
    """The other output channels."""
    return out_channels - low_channels


@formula
def coarse_window(stride: int) -> int:
    """Positions that are averaged on the way to half the resolution."""
    return 2 * stride
