"""Finds what differs between two networks with aligned units, one difference for each cause."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.analysis.agreement.alignment import Alignment
from convcalc.analysis.agreement.kinds import CONV
from convcalc.analysis.agreement.unit import Unit
from convcalc.model.quantities.unknown import known

CHANGED, MISSING, ADDED = "changed", "missing", "added"


class Change(NamedTuple):
    """A value of a layer in the one network and in the other; None where it has none."""

    key: str
    old: Any
    new: Any

    @property
    def factor(self) -> Fraction | None:
        """New by old, of numbers."""
        sides = (self.old, self.new)
        if not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
            return None
        return Fraction(self.new, self.old) if known(sides) and self.old else None


class Difference(NamedTuple):
    """A layer that differs, or layers in a row that only one network has.

    ``old`` and ``new`` are the units of the sides: one each of a layer that differs, none on the
    side that lacks them. ``why`` is what is known of the cause.
    """

    kind: str
    old: tuple[Unit, ...]
    new: tuple[Unit, ...]
    changes: tuple[Change, ...] = ()
    why: str = ""

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units of the side that has them; the old ones of a layer that differs."""
        return self.old or self.new


class Tolerance(NamedTuple):
    """Facts that a side does not state: ``biases`` that are zero are left out of the new one's
    file.
    """

    biases: bool = False


def differences(
    found: Alignment, tolerance: Tolerance, idle: tuple[Container[int], Container[int]] = ((), ())
) -> list[Difference]:
    """The differences in the order of the old network, then what only the new one has.

    ``idle`` are units of either side that no output needs; the other one may lack them.
    """
    swapped = dict(_swapped_norms(found))
    gone = {number for _, number in swapped.values()}
    changed: list[Difference] = []
    for unit in found.old:
        if unit.number in found.partner:
            other = found.new[found.partner[unit.number]]
            changes = tuple(_changes(found, unit, other, tolerance))
            if changes:
                changed.append(Difference(CHANGED, (unit,), (other,), changes))
        if unit.number in swapped:
            norm, number = swapped[unit.number]
            change = Change("operator", norm.kind, found.new[number].kind)
            changed.append(Difference(CHANGED, (norm,), (found.new[number],), (change,)))
    changed += _norms_without_trace(found)
    lost = [u for u in found.old if u.number not in found.partner and u.number not in idle[0]]
    alone = [u for u in found.new if u.number not in found.taken and u.number not in idle[1]]
    made = [unit for unit in alone if unit.number not in gone]
    missing = [Difference(MISSING, run, ()) for run in _runs(lost)]
    added = [Difference(ADDED, (), run) for run in _runs(made)]
    return sorted([*changed, *missing], key=lambda each: each.old[0].number) + added


# --- one layer ---------------------------------------------------------------------------------


def _changes(found: Alignment, old: Unit, new: Unit, tolerance: Tolerance) -> Iterator[Change]:
    """Yield what differs between a layer and its partner."""
    if old.kind != new.kind:
        yield Change("operator", _shown_kind(old), _shown_kind(new))
    keys = dict.fromkeys((*old.traits, *new.traits))
    both = {key for key in keys if key in old.traits and key in new.traits}
    for key in keys:
        one, other = old.traits.get(key), new.traits.get(key)
        if one == other or (old.kind != new.kind and key not in both):
            continue
        if _is_told(key, old, new, tolerance):
            yield Change(key, one, other)
    if _meets_other_channels(found, old, new):
        yield Change("in_channels", old.meets, new.meets)


def _shown_kind(unit: Unit) -> str:
    return unit.layer.name if unit.kind == CONV and unit.path == unit.layer.path else unit.kind


def _is_told(key: str, old: Unit, new: Unit, tolerance: Tolerance) -> bool:
    """Whether a value differs by itself, and not because something else does."""
    if key == "bias":
        folded = old.norm is not None or new.norm is not None
        return not folded and not (tolerance.biases and old.traits.get("bias"))
    if key == "heads":
        return key in old.traits and key in new.traits
    resized = old.input.spatial != new.input.spatial
    if key == "padding":  # that of `same` depends on others
        words = {getattr(unit.layer.operator, "padding", None) for unit in (old, new)}
        strided = old.traits.get("stride") != new.traits.get("stride")
        return not ((resized or strided) and "same" in words)
    return not (resized and key in ("scale", "output_size", "ceil_mode"))


def _meets_other_channels(found: Alignment, old: Unit, new: Unit) -> bool:
    """Whether a weight meets other channels although what it reads is the same."""
    if old.kind != CONV or old.meets == new.meets or None in (old.meets, new.meets):
        return False
    if len(old.reads) != 1 or len(new.reads) != 1:
        return False
    (one,), (other,) = old.reads, new.reads
    if one < 0 or other < 0:
        return one == other
    made, made_there = found.old[one].output, found.new[other].output
    return found.partner.get(one) == other and made == made_there


# --- norms that were folded ---------------------------------------------------------------------


def _swapped_norms(found: Alignment) -> Iterator[tuple[int, tuple[Unit, int]]]:
    """Folded norms in whose place the other network has one of another kind.

    By the old layer: its norm, and the number of the new one.
    """
    for unit in found.new:
        if unit.number in found.taken or unit.family != "norm" or len(unit.reads) != 1:
            continue
        before = found.taken.get(unit.reads[0])
        norm = found.old[before].norm if before is not None else None
        if before is not None and norm is not None:
            yield before, (norm, unit.number)


_ENOUGH = 0.75  # share of the layers with a norm whose partners have the bias that it leaves


def _norms_without_trace(found: Alignment) -> Iterator[Difference]:
    """Folded norms of which not even a bias is left, where others leave one."""
    pairs = [
        (old, found.new[found.partner[old.number]])
        for old in found.old
        if old.norm is not None and old.number in found.partner
    ]
    read = {number for unit in found.new if unit.family == "norm" for number in unit.reads}
    bare = [(old, new) for old, new in pairs if not new.traits.get("bias") and new.norm is None]
    if len(bare) > (1 - _ENOUGH) * len(pairs):
        return
    for old, new in bare:
        if new.number not in read and old.norm is not None:
            why = "nothing is left of it, not even a bias"
            yield Difference(MISSING, (old.norm,), (), (), why)


# --- layers that only one side has --------------------------------------------------------------


def _runs(units: Sequence[Unit]) -> Iterator[tuple[Unit, ...]]:
    """Units that follow each other within one block of the innermost that they share."""
    run: list[Unit] = []
    for unit in units:
        if run and not (unit.number == run[-1].number + 1 and _home(unit) == _home(run[0])):
            yield tuple(run)
            run = []
        run.append(unit)
    if run:
        yield tuple(run)


def _home(unit: Unit) -> Any:
    """The outermost block around a unit that is a part of the network."""
    return unit.groups[0].path if unit.groups else ""
