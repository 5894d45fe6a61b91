"""Draws the receptive field on one axis as a line of characters, one per input position."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.study import Paths1d
from convcalc.output.table import Style

LEVELS, HOLE = "▁▂▃▄▅▆▇█", "·"
ASCII_LEVELS, ASCII_HOLE = "12345678", "."
MOST_LINES = 24  # then several positions share a character
PLAIN_WIDTH = 100  # where there is no terminal


def strip(paths: Paths1d, seen: Bits, style: Style) -> list[str]:
    """Return bars for the number of paths, dots for holes, wrapped at the terminal's width.

    ``seen`` says where the holes are, since rounded shares of paths may be 0 without a hole.

    A large field has several positions per character; a single hole among them makes it a dot,
    and the last line says how many they are.
    """
    bars, hole = (ASCII_LEVELS, ASCII_HOLE) if style.ascii else (LEVELS, HOLE)
    most = max(paths.counts, default=0)
    if not most:
        return ["nothing is read"]
    label = max(len(str(paths.first)), len(str(paths.first + len(paths.counts))))
    width = max(8, (style.width or PLAIN_WIDTH) - label - 1)
    each = -(-len(paths.counts) // (width * MOST_LINES))
    read = f"{seen[1]:b}"[::-1]
    levels = [
        None if "0" in read[i : i + each] else _level(paths.counts[i : i + each], most)
        for i in range(0, len(paths.counts), each)
    ]
    text = "".join(hole if level is None else bars[level] for level in levels)
    lines = [
        f"{paths.first + i * each:>{label}} {text[i : i + width]}"
        for i in range(0, len(text), width)
    ]
    if each > 1:
        lines.append(f"{each} positions to a character; {hole} where at least one is a hole")
    return lines


def _level(counts: Sequence[int] | Sequence[float], most: float) -> int:
    """Return the height of the bar for some positions, 0 to 7, by their mean."""
    share = sum(counts) / len(counts) / most
    return min(7, max(0, round(8 * share) - 1))
