"""Stacks of dilated windows: whether they leave holes, and which dilations leave none.

A stack reads the sums of one tap of each layer: sums of arithmetic progressions with the
effective step e = dilation · jump and k terms. Sorted by step, the sum is without holes exactly
if e_1 = 1 and every further e_i is at most R_{i-1}, the size that the layers before reach: with
e <= R the copies of [0, R - 1] at 0, e, 2e, … leave no gap, and with e > R the value R cannot be
formed, since all other steps are larger still. The order of the layers does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from math import prod
from typing import NamedTuple

from convcalc.analysis.receptive_field.domains import Paths


class Window(NamedTuple):
    """One layer of a stack: its taps, and how far they are apart on the input."""

    step: int
    kernel_size: int


def stack_windows(
    kernel_sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[Window]:
    """The windows of layers in a row; a step is the dilation times the strides before."""
    found, jump = [], 1
    for k, s, d in zip(kernel_sizes, strides, dilations, strict=True):
        found.append(Window(d * jump, k))
        jump *= s
    return found


def field_size(windows: Sequence[Window]) -> int:
    """The size of the receptive field of a stack: 1 + the sum of (k - 1)·e."""
    return 1 + sum((k - 1) * step for step, k in windows)


def gap(windows: Sequence[Window]) -> Window | None:
    """The first window, by step, that leaves holes, since its step is larger than what those
    with smaller steps reach; None if the stack has no holes."""
    ordered = sorted(window for window in windows if window.kernel_size > 1)
    size = 1
    for window in ordered:
        if window.step > size:
            return window
        size += (window.kernel_size - 1) * window.step
    return None


def hdc(dilations: Sequence[int]) -> int:
    """M_2 of the rule of hybrid dilated convolution, which wants it to be at most k.

    M_i = max(M_{i+1} - 2·r_i, 2·r_i - M_{i+1}, r_i) with M_n = r_n (Wang et al., "Understanding
    convolution for semantic segmentation", arXiv 1702.08502, equation 2). The rule takes r_1 = 1
    and k = 3 for granted and depends on the order: it passes [2, 2, 2], which leaves holes, and
    fails [1, 5, 2], which does not. :func:`gap` is exact.
    """
    most = dilations[-1]
    for rate in reversed(dilations[1:-1]):
        most = max(most - 2 * rate, 2 * rate - most, rate)
    return most


def path_counts(windows: Sequence[Window]) -> list[int]:
    """How many paths lead to each position of the receptive field, from the first to the last."""
    kind = Paths(-(-(prod(k for _, k in windows)).bit_length() // 8) * 8)
    seen = kind.start
    for step, k in windows:
        seen = kind.window(seen, step, k)
    return kind.counts(seen)


def evenness(counts: Sequence[int]) -> Fraction:
    """The mean count divided by the largest: 1 if all positions have equally many paths."""
    return Fraction(sum(counts), len(counts) * max(counts))


# --- suggestions -------------------------------------------------------------------------------


class Suggestion(NamedTuple):
    """A stack without holes: its dilations, its size and how evenly its paths are spread."""

    dilations: tuple[int, ...]
    size: int
    evenness: Fraction
    least_paths: int
    most_paths: int


MOST_TRIED = 2000  # stacks of one size that are compared


def suggestions(
    kernel_size: int, layers: int, least: int, most: int | None = None, largest: int | None = None
) -> Iterator[Suggestion]:
    """Stacks of that many layers without holes that reach a size, the smallest first.

    Sizes go from ``least`` to ``most``, which is as far as such a stack can reach if not given;
    no dilation is above ``largest``. Of one size, stacks whose paths are spread more evenly
    come first; at most MOST_TRIED of a size are compared.
    """
    reach = kernel_size**layers  # the largest admissible dilation is always the size so far
    most = reach if most is None else min(most, reach)
    unit = kernel_size - 1
    for total in range(max(layers, -(-(least - 1) // unit)), (most - 1) // unit + 1):
        found = islice(_stacks(kernel_size, layers, total, largest or total), MOST_TRIED)
        yield from sorted(
            (_suggestion(kernel_size, stack) for stack in found),
            key=lambda each: (-each.evenness, each.dilations),
        )


def _suggestion(kernel_size: int, dilations: tuple[int, ...]) -> Suggestion:
    counts = path_counts([Window(d, kernel_size) for d in dilations])
    return Suggestion(dilations, len(counts), evenness(counts), min(counts), max(counts))


def _stacks(
    kernel_size: int, layers: int, total: int, largest: int, before: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """Dilations in ascending order that add up to ``total``, each at most the size so far."""
    if not layers:
        if not total:
            yield before
        return
    size = 1 + (kernel_size - 1) * sum(before)
    lowest = before[-1] if before else 1
    for rate in range(lowest, min(size, largest, total // layers) + 1):
        if _can_reach(
            kernel_size, layers - 1, total - rate, size + (kernel_size - 1) * rate, largest
        ):
            yield from _stacks(kernel_size, layers - 1, total - rate, largest, (*before, rate))


def _can_reach(kernel_size: int, layers: int, total: int, size: int, largest: int) -> bool:
    """Whether that many further layers can add up to ``total`` if each grows as it may."""
    return largest_size(kernel_size, layers, largest, size) >= size + (kernel_size - 1) * total


def largest_size(kernel_size: int, layers: int, largest: int | None = None, size: int = 1) -> int:
    """The largest size that layers without holes reach beyond ``size``: each dilation is at most
    the size so far, and ``largest``."""
    for _ in range(layers):
        rate = size if largest is None else min(size, largest)
        size += (kernel_size - 1) * rate
    return size
