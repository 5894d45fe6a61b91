"""Which line of a text was which line of an earlier one.

The lines that stand once in both are found first, those between them by what surrounds them
(patience diff, https://bramcohen.livejournal.com/73318.html). The work grows with the length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convcalc.analysis.agreement.common import in_order

_DEEPEST = 20  # how often what lies between two lines is looked at again


def earlier_lines(new: Sequence[str], old: Sequence[str]) -> dict[int, int]:
    """Return the index in ``old`` of each line of ``new`` that was there.

    Lines that were edited in place belong together if both begin with the same word; a line that
    was moved is new.
    """
    found: dict[int, int] = {}
    gaps = [(0, len(new), 0, len(old), 0)]
    while gaps:
        low, high, old_low, old_high, depth = gaps.pop()
        while low < high and old_low < old_high and new[low] == old[old_low]:
            found[low] = old_low
            low, old_low = low + 1, old_low + 1
        while low < high and old_low < old_high and new[high - 1] == old[old_high - 1]:
            high, old_high = high - 1, old_high - 1
            found[high] = old_high
        if low == high or old_low == old_high:
            continue
        anchors = _anchors(new, old, (low, high), (old_low, old_high)) if depth < _DEEPEST else []
        if not anchors:
            _pair_edited(new, old, (low, high), (old_low, old_high), found)
            continue
        for at, was in anchors:
            gaps.append((low, at, old_low, was, depth + 1))
            found[at] = was
            low, old_low = at + 1, was + 1
        gaps.append((low, high, old_low, old_high, depth + 1))
    return found


def _anchors(
    new: Sequence[str], old: Sequence[str], here: tuple[int, int], there: tuple[int, int]
) -> list[tuple[int, int]]:
    """Return pairs of lines that stand once in both parts, as many as keep their order."""
    count, old_count = Counter(new[slice(*here)]), Counter(old[slice(*there)])
    where = {old[k]: k for k in range(*there) if old_count[old[k]] == 1}
    pairs = [(k, where[new[k]]) for k in range(*here) if count[new[k]] == 1 and new[k] in where]
    return in_order(pairs)


def _pair_edited(
    new: Sequence[str],
    old: Sequence[str],
    here: tuple[int, int],
    there: tuple[int, int],
    found: dict[int, int],
) -> None:
    """Pair the lines of two parts of the same length that begin alike."""
    if here[1] - here[0] != there[1] - there[0]:
        return
    pairs = zip(range(*here), range(*there), strict=True)
    found |= {at: was for at, was in pairs if _beginning(new[at]) == _beginning(old[was])}


def _beginning(line: str) -> str:
    """Return a line up to its first colon: the key, and what marks an item."""
    return line.partition(":")[0]
