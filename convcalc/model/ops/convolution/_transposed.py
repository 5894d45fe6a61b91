"""The realisations of a transposed convolution: the same output, by different work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

from convcalc.model.geometry.sizes import extent
from convcalc.model.operators.work import sliding_macs, stamping_macs
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known


class Stamping(NamedTuple):
    """One transposed convolution: what it reads, makes and stores; ``before`` is the padding."""

    x: Shape
    output: Shape
    weight: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps per axis."""
        return self.weight[2:]


Work = tuple[int, Mapping[str, Any]]  # MACs, and further numbers by name


def scatter(layer: Stamping) -> Work:
    """Every input position multiplies every tap once."""
    return stamping_macs(layer.x.batch, layer.x.spatial, layer.weight), {}


# --- zeros between the inputs ----------------------------------------------------------------


def zero_insertion(layer: Stamping) -> Work:
    """A convolution of stride 1 over the stretched input; the zeros are multiplied too."""
    stretched = tuple(map(stretched_size, layer.x.spatial, layer.stride))
    return (
        sliding_macs(layer.x.batch, layer.output.spatial, layer.weight),
        {"stretched_input": (layer.x.channels, *stretched)},
    )


@formula
def stretched_size(size: int, stride: int) -> int:
    """(n - 1)·s + 1 positions, with s - 1 zeros between neighbours."""
    return (size - 1) * stride + 1


# --- one convolution per phase of the output ---------------------------------------------------


def subpixel(layer: Stamping) -> Work:
    """A convolution of stride 1 with prod(s) times the channels, then a pixel shuffle."""
    extents = map(extent, layer.kernel_size, layer.dilation)
    taps = tuple(map(phase_taps, extents, layer.stride))
    channels = phase_channels(layer.output.channels, layer.stride)
    inputs = connected_inputs(layer.weight[1], layer.x.channels, layer.output.channels)
    weight = (channels, inputs, *taps)
    spatial = tuple(map(full_size, layer.x.spatial, taps))
    return (
        sliding_macs(layer.x.batch, spatial, weight),
        {
            "convolution_weight": weight,
            "convolution_output": (channels, *spatial),
            "padded_params": prod(weight),
        },
    )


@formula
def phase_channels(out_channels: int, stride: tuple[int, ...]) -> int:
    """One channel per phase of each output channel."""
    return out_channels * prod(stride)


@formula
def connected_inputs(group_outputs: int, in_channels: int, out_channels: int) -> int:
    """Input channels that an output channel sees: in_channels / groups."""
    return group_outputs * in_channels // out_channels


@formula
def full_size(size: int, taps: int) -> int:
    """Output size of a window with padding m - 1 on each side: n + m - 1."""
    return size + taps - 1


@formula
def phase_taps(extent: int, stride: int) -> int:
    """Taps of each phase: ceil(extent / s), the kernel padded with zeros to a multiple of s."""
    return -(-extent // stride)


# --- a matrix ------------------------------------------------------------------------------------


def matrix(layer: Stamping) -> Work:
    """The product of a sparse matrix and the input; stamps that padding cuts off are not a part."""
    x, output = layer.x, layer.output
    rows, columns = output.channels * output.positions, x.channels * x.positions
    pairs = prod(layer.weight[:2])  # of an input and an output channel that are connected
    landed = tuple(map(landings, *_per_axis(layer)))
    nonzeros = pairs * prod(landed)
    return (
        matrix_macs(x.batch, layer.weight[:2], landed),
        {
            "matrix": (rows, columns),
            "matrix_nonzeros": nonzeros,
            "convolution_matrix": (columns, rows),
            "convolution_nonzeros": nonzeros,
            "dense_macs": x.batch * rows * columns,
        },
    )


@formula
def matrix_macs(batch: int, connected: tuple[int, ...], landings: tuple[int, ...]) -> int:
    """The non-zeros of the matrix: pairs of channels, and of input positions and taps whose
    stamp lands in the output, counted along each axis."""
    return batch * prod(connected) * prod(landings)


def _per_axis(layer: Stamping) -> Iterable[tuple[int, ...]]:
    sizes = (layer.x.spatial, layer.output.spatial)
    return (*sizes, layer.kernel_size, layer.stride, layer.before, layer.dilation)


def landings(
    size: int, out_size: int, kernel_size: int, stride: int, before: int, dilation: int
) -> int:
    """Pairs of an input position i and a tap t whose stamp s·i + d·t - p lands in the output."""
    if not known((size, out_size)):
        return UNKNOWN
    window = (size, kernel_size, stride, dilation)
    return _stamps_below(before + out_size, *window) - _stamps_below(before, *window)


def _stamps_below(limit: int, size: int, kernel_size: int, stride: int, dilation: int) -> int:
    """Pairs i < n, t < k with s·i + d·t < limit; no loop over either, which may be large."""
    most = limit - 1
    if most < 0:
        return 0
    taps = min(kernel_size, most // dilation + 1)  # that land below at all
    whole = max(0, min(taps, (most - stride * (size - 1)) // dilation + 1))  # from every position
    rest = taps - whole
    nearest = most - dilation * (taps - 1)
    return whole * size + rest + floor_sum(rest, dilation, nearest, stride)


def floor_sum(count: int, step: int, start: int, divisor: int) -> int:
    """The sum of floor((start + step·j) / divisor) over j < count, as Euclid divides."""
    total = 0
    while count > 0:
        total += count * (start // divisor) + count * (count - 1) // 2 * (step // divisor)
        step, start = step % divisor, start % divisor
        last = step * count + start  # from here on count the lattice points column by column
        count, start, step, divisor = last // divisor, last % divisor, divisor, step
    return total


REALISATIONS: Mapping[str, Callable[[Stamping], Work]] = {
    "scatter": scatter,
    "zero_insertion": zero_insertion,
    "subpixel": subpixel,
    "matrix": matrix,
}
