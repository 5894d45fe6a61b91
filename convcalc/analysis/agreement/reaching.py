"""Which units the outputs of a network need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from convcalc.analysis.agreement.unit import Unit


def idle(units: Sequence[Unit], ends: Mapping[str, int]) -> set[int]:
    """The units that no output needs, such as an auxiliary head that evaluation does not run.

    ``ends`` are the units that make the outputs, by name; nothing is idle if there are none.
    """
    return {unit.number for unit in units} - needed(units, ends.values()) if ends else set()


def only_for(
    units: Sequence[Unit], ends: Mapping[str, int], shared: Collection[str]
) -> Mapping[int, str]:
    """The units that no shared output needs, with the name of an output that does."""
    found: dict[int, str] = {}
    seen = needed(units, [ends[name] for name in shared])
    for name, number in ends.items():
        new = needed(units, [number], seen)
        found |= dict.fromkeys(new, name)
        seen |= new
    return found


def needed(units: Sequence[Unit], ends: Iterable[int], known: Collection[int] = ()) -> set[int]:
    """The units that some units are computed from, and these; without those that are known."""
    found: set[int] = set()
    todo = [*ends]
    while todo:
        number = todo.pop()
        if number not in found and number not in known:
            found.add(number)
            todo += [read for read in units[number].reads if read >= 0]
    return found
