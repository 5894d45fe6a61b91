"""Which unit of one network is which of the other.

Both are followed along their graphs: a unit belongs to the one that is alike and reads what
belongs together, from the inputs on, and to the one whose readers belong together, from the
outputs back. What is left between is aligned by order. Each of this is done first with all that
makes a unit what it is, then with its kind and window, then with its kind, and last with what a
kind can be exchanged for. The work grows with the length.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property

from convcalc.analysis.agreement.common import common_order, in_order
from convcalc.analysis.agreement.describing import COMMUTING
from convcalc.analysis.agreement.unit import Unit, exact
from convcalc.diagnostics.work import current

TAILS = ("softmax", "log_softmax", "sigmoid")

Key = Callable[[Unit], Hashable]


def windowed(unit: Unit) -> Hashable:
    """The kind of a unit, and its window."""
    traits = unit.traits
    return (unit.kind, traits.get("kernel_size"), traits.get("stride"), traits.get("groups"))


def kind(unit: Unit) -> Hashable:
    """The kind of a unit."""
    return unit.kind


def family(unit: Unit) -> Hashable:
    """Return what its kind can be exchanged for."""
    return unit.family


class Alignment:
    """Pairs of units; ``partner`` leads from the old one to the new one."""

    def __init__(self, old: Sequence[Unit], new: Sequence[Unit]) -> None:
        self.old, self.new = old, new
        self.partner: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.readers = _readers(old), _readers(new)

    def pair(self, old: int, new: int) -> None:
        self.partner[old] = new
        self.taken[new] = old

    def downwards(self, key: Key) -> None:
        """Pair units that are alike and read what belongs together."""
        there: dict[Hashable, list[int]] = {}
        for unit in self.new:
            if unit.number not in self.taken:
                there.setdefault((key(unit), unit.reads), []).append(unit.number)
        for unit in self.old:
            if unit.number in self.partner:
                continue
            reads = [self.partner.get(each, each if each < 0 else None) for each in unit.reads]
            if None in reads:
                continue
            wanted = tuple(sorted(reads) if unit.kind in COMMUTING else reads)  # type: ignore[type-var]
            found = there.get((key(unit), wanted))
            if found:
                at = self.likest(unit.number, found, 0) if len(found) > 1 else 0
                self.pair(unit.number, found.pop(at))

    def likest(self, number: int, found: Sequence[int], way: int) -> int:
        """Which of several units that are alike is most like one: in itself, then in what follows
        it (way 0) or comes before it (way 1), then in its sizes; else the first or the last."""
        mine, theirs = self.surroundings[0][way], self.surroundings[1][way]
        one = self.old[number]
        current().spend(len(found), "layers that are compared")

        def likeness(at: int) -> tuple[bool, int, bool, int]:
            other = self.new[found[at]]
            levels = range(len(mine))
            ends = (k for k in levels if mine[k][number] != theirs[k][other.number])
            depth = next(ends, len(mine))
            same = str(one.output) == str(other.output)
            return exact(one) == exact(other), depth, same, at if way else -at

        return max(range(len(found)), key=likeness)

    @cached_property
    def surroundings(self) -> Sequence[tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]]:
        """The units that follow and that come before each unit of each side, one step more each
        time.
        """
        sides = []
        for units, readers in zip((self.old, self.new), self.readers, strict=True):
            after = [[n for n, _ in readers.get(unit.number, ())] for unit in units]
            before = [[n for n in unit.reads if n >= 0] for unit in units]
            sides.append((_surroundings(units, after), _surroundings(units, before)))
        return sides

    def upwards(self, key: Key) -> None:
        """Pair units that are alike and whose readers belong together."""
        there: dict[Hashable, list[int]] = {}
        for unit in self.new:
            if unit.number not in self.taken:
                wanted = frozenset(self.readers[1].get(unit.number, ()))
                there.setdefault((key(unit), wanted), []).append(unit.number)
        for unit in reversed(self.old):
            if unit.number in self.partner:
                continue
            mine = self.readers[0].get(unit.number, ())
            readers = frozenset((self.partner.get(each, -1), at) for each, at in mine)
            if any(each == -1 for each, _ in readers):
                continue
            found = there.get((key(unit), readers))
            if found:
                at = self.likest(unit.number, found, 1) if len(found) > 1 else 0
                self.pair(unit.number, found.pop(at))

    def backwards(self, key: Key) -> None:
        """Pair units that are alike and are read by a pair, whatever else reads them."""
        for reader in reversed(self.old):
            if reader.number not in self.partner:
                continue
            other = self.new[self.partner[reader.number]]
            current().spend(len(reader.reads) * len(other.reads) // 100, "layers that are compared")
            if reader.kind not in COMMUTING:
                for one, two in zip(reader.reads, other.reads, strict=False):
                    self.pair_alike(one, [two], key)
            for one in reader.reads:
                self.pair_alike(one, other.reads, key)

    def pair_alike(self, old: int, new: Sequence[int], key: Key) -> None:
        """Pair a unit with the likest of some, if both have no partner yet."""
        if old < 0 or old in self.partner:
            return
        wanted = key(self.old[old])
        left = [n for n in new if n >= 0 and n not in self.taken and key(self.new[n]) == wanted]
        if left:
            self.pair(old, left[self.likest(old, left, 1) if len(left) > 1 else 0])

    def in_gaps(self, key: Key) -> None:
        """Pair what is left between units that belong together, by the order of both."""
        anchors = in_order(sorted(self.partner.items()))
        ends = [*anchors, (len(self.old), len(self.new))]
        old_at = new_at = 0
        for old_end, new_end in ends:
            here = [n for n in range(old_at, old_end) if n not in self.partner]
            there = [n for n in range(new_at, new_end) if n not in self.taken]
            if here and there:
                mine = [key(self.old[n]) for n in here]
                theirs = [key(self.new[n]) for n in there]
                for one, other in common_order(mine, theirs):
                    self.pair(here[one], there[other])
            old_at, new_at = old_end + 1, new_end + 1


_STEPS = 12  # how far surroundings are looked at


def _surroundings(
    units: Sequence[Unit], neighbours: Sequence[Sequence[int]]
) -> Sequence[Sequence[int]]:
    """For each number of steps, a number for each unit that is equal where neighbours are."""
    found = [[hash(windowed(unit)) for unit in units]]
    for _ in range(_STEPS):
        last = found[-1]
        found.append(
            [
                hash((last[at], *sorted(last[number] for number in near)))
                for at, near in enumerate(neighbours)
            ]
        )
    return found


def _readers(units: Sequence[Unit]) -> Mapping[int, list[tuple[int, int]]]:
    """The readers of each unit, with the place at which they read it where that matters; without
    what only one side may have at its end."""
    read = {number for unit in units for number in unit.reads}
    found: dict[int, list[tuple[int, int]]] = {}
    for unit in units:
        if unit.kind in TAILS and unit.number not in read:
            continue
        for at, number in enumerate(unit.reads):
            place = 0 if unit.kind in COMMUTING else at
            found.setdefault(number, []).append((unit.number, place))
    return found


def aligned(old: Sequence[Unit], new: Sequence[Unit]) -> Alignment:
    """The alignment of two networks."""
    found = Alignment(old, new)
    for key in (exact, windowed):
        found.downwards(key)
        found.upwards(key)
    for key in (exact, windowed):
        found.backwards(key)
        found.downwards(key)
    for key in (exact, windowed, kind, family):
        found.in_gaps(key)
        found.downwards(key)
        found.upwards(key)
    return found
