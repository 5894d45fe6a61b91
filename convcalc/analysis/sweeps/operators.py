"""Operators on lanes: their formulas run once for all lanes, or once for each case that occurs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from convcalc.analysis.sweeps.arrays import Array, np
from convcalc.analysis.sweeps.lanes import Lanes, Split, distinct, gather
from convcalc.language.expand.state import Kept
from convcalc.model.geometry.axis_maps import Slide
from convcalc.model.geometry.channel_maps import MIXED, Hidden
from convcalc.model.operators.contract import Analysis, Operator, Problem
from convcalc.model.quantities.record import Record
from convcalc.model.quantities.shape import Shape

VARIES = Hidden("the channels that are read differ between configurations")
AXIS_MAPS, CHANNEL_MAPS = Slide.__module__, Hidden.__module__
Examined = tuple[Sequence[Problem], Analysis | None]


class LaneKept(Kept):
    """Results that the networks of one sweep share, whose sizes may be :class:`Lanes`.

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
        merge = _Merge(places, self.fields)
        return problems, merge.of([each for _, each in cases])

    def _one(self, operator: Operator, shapes: tuple[Shape, ...]) -> Examined:
        key = operator, shapes
        found = self._single.get(key)
        if found is None:
            found = self._single[key] = super().examine(operator, shapes)
        return found


def _kinds(problems: Sequence[Problem]) -> Hashable:
    """Return what problems have in common that differ in their numbers only."""
    return tuple((each.name, each.field, each.is_error, each.source) for each in problems)


def _require_equal(cases: Sequence[Hashable], places: Array) -> None:
    """Raises Split unless all cases are equal; the first side has that of the first case."""
    first = cases[0]  # an unknown size equals nothing, not itself either
    alike = [number for number, each in enumerate(cases) if each is first or each == first]
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
    if type(value) is Lanes:
        number = value.values[lane]
        return number.item() if hasattr(number, "item") else number
    if isinstance(value, tuple | list):
        parts = [replaced(each, lane) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, Mapping):
        return {key: replaced(each, lane) for key, each in value.items()}
    if isinstance(value, Operator) and _lanes_in(value):
        return type(value)(**replaced(vars(value), lane))
    return value


class _Merge:
    """Makes one value of those of all cases; numbers that differ become lanes, by the case of each.

    ``places`` says for each lane which case it is. Without ``fields``, how axes are read is that of
    the first case, since no sum needs more than its kind, and channels that are read differently
    are VARIES. Raises Split where something else differs than numbers.
    """

    def __init__(self, places: Array, fields: bool) -> None:
        self.places = places
        self.fields = fields

    def of(self, cases: Sequence[Any]) -> Any:
        """The value that stands for all cases."""
        first = cases[0]
        if all(each is first for each in cases):
            return first
        kind = _kind_of(first)
        self.require_equal([_kind_of(each) for each in cases])
        if kind in (AXIS_MAPS, CHANNEL_MAPS):
            return self.of_maps(cases, kind)
        if type(first) is int or type(first) is float:
            return gather(cases, self.places)
        if isinstance(first, Record | Operator | Mapping | tuple | list):
            return self.of_parts(cases)
        self.require_equal(list(cases))
        return first

    def of_parts(self, cases: Sequence[Any]) -> Any:
        """The one for what has parts."""
        first = cases[0]
        if isinstance(first, Record | Operator):
            names = first.record_fields if isinstance(first, Record) else [*vars(first)]
            fields = [{name: getattr(each, name) for name in names} for each in cases]
            return type(first)(**self.of(fields))
        if isinstance(first, Mapping):
            self.require_equal([tuple(each) for each in cases])
            return {key: self.of([each[key] for each in cases]) for key in first}
        self.require_equal([len(each) for each in cases])
        parts = [self.of(each) for each in zip(*cases, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)

    def of_maps(self, cases: Sequence[Any], kind: str) -> Any:
        """The one for maps of axes, or of channels."""
        if self.fields:
            self.require_equal(list(cases))
        elif kind == AXIS_MAPS:
            self.require_equal([type(each).__name__ for each in cases])
        elif any(each != cases[0] for each in cases):
            return VARIES
        return cases[0]

    def require_equal(self, cases: Sequence[Any]) -> None:
        """Raises Split unless all cases are equal; the first side has that of the first one."""
        _require_equal(cases, self.places)


def _kind_of(value: Any) -> str:
    """The name of a value's type; all maps of axes are one kind, and all maps of channels."""
    if value is MIXED:
        return CHANNEL_MAPS
    module = type(value).__module__
    return module if module in (AXIS_MAPS, CHANNEL_MAPS) else type(value).__name__
