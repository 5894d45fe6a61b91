"""Units while they are brought to one way of writing."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.analysis.agreement.describing import COMMUTING
from convcalc.analysis.agreement.unit import Unit


class Draft:
    """Units by number, of which some stand for others."""

    def __init__(self, units: Sequence[Unit], returned: set[int]) -> None:
        self.units = {unit.number: unit for unit in units}
        self.returned = set(returned)
        self.instead: dict[int, int] = {}
        self.readers: dict[int, list[int]] = {}
        self.settle()

    def resolved(self, number: int) -> int:
        """The unit that stands for one."""
        while number in self.instead:
            number = self.instead[number]
        return number

    def reads(self, unit: Unit) -> tuple[int, ...]:
        """Return what a unit reads, by the units that stand for that."""
        found = [self.resolved(number) for number in unit.reads]
        return tuple(sorted(found) if unit.kind in COMMUTING else found)

    def settle(self) -> None:
        """Leave out what another one stands for."""
        self.units = {
            number: unit._replace(reads=self.reads(unit))
            for number, unit in self.units.items()
            if number not in self.instead
        }
        self.returned = {self.resolved(number) for number in self.returned}
        self.readers = {}
        for unit in self.units.values():
            for number in unit.reads:
                self.readers.setdefault(number, []).append(unit.number)

    def is_read(self, number: int) -> bool:
        """Whether a unit or the network's caller reads a unit."""
        return number in self.readers or number in self.returned

    def drop(self, number: int) -> None:
        """Leave out a unit that nothing reads."""
        del self.units[number]

    def reader(self, number: int) -> Unit | None:
        """The only reader of a unit that is not returned."""
        found = self.readers.get(number, [])
        is_only = len(found) == 1 and number not in self.returned
        return self.units[found[0]] if is_only else None

    def numbered(self) -> list[Unit]:
        """The units in order, with the numbers of that."""
        new = {number: at for at, number in enumerate(self.units)}
        found = []
        for at, unit in enumerate(self.units.values()):
            reads = [number if number < 0 else new[number] for number in unit.reads]
            ordered = sorted(reads) if unit.kind in COMMUTING else reads
            found.append(unit._replace(number=at, reads=tuple(ordered)))
        return found
