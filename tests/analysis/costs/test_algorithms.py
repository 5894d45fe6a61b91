"""The ways of computing a convolution, each really done on a small image and counted."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import oracle
import pytest
from kernels import Image, by_name, conv

from convcalc.analysis.costs.minimal_filtering import Matrix, additions, algorithm, scalings
from convcalc.model.quantities.shape import Shape

# --- the definition ------------------------------------------------------------------------------


def padded(image: Image, padding: int) -> Callable[..., Any]:
    """The image with zeros around it, by channel and padded position."""
    return lambda channel, *at: image.get((channel, *(i - padding for i in at)), 0)


def filled(channels: Sequence[int], sizes: Sequence[int], seed: int) -> Image:
    """An image, or kernels, of small integers."""
    rng = Random(seed)
    return {
        (*c, *at): rng.randint(-9, 9)
        for c in product(*map(range, channels))
        for at in product(*map(range, sizes))
    }


def output_positions(n: Sequence[int], k: Sequence[int], p: int) -> list[tuple[int, ...]]:
    """Where a kernel fits."""
    starts = (oracle.window_starts(size, (p, p), taps) for size, taps in zip(n, k, strict=True))
    return list(product(*(range(len(s)) for s in starts)))


def convolved(image: Image, kernels: Image, shape: Sequence[int], k: Sequence[int], p: int) -> Any:
    """By the definition: outputs by (out channel, *position), and multiplications."""
    out, channels, *n = shape
    read, done = padded(image, p), 0
    result: Image = {}
    for o, at in product(range(out), output_positions(n, k, p)):
        result[(o, *at)] = 0
        for c, tap in product(range(channels), product(*map(range, k))):
            position = (y + t for y, t in zip(at, tap, strict=True))
            result[(o, *at)] += read(c, *position) * kernels[(o, c, *tap)]
            done += 1
    return result, done


SMALL = [  # out, in, sizes; kernel; padding
    ((2, 3, 5, 7), (3, 3), 1),
    ((3, 2, 4, 4), (3, 3), 0),
    ((2, 2, 5, 6), (2, 5), 1),
    ((1, 2, 4, 5), (1, 3), 0),
    ((2, 2, 9), (4,), 2),
    ((1, 2, 3, 4, 3), (2, 3, 2), 1),
]


@pytest.mark.parametrize(("shape", "k", "p"), SMALL)
def test_direct_is_the_definition(shape: Sequence[int], k: Sequence[int], p: int) -> None:
    out, channels, *n = shape
    image, kernels = filled([channels], n, 1), filled([out, channels], k, 2)
    _, done = convolved(image, kernels, shape, k, p)
    x = Shape(3, channels, tuple(n))
    assert by_name(conv(out, k, padding=p), x, "direct").multiplications == 3 * done


@pytest.mark.parametrize(("shape", "k", "p"), SMALL)
def test_im2col_is_a_product_of_two_matrices(
    shape: Sequence[int], k: Sequence[int], p: int
) -> None:
    out, channels, *n = shape
    image, kernels = filled([channels], n, 1), filled([out, channels], k, 2)
    places, read = output_positions(n, k, p), padded(image, p)
    lines = [(c, *tap) for c in range(channels) for tap in product(*map(range, k))]
    columns = [
        [read(c, *(y + t for y, t in zip(at, tap, strict=True))) for at in places]
        for c, *tap in lines
    ]
    done, result = 0, {}
    for o in range(out):
        for index, at in enumerate(places):
            result[(o, *at)] = sum(
                kernels[(o, *line)] * column[index]
                for line, column in zip(lines, columns, strict=True)
            )
            done += len(lines)
    expected, _ = convolved(image, kernels, shape, k, p)
    assert result == expected
    cost = by_name(conv(out, k, padding=p), Shape(1, channels, tuple(n)), "im2col")
    assert cost.multiplications == done
    assert cost.buffers == {"columns": sum(map(len, columns))}
    sizes = {"products": 1, "M": out, "K": len(columns), "N": len(columns[0])}
    assert cost.facts == sizes


# --- Winograd ----------------------------------------------------------------------------------


def lavin_gray(d: Sequence[Any], g: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """F(2, 3) as it stands in Lavin & Gray, equation 5: its outputs and its four products."""
    half = Fraction(1, 2)
    m = [
        (d[0] - d[2]) * g[0],
        (d[1] + d[2]) * ((g[0] + g[1] + g[2]) * half),
        (d[2] - d[1]) * ((g[0] - g[1] + g[2]) * half),
        (d[1] - d[3]) * g[2],
    ]
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]], m


def test_f_2_3_written_out_on_an_image_with_an_edge_tile() -> None:
    """One axis of 7 outputs: four tiles, the last of which hangs over the edge."""
    n, k = 9, (3,)
    image, kernels = filled([2], [n], 3), filled([3, 2], k, 4)
    expected, _ = convolved(image, kernels, (3, 2, n), k, 0)
    places = len(output_positions([n], k, 0))
    result: Image = {}
    done = 0
    for o, start in product(range(3), range(0, places, 2)):
        for c in range(2):
            d = [image.get((c, start + t), 0) for t in range(4)]
            outputs, products = lavin_gray(d, [kernels[(o, c, t)] for t in range(3)])
            done += len(products)
            for t, value in enumerate(outputs):
                result[(o, start + t)] = result.get((o, start + t), 0) + value
    assert {at: value for at, value in result.items() if at[1] < places} == expected
    assert by_name(conv(3, k), Shape(1, 2, (n,)), "winograd2").multiplications == done


def times(matrix: Matrix, vector: Sequence[Any], tally: list[int]) -> list[Any]:
    """A matrix by a vector; counts the additions and the products with constants."""
    result = []
    for row in matrix:
        parts = [e if a == 1 else -e if a == -1 else a * e for a, e in zip(row, vector) if a]  # noqa: B905
        tally[0] += len(parts) - 1
        tally[1] += sum(a not in (0, 1, -1) for a in row)
        result.append(sum(parts))
    return result


def nested(matrices: Sequence[Matrix], tile: Image, tally: list[int]) -> Image:
    """A matrix along each axis of a tile."""
    for axis, matrix in enumerate(matrices):
        lines = {(at[:axis], at[axis + 1 :]) for at in tile}
        made: Image = {}
        for before, behind in sorted(lines):
            line = [tile[(*before, i, *behind)] for i in range(len(matrix[0]))]
            for i, value in enumerate(times(matrix, line, tally)):
                made[(*before, i, *behind)] = value
        tile = made
    return tile


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize(("shape", "k", "p"), SMALL)
def test_winograd_gives_the_convolution_by_as_many_products(
    shape: Sequence[int], k: Sequence[int], p: int, m: int
) -> None:
    out, channels, *n = shape
    image, kernels = filled([channels], n, 5), filled([out, channels], k, 6)
    expected, _ = convolved(image, kernels, shape, k, p)
    places, read = output_positions(n, k, p), padded(image, p)
    last = places[-1]
    steps = [algorithm(m, r) for r in k]
    starts = list(product(*(range(0, end + 1, m) for end in last)))
    tile = list(product(*(range(m + r - 1) for r in k)))
    tallies = {name: [0, 0] for name in ("input", "kernel", "output")}
    data = {
        (c, start): nested(
            [step.data for step in steps],
            {at: read(c, *(s + t for s, t in zip(start, at, strict=True))) for at in tile},
            tallies["input"],
        )
        for c, start in product(range(channels), starts)
    }
    spectra = {
        (o, c): nested(
            [step.kernel for step in steps],
            {tap: kernels[(o, c, *tap)] for tap in product(*map(range, k))},
            tallies["kernel"],
        )
        for o, c in product(range(out), range(channels))
    }
    done, result = 0, {}
    for o, start in product(range(out), starts):
        sums: Image = dict.fromkeys(tile, 0)
        for c, at in product(range(channels), tile):
            sums[at] += data[c, start][at] * spectra[o, c][at]
            done += 1
        outputs = nested([step.result for step in steps], sums, tallies["output"])
        for at, value in outputs.items():
            position = tuple(s + t for s, t in zip(start, at, strict=True))
            if position in places:
                result[(o, *position)] = value
    assert result == expected

    cost = by_name(conv(out, k, padding=p), Shape(1, channels, tuple(n)), f"winograd{m}")
    assert cost.multiplications == done
    assert cost.buffers == {
        "input": sum(map(len, data.values())),
        "kernel": sum(map(len, spectra.values())),
        "output": out * len(starts) * len(tile),
    }
    counted = {
        t.name: [t.times * t.additions, t.times * t.multiplications] for t in cost.transforms
    }
    assert counted == tallies


@pytest.mark.parametrize(("m", "r"), [(2, 3), (3, 2), (4, 3), (6, 3), (5, 4), (2, 7), (9, 8)])
def test_the_matrices_filter_exactly(m: int, r: int) -> None:
    step = algorithm(m, r)
    rng = Random(m * 10 + r)
    d = [rng.randint(-99, 99) for _ in range(m + r - 1)]
    g = [rng.randint(-99, 99) for _ in range(r)]
    unused = [0, 0]
    spectrum = times(step.kernel, g, unused)
    products = [a * b for a, b in zip(times(step.data, d, unused), spectrum, strict=True)]
    outputs = [sum(d[y + t] * g[t] for t in range(r)) for y in range(m)]
    assert times(step.result, products, unused) == outputs


def test_integer_points_make_integer_transforms_of_data_and_result() -> None:
    step = algorithm(4, 3)
    entries = [entry for matrix in (step.data, step.result) for row in matrix for entry in row]
    assert all(entry.denominator == 1 for entry in entries)
    assert (additions(algorithm(2, 3).data), scalings(algorithm(2, 3).data)) == (4, 0)


# --- FFT -----------------------------------------------------------------------------------------


def transformed(image: Callable[..., Any], channel: tuple[int, ...], n: int) -> Image:
    """The transform in 2-D by its definition, of the frequencies that a real image needs."""
    turn = [cmath.exp(-2j * cmath.pi * i / n) for i in range(n)]
    return {
        (u, v): sum(
            image(*channel, y, x) * turn[u * y % n] * turn[v * x % n]
            for y, x in product(range(n), repeat=2)
        )
        for u, v in product(range(n), range(n // 2 + 1))
    }


def back(spectrum: Image, n: int) -> Callable[[int, int], float]:
    """The image of half a spectrum: the other half is the conjugate."""
    turn = [cmath.exp(2j * cmath.pi * i / n) for i in range(n)]

    def full(u: int, v: int) -> complex:
        return spectrum[u, v] if v <= n // 2 else spectrum[-u % n, -v % n].conjugate()

    def pixel(y: int, x: int) -> float:
        total = sum(
            full(u, v) * turn[u * y % n] * turn[v * x % n] for u, v in product(range(n), repeat=2)
        )
        return (total / n**2).real

    return pixel


def test_fft_gives_the_convolution_by_products_of_half_spectra() -> None:
    shape, k, p, n = (2, 3, 6, 5), (3, 3), 1, 8
    out, channels, *sizes = shape
    image, kernels = filled([channels], sizes, 7), filled([out, channels], k, 8)
    read = padded(image, p)
    # The kernel is not turned round: its spectrum is the conjugate one.
    data = [transformed(read, (c,), n) for c in range(channels)]
    taps = {
        (o, c): transformed(lambda *at: kernels.get(at, 0), (o, c), n)
        for o, c in product(range(out), range(channels))
    }
    expected, _ = convolved(image, kernels, shape, k, p)
    done = 0
    for o in range(out):
        sums: Image = dict.fromkeys(data[0], 0j)
        for c, at in product(range(channels), list(sums)):
            sums[at] += data[c][at] * taps[o, c][at].conjugate()
            done += 1
        pixel = back(sums, n)
        for at in output_positions(sizes, k, p):
            assert round(pixel(*at), 6) == expected[(o, *at)]
    cost = by_name(conv(out, k, padding=p), Shape(1, channels, tuple(sizes)), "fft")
    assert cost.facts == {"size": (n, n), "complex_products": done}
    assert cost.multiplications == 4 * done
    assert cost.buffers == {
        "input": 2 * sum(map(len, data)),
        "kernel": 2 * sum(map(len, taps.values())),
        "output": 2 * out * len(data[0]),
    }


def test_fft_needs_a_power_of_two_that_holds_every_window() -> None:
    for n, k, s, d in product(range(1, 40), (1, 2, 3, 5), (1, 2, 3), (1, 2)):
        starts = oracle.window_starts(n, (1, 1), k, s, d)
        if not starts:
            continue
        needed = oracle.window(starts[-1], k, d)[-1] - starts[0] + 1
        layer = conv(1, (k,), stride=(s,), dilation=(d,), padding=1)
        (size,) = by_name(layer, Shape(1, 1, (n,)), "fft").facts["size"]
        assert bin(size).count("1") == 1
        assert size / 2 < needed <= size


def test_a_strided_fft_computes_all_and_keeps_some() -> None:
    cost = by_name(conv(2, (3, 3), stride=(2, 2)), Shape(1, 2, (9, 9)), "fft")
    assert cost.remark == "all positions are computed, one in 4 is kept"
