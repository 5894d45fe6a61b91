"""What the words mean, by brute force: lists, sets and loops instead of formulas.

Everything here is written from the definitions and imports nothing from convcalc, so that a
formula and its test cannot share a mistake. Positions of one axis count from 0; positions
below 0 and from ``size`` on are padding. Only small sizes are meant: these loops are slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import count, product

Taps = Callable[[int], Iterable[int]]  # output position -> the input positions that it reads
Sides = tuple[int, int]  # padding: before, after

# --- windows that slide ----------------------------------------------------------------------


def window(start: int, kernel_size: int, dilation: int = 1) -> list[int]:
    """The positions of a window: every tap is ``dilation`` beyond the one before."""
    taps = [start]
    while len(taps) < kernel_size:
        taps.append(taps[-1] + dilation)
    return taps


def window_starts(
    size: int,
    sides: Sides,
    kernel_size: int,
    stride: int = 1,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> list[int]:
    """Where the windows start, from the first position of the padding until one does not fit.

    With ``ceil_mode`` one more is placed if positions remain behind the last that fits, so that
    it hangs over the end; but it must start inside the input or the padding before it.
    """
    before, after = sides
    end = size + after  # the first position that is neither input nor padding
    starts = []
    for start in count(-before, stride):
        beyond = window(start, kernel_size, dilation)[-1] - (end - 1)
        if beyond <= 0 or (ceil_mode and beyond < stride and start < size):
            starts.append(start)
        else:
            return starts
    raise AssertionError("count never ends")


def slide_taps(
    sides: Sides, kernel_size: int, stride: int = 1, dilation: int = 1
) -> Callable[[int], list[int]]:
    """The positions that output ``y`` reads, the padding included."""
    return lambda y: window(-sides[0] + stride * y, kernel_size, dilation)


# --- padding in words ------------------------------------------------------------------------


def same_sides(size: int, kernel_size: int, stride: int = 1, dilation: int = 1) -> Sides:
    """TensorFlow's: the least padding with one output per ``stride`` input positions begun.

    It is split evenly; what is left over goes after.
    """
    wanted = len(range(0, size, stride))
    for total in count():
        sides = (total // 2, total - total // 2)
        if len(window_starts(size, sides, kernel_size, stride, dilation)) == wanted:
            return sides
    raise AssertionError("count never ends")


def half_sides(kernel_size: int, dilation: int = 1) -> Sides:
    """Half of the positions from the first tap to the last, rounded down, on each side."""
    spanned = window(0, kernel_size, dilation)[-1] + 1
    return spanned // 2, spanned // 2


def causal_sides(kernel_size: int, stride: int = 1, dilation: int = 1) -> Sides:
    """Just enough before the input that no output reads beyond its own position."""
    for before in count():
        if max(slide_taps((before, 0), kernel_size, stride, dilation)(0)) == 0:
            return before, 0
    raise AssertionError("count never ends")


# --- kernels that are stamped ----------------------------------------------------------------


def stamped(
    size: int,
    sides: Sides,
    kernel_size: int,
    stride: int = 1,
    dilation: int = 1,
    output_padding: int = 0,
) -> list[list[int]]:
    """The input positions behind each output of a transposed convolution, by stamping.

    Every input position stamps the kernel onto a strip, ``stride`` apart; output padding makes
    the strip longer; then the padding is cut off both ends.
    """
    prints = [window(stride * i, kernel_size, dilation) for i in range(size)]
    strip: list[list[int]] = [[] for _ in range(max(map(max, prints)) + 1 + output_padding)]
    for i, marks in enumerate(prints):
        for at in marks:
            strip[at].append(i)
    return strip[sides[0] : max(sides[0], len(strip) - sides[1])]


def unslid_size(
    size: int, sides: Sides, kernel_size: int, stride: int = 1, dilation: int = 1
) -> int:
    """The smallest size from which the convolution makes ``size`` positions."""
    for candidate in count(1):
        if len(window_starts(candidate, sides, kernel_size, stride, dilation)) == size:
            return candidate
    raise AssertionError("count never ends")


# --- pooling into parts, and interpolation -----------------------------------------------------


def part(y: int, size: int, parts: int) -> list[int]:
    """Adaptive pooling: the positions that the y-th of ``parts`` equal parts overlaps.

    Position i covers the stretch from i to i + 1, the part that from y·n/m to (y + 1)·n/m.
    """
    low, high = Fraction(y * size, parts), Fraction((y + 1) * size, parts)
    return [i for i in range(size) if i < high and i + 1 > low]


def place(y: int, size: int, outputs: int, corners: bool = False) -> Fraction:
    """Where output y lies among the input positions, as a real number.

    With ``corners`` the first and the last outputs lie on the first and the last inputs;
    otherwise inputs and outputs are cells that cover the same stretch, and y is a centre.
    """
    if corners:
        return Fraction(y * (size - 1), outputs - 1) if outputs > 1 else Fraction(0)
    return (y + Fraction(1, 2)) * Fraction(size, outputs) - Fraction(1, 2)


def linear_weight(distance: Fraction) -> Fraction:
    """The weight of a position in linear interpolation."""
    return max(1 - abs(distance), Fraction(0))


def cubic_weight(distance: Fraction) -> Fraction:
    """Keys' cubic with a = -3/4, as PyTorch has it."""
    a, x = Fraction(-3, 4), abs(distance)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else Fraction(0)


def resize_taps(mode: str, y: int, at: Fraction, step: Fraction) -> list[int]:
    """The positions of non-zero weight for output y, which lies ``at`` a real position.

    ``nearest`` takes the position in whose cell the output's cell begins.
    """
    if mode == "nearest":
        begin = y * step
        return [i for i in _around(begin) if i <= begin < i + 1]
    weight = {"linear": linear_weight, "cubic": cubic_weight}[mode]
    return [i for i in _around(at) if weight(at - i)]


def _around(at: Fraction) -> range:
    return range(round(at) - 4, round(at) + 5)


# --- counting --------------------------------------------------------------------------------


def positions(spatial: Sequence[int]) -> list[tuple[int, ...]]:
    """All positions of a tensor with these sizes."""
    return list(product(*(range(n) for n in spatial)))


def group_of(channel: int, channels: int, groups: int) -> int:
    """The group of a channel: groups are equal stretches of neighbouring channels."""
    lengths = [channels // groups] * groups
    for group, length in enumerate(lengths):
        if channel < length:
            return group
        channel -= length
    raise ValueError("the groups do not divide the channels")


def connected(in_channels: int, out_channels: int, groups: int) -> list[tuple[int, int]]:
    """The pairs of an output and an input channel that belong to the same group."""
    return [
        (o, i)
        for o in range(out_channels)
        for i in range(in_channels)
        if group_of(o, out_channels, groups) == group_of(i, in_channels, groups)
    ]


def weight_indices(
    in_channels: int, out_channels: int, kernel_size: Sequence[int], groups: int = 1
) -> set[tuple[int, ...]]:
    """One entry per number that a convolution learns: output channel, input channel, tap."""
    return {
        (o, i, *tap)
        for o, i in connected(in_channels, out_channels, groups)
        for tap in positions(kernel_size)
    }


def multiplications(
    batch: int,
    placements: Sequence[int],
    in_channels: int,
    out_channels: int,
    kernel_size: Sequence[int],
    groups: int = 1,
) -> int:
    """Multiplications of an input value with a weight, one by one.

    ``placements`` are the spatial sizes of what the kernel is laid upon: the output's positions
    for a window that slides, the input's for a kernel that is stamped. Zeros in the padding
    are multiplied like any other value.
    """
    done = 0
    for _sample in range(batch):
        for _at in positions(placements):
            for _output, _input in connected(in_channels, out_channels, groups):
                for _tap in positions(kernel_size):
                    done += 1
    return done


# --- receptive fields ------------------------------------------------------------------------

Graph = Mapping[str, Sequence[tuple[str, Taps]]]  # node -> the nodes that it reads, and how


def seen(graph: Graph, node: str, y: int) -> dict[str, set[int]]:
    """The positions of every network input that position ``y`` of a node depends on.

    A network input is a name that is no node of the graph. Padding is seen like the input;
    to leave it out, let the taps leave it out.
    """
    at = {node: {y}}
    for name in reversed(list(_upstream(graph, node))):
        for source, taps in graph.get(name, ()):
            read = {t for position in at[name] for t in taps(position)}
            at.setdefault(source, set()).update(read)
    return {name: read for name, read in at.items() if name not in graph}


def _upstream(graph: Graph, node: str) -> Iterator[str]:
    """All that a node depends on, and itself: sources first."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for source, _ in graph.get(name, ()):
            visit(source)
        done[name] = None

    visit(node)
    return iter(done)
