"""Operators on lanes: their formulas run once for all lanes, or once for each case that occurs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from convcalc.analysis.sweeps.arrays import Array, np
from convcalc.analysis.sweeps.lanes import Lanes, Split, distinct, lanes_of
from convcalc.language.expand.state import Kept
from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.channel_maps import Block, Blocks, Hidden
from convcalc.model.operators.contract import Analysis, Operator, Problem
from convcalc.model.quantities.record import Record
from convcalc.model.quantities.shape import Shape

VARIES = Hidden("the channels that are read differ between configurations")
AXIS_MAPS = Slide.__module__
Examined = tuple[Sequence[Problem], Analysis | None]


class LaneKept(Kept):
    """What the networks of one sweep share, whose sizes may be :class:`Lanes`.

    ``fields``: receptive fields are wanted, so that lanes whose axes are read in different ways
    part. ``apart`` names the operators whose formulas could not take many numbers as one.
    """

    __slots__ = ("_single", "apart", "fields")

    def __init__(self, *, fields: bool = False) -> None:
        super().__init__()
        self.fields = fields
        self.apart: set[str] = set()
        self._single: dict[tuple[Operator, tuple[Shape, ...]], Examined] = {}

    def examine(self, operator: Operator, shapes: tuple[Shape, ...]) -> Examined:
        """An operator's problems and its analysis, as those of one network."""
        several = [*_lanes_in((vars(operator), shapes))]
        if not several:
            return super().examine(operator, shapes)
        Lanes.named = True
        try:
            return super().examine(operator, shapes)
        except Exception:  # some formulas take single numbers only, each in its own way
            self.apart.add(type(operator).__name__)
        finally:
            Lanes.named = False
        places, firsts = distinct(several)
        cases = [
            self._one(replaced(operator, lane), replaced(shapes, lane)) for lane in firsts.tolist()
        ]
        _require_equal([_kinds(problems) for problems, _ in cases], places)
        problems, analysis = cases[0]
        if analysis is None:
            return problems, None
        return problems, merged([each for _, each in cases], places, self.fields)

    def _one(self, operator: Operator, shapes: tuple[Shape, ...]) -> Examined:
        key = operator, shapes
        found = self._single.get(key)
        if found is None:
            found = self._single[key] = super().examine(operator, shapes)
        return found


def _kinds(problems: Sequence[Problem]) -> Hashable:
    """What problems have in common that differ in their numbers only."""
    return tuple((each.name, each.field, each.is_error, each.source) for each in problems)


def _require_equal(cases: Sequence[Hashable], places: Array) -> None:
    """Raises Split unless all cases are equal; the first side has that of the first case."""
    alike = [number for number, each in enumerate(cases) if each == cases[0]]
    if len(alike) < len(cases):
        raise Split(np.isin(places, alike))


# --- values that hold lanes -----------------------------------------------------------------------


def _lanes_in(value: Any) -> list[Lanes]:
    """All lanes in a value, each object once."""
    found: dict[int, Lanes] = {}
    _collect(value, found)
    return list(found.values())


def _collect(value: Any, found: dict[int, Lanes]) -> None:
    if type(value) is Lanes:
        found[id(value)] = value
    elif isinstance(value, Mapping):
        for each in value.values():
            _collect(each, found)
    elif isinstance(value, tuple | list):
        for each in value:
            _collect(each, found)
    elif isinstance(value, Record | Operator):
        _collect(vars(value), found)


def replaced(value: Any, lane: int) -> Any:
    """A value with the number of one lane in place of lanes."""
    return _rebuilt(value, lambda lanes: lanes.values[lane].item())


def picked(value: Any, lanes_kept: Array) -> Any:
    """A value in some of its lanes: a mask, or their indices."""
    return _rebuilt(value, lambda lanes: Lanes(lanes.values[lanes_kept]))


def _rebuilt(value: Any, change: Callable[[Lanes], Any]) -> Any:
    if type(value) is Lanes:
        found = change(value)
        return found
    if isinstance(value, tuple):
        parts = [_rebuilt(each, change) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [_rebuilt(each, change) for each in value]
    if isinstance(value, Mapping):
        return {key: _rebuilt(each, change) for key, each in value.items()}
    if isinstance(value, Operator):
        if not _lanes_in(value):
            return value
        return type(value)(**{name: _rebuilt(each, change) for name, each in vars(value).items()})
    if isinstance(value, Record):
        if not _lanes_in(value):
            return value
        return type(value).of({name: _rebuilt(each, change) for name, each in vars(value).items()})
    return value


def merged(cases: Sequence[Any], places: Array, fields: bool) -> Any:
    """One value of those of all cases; numbers that differ are lanes, by the place of each lane.

    Raises Split where something else differs than numbers; maps of channels that do are VARIES.
    Without ``fields``, maps of axes are those of the first case, since no sum needs more than their
    kind.
    """
    first = cases[0]
    if all(each is first for each in cases):
        return first
    kinds = {type(each) for each in cases}
    if len(kinds) > 1 and not kinds <= {int, float}:
        if any(isinstance(each, Blocks) for each in cases):
            return VARIES
        _require_equal([type(each).__name__ for each in cases], places)
    if kinds <= {int, float}:
        _require_equal([type(each).__name__ for each in cases], places)
        same = all(each == first for each in cases)
        return first if same else Lanes(lanes_of(cases).values[places])
    if not fields and type(first).__module__ == AXIS_MAPS:
        return first
    if isinstance(first, Blocks | Block | range):
        return first if all(each == first for each in cases) else VARIES
    if isinstance(first, tuple | list):
        _require_equal([len(each) for each in cases], places)
        parts = [merged(each, places, fields) for each in zip(*cases, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return type(first)(parts)
    if isinstance(first, Mapping):
        _require_equal([tuple(each) for each in cases], places)
        return {key: merged([each[key] for each in cases], places, fields) for key in first}
    if isinstance(first, Operator):
        fields = merged([vars(each) for each in cases], places, fields)
        return type(first)(**fields)
    if isinstance(first, Record):
        names = first.record_fields
        parts = merged([tuple(getattr(each, n) for n in names) for each in cases], places, fields)
        return type(first)(**dict(zip(names, parts, strict=True)))
    _require_equal(list(cases), places)
    return first
