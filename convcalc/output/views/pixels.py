"""Divides the receptive field on its last two axes into pixels, for all kinds of pictures."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from convcalc.analysis.receptive_field import region as regions
from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.study import Study

Pixel = float | None  # share of the greatest number of paths; None is a hole


def pixels(study: Study, across: int, down: int) -> list[list[Pixel]]:
    """Return rows of pixels of ``across`` × ``down`` positions.

    A pixel is the mean of its positions, or a hole if any of them is not read.
    """
    rows, columns = study.axes[-2:]
    assert rows.seen is not None
    assert columns.seen is not None
    heights = _shares(study, study.rank - 2, rows.size)
    widths = _shares(study, study.rank - 1, columns.size)
    steps = range(0, columns.size, across)
    means = [sum(widths[x : x + across]) / len(widths[x : x + across]) for x in steps]
    found = []
    for top in range(0, rows.size, down):
        mean = sum(heights[top : top + down]) / len(heights[top : top + down])
        whole = _all_read(study, range(top, min(top + down, rows.size)))
        read = [whole(x, min(x + across, columns.size)) for x in steps]
        found.append(
            [
                sqrt(mean * share) if there else None
                for there, share in zip(read, means, strict=True)
            ]
        )
    return found


def _shares(study: Study, axis: int, size: int) -> list[float]:
    """Return the path counts of an axis, scaled so that the largest is 1."""
    counts = study.paths(axis).counts
    most = max(counts)
    return [float(count / most) for count in counts] + [0.0] * (size - len(counts))


def _all_read(study: Study, lines: range) -> Callable[[int, int], bool]:
    """Return a function that tells whether these lines read all columns of a range."""
    above = [axis.seen[0] + (axis.size - 1) // 2 for axis in study.axes[:-2] if axis.seen]
    first_row, first_column = (axis.seen[0] if axis.seen else 0 for axis in study.axes[-2:])
    rows: list[Bits | None] = [
        regions.row(study.region, study.rank, [*above, first_row + line]) for line in lines
    ]
    bits = -1
    for row in rows:
        bits &= 0 if row is None else row[1] << (row[0] - first_column)

    def whole(start: int, stop: int) -> bool:
        mask = (1 << (stop - start)) - 1
        return bits >> start & mask == mask

    return whole
