"""Draws numbers without putting them back: the k-th is a function of k, the count and a seed.

It is a permutation of the numbers below the count: a Feistel network on the two halves of their
bits (M. Luby and C. Rackoff, How to construct pseudorandom permutations, 1988), applied again as
long as it leads out of the numbers (J. Black and P. Rogaway, Ciphers with arbitrary finite
domains, 2002). The round function is the finalizer of SplitMix64 (G. Steele, D. Lea and C. Flood,
Fast splittable pseudorandom number generators, 2014).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcalc.analysis.sweeps.arrays import HAS_NUMPY, np

ROUNDS = 6
WORD = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
LARGEST = 2**128  # numbers of which halves fit into words


class Drawing:
    """A random order of the numbers below ``count``."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.half = max(1, -(-(count - 1).bit_length() // 2))  # bits
        self.mask = 2**self.half - 1
        key = _mixed(seed & WORD) ^ _mixed(seed >> 64 & WORD)
        self.keys = [_mixed(key + k * GOLDEN & WORD) for k in range(1, ROUNDS + 1)]

    def numbers(self, first: int, end: int) -> list[int]:
        """The numbers at the places from ``first`` up to ``end``, without it."""
        if HAS_NUMPY and end - first > 1:
            return self._vectorised(first, end)
        return [self._number(place) for place in range(first, end)]

    def _number(self, number: int) -> int:
        while True:
            left, right = number >> self.half, number & self.mask
            left, right = self._rounds(left, right, _mixed)
            number = left << self.half | right
            if number < self.count:
                return number

    def _rounds(self, left: Any, right: Any, mixed: Callable[[Any], Any]) -> tuple[Any, Any]:
        for key in self.keys:
            left, right = right, left ^ mixed(right ^ key) & self.mask
        return left, right

    def _vectorised(self, first: int, end: int) -> list[int]:
        """The same for many places at once, on the halves as arrays of words."""
        found: list[int] = [0] * (end - first)
        waiting = list(range(end - first))
        numbers = list(range(first, end))
        while waiting:
            left = np.array([number >> self.half for number in numbers], np.uint64)
            right = np.array([number & self.mask for number in numbers], np.uint64)
            left, right = self._rounds_of_words(left, right)
            halves = zip(left.tolist(), right.tolist(), strict=True)
            made = [high << self.half | low for high, low in halves]
            again, numbers_again = [], []
            for place, number in zip(waiting, made, strict=True):
                if number < self.count:
                    found[place] = number
                else:
                    again.append(place)
                    numbers_again.append(number)
            waiting, numbers = again, numbers_again
        return found

    def _rounds_of_words(self, left: Any, right: Any) -> tuple[Any, Any]:
        mask = np.uint64(self.mask)
        for key in self.keys:
            left, right = right, left ^ (_mixed_words(right ^ np.uint64(key)) & mask)
        return left, right


def _mixed(word: int) -> int:
    """A word whose every bit depends on all bits of another one."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def _mixed_words(words: Any) -> Any:
    """Return the mixed words of an array; their products are cut off by numpy."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return words ^ words >> np.uint64(31)
