"""Algorithms that compute a convolution, with the multiplications and buffers of each."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from convcalc.analysis.costs.minimal_filtering import algorithm, nested_additions, nested_scalings
from convcalc.model.geometry.sizes import extent
from convcalc.model.quantities.unknown import UNKNOWN, known

LARGEST_TILE = 32  # inputs per axis of a Winograd tile; long before, rounding eats the result


class Transform(NamedTuple):
    """A transform: what it transforms, how many times, and the arithmetic of each time."""

    name: str
    times: int
    additions: int
    multiplications: int


class Cost(NamedTuple):
    """The cost of one algorithm; multiplications are None if it does not apply, see ``remark``."""

    model: str
    multiplications: int | None
    buffers: Mapping[str, int] = {}
    transforms: tuple[Transform, ...] = ()
    facts: Mapping[str, Any] = {}
    remark: str = ""


class Layer(NamedTuple):
    """The sizes of a convolution; ``spatial`` is that of the output."""

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    in_spatial: tuple[int, ...]
    spatial: tuple[int, ...]  # of the output

    @property
    def pairs(self) -> int:
        """Connected pairs of an input and an output channel."""
        return self.in_channels * self.out_channels // self.groups

    @property
    def multiplications(self) -> int:
        """Multiplications by the definition."""
        return self.batch * self.pairs * prod(self.kernel_size) * prod(self.spatial)


# --- by the definition -----------------------------------------------------------------------


def direct(layer: Layer) -> Cost:
    """The cost of the definition: every tap of every window."""
    return Cost("direct", layer.multiplications)


def im2col(layer: Layer) -> Cost:
    """The cost of one matrix product per group."""
    taps, positions = prod(layer.kernel_size), prod(layer.spatial)
    sizes = {
        "products": layer.groups,
        "M": layer.out_channels // layer.groups,
        "K": layer.in_channels // layer.groups * taps,
        "N": positions,
    }
    copied = (
        any(size > 1 for size in (*layer.kernel_size, *layer.stride))
        or layer.spatial != layer.in_spatial
    )
    buffers = {"columns": layer.in_channels * taps * positions} if copied else {}
    return Cost("im2col", layer.multiplications, buffers, facts=sizes)


# --- by transforms -----------------------------------------------------------------------------


def winograd(layer: Layer, m: int) -> Cost:
    """The cost by tiles of m outputs per axis, from m + r - 1 inputs by as many products."""
    kernel = layer.kernel_size
    model = f"winograd F({_power(m, kernel)}, {'×'.join(map(str, kernel))})"
    for name, values in (("stride", layer.stride), ("dilation", layer.dilation)):
        if any(value != 1 for value in values):
            return Cost(model, None, remark=f"{name} {max(values)}; only for {name} 1")
    if layer.groups != 1:
        return Cost(model, None, remark=f"{layer.groups} groups; only for 1")
    if all(k == 1 for k in kernel):
        return Cost(model, None, remark="kernel_size 1 has no taps to save")
    tile = tuple(m + r - 1 for r in kernel)
    if max(tile) > LARGEST_TILE:
        return Cost(model, None, remark=f"a tile of {max(tile)}; at most {LARGEST_TILE}")
    tiles = tuple(-(-n // m) for n in layer.spatial)
    places, elements = prod(tiles), prod(tile)
    steps = [algorithm(m, r) for r in kernel]
    images = layer.batch * places
    counts = {
        "input": (layer.in_channels * images, [step.data for step in steps]),
        "kernel": (layer.pairs, [step.kernel for step in steps]),
        "output": (layer.out_channels * images, [step.result for step in steps]),
    }
    return Cost(
        model,
        images * elements * layer.pairs,
        {
            "input": elements * layer.in_channels * places,
            "kernel": elements * layer.pairs,
            "output": elements * layer.out_channels * places,
        },
        tuple(
            Transform(name, count, nested_additions(matrices), nested_scalings(matrices))
            for name, (count, matrices) in counts.items()
        ),
        {"tile": tile, "tiles": tiles},
    )


def _power(m: int, kernel: tuple[int, ...]) -> str:
    return "×".join([str(m)] * len(kernel))


def fft(layer: Layer) -> Cost:
    """The cost by products of spectra; every image and kernel is transformed once."""
    extents = map(extent, layer.kernel_size, layer.dilation)
    sizes = tuple(
        power_of_two((n - 1) * s + e)
        for n, s, e in zip(layer.spatial, layer.stride, extents, strict=True)
    )
    bins = spectrum(sizes)
    products = layer.batch * layer.pairs * bins
    # A butterfly is a complex product (4 products, 2 sums) and two complex sums (4 sums).
    butterflies = prod(sizes) * sum(map(_log2, sizes)) // 2
    arithmetic = (6 * butterflies, 4 * butterflies)
    kept = any(s > 1 for s in layer.stride)
    return Cost(
        "fft",
        4 * products,
        {
            "input": 2 * bins * layer.in_channels,
            "kernel": 2 * bins * layer.pairs,
            "output": 2 * bins * layer.out_channels,
        },
        (
            Transform("input", layer.batch * layer.in_channels, *arithmetic),
            Transform("kernel", layer.pairs, *arithmetic),
            Transform("output", layer.batch * layer.out_channels, *arithmetic),
        ),
        {"size": sizes, "complex_products": products},
        f"all positions are computed, one in {prod(layer.stride)} is kept" if kept else "",
    )


def power_of_two(size: int) -> int:
    """The least power of two that is not below ``size``."""
    return 1 << (size - 1).bit_length() if known(size) else UNKNOWN


def spectrum(sizes: tuple[int, ...]) -> int:
    """Frequencies of a real image that are not the conjugate of another: N·(N/2 + 1)."""
    *others, last = sizes
    return prod(others) * (last // 2 + 1)


def _log2(size: int) -> int:
    return size.bit_length() - 1 if known(size) else UNKNOWN
