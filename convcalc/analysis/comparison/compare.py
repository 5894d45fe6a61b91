"""Compare two reports: what changed in the totals, and layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.analysis.comparison.matching import match_layers
from convcalc.analysis.report.lately import lately_of_two
from convcalc.analysis.report.report import (
    LayerCore,
    LayerReport,
    Memory,
    OutputReport,
    ReceptiveField,
    Report,
)
from convcalc.analysis.report.to_json import plain
from convcalc.model.quantities.counts import BYTES, COUNTS
from convcalc.model.quantities.unknown import UNKNOWN, known

# The parts of a receptive field compared; not those that only some reports have, as coverage.
FIELD_PARTS = ("size", "size_min", "jump", "center", "is_global", "unbounded", "reason")
ADDED, REMOVED, CHANGED, RENAMED = "added", "removed", "changed", "renamed"
# The parts of a layer compared besides its fields, named as in the JSON report.
PARTS = (
    "operator",
    "inputs",
    "output",
    "weights",
    *(key for key, count in COUNTS.items() if not count.derived),
    "receptive_fields",
    "declared",
    "shares",
)
OF_CORE = tuple(key for key in PARTS if key not in ("receptive_fields", "shares"))

Sides = dict[str, tuple[Any, Any]]  # what differs, before and after
Fields = Mapping[str, ReceptiveField]  # by network input


class Change(NamedTuple):
    """One number, or one per axis, before and after; ``unit`` is named as in table columns."""

    key: str
    old: Any
    new: Any
    unit: str = ""

    @property
    def is_same(self) -> bool:
        """Whether both values are equal; two unknown values count as equal."""
        return bool(plain(self.old) == plain(self.new))

    @property
    def delta(self) -> int | None:
        """The increase; UNKNOWN if a side is unknown, None if the values are not counts."""
        if not known(self.old) or not known(self.new):
            return UNKNOWN
        is_count = isinstance(self.old, int) and isinstance(self.new, int)
        return self.new - self.old if is_count else None

    @property
    def ratio(self) -> Fraction | None:
        """The increase as a share of the old value; None if unknown, or if that value is 0."""
        delta = self.delta
        if delta is None or not known(delta):
            return None
        return Fraction(delta, self.old) if self.old else None


class LayerChange:
    """How one layer changed; ``old`` is None for an added layer, ``new`` for a removed one."""

    __slots__ = ("_differing", "kind", "new", "old")

    def __init__(
        self, kind: str, old: LayerReport | None, new: LayerReport | None, differing: Differing
    ) -> None:
        self.kind = kind
        self.old = old
        self.new = new
        self._differing = differing

    @property
    def fields(self) -> Sides:
        """The fields of the operator that differ, as ``(old, new)`` in JSON types."""
        if self.old is None or self.new is None:
            return {}
        return self._differing.of_cores(self.old.core, self.new.core)[0]

    @property
    def parts(self) -> Sides:
        """The parts named in ``PARTS`` that differ, as ``(old, new)`` in JSON types."""
        return self._differing.parts(self.old, self.new) if self.old and self.new else {}

    @property
    def layer(self) -> LayerReport:
        """The new layer, or the old one if it was removed."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def is_distant(self) -> bool:
        """Whether only the receptive field changed, because of a change in earlier layers."""
        old, new = self.old, self.new
        if old is None or new is None or old.path != new.path or old.shares != new.shares:
            return False
        return self._differing.of_cores(old.core, new.core) == ({}, {})

    def delta(self, key: str) -> int:
        """The increase of a count; a missing layer counts 0."""
        old, new = (each.counts[key] if each else 0 for each in (self.old, self.new))
        difference: int = new - old
        return difference


class OutputChange(NamedTuple):
    """An output before and after, by its names; None where a side has no such output.

    ``changes`` are those of its shape and of its receptive field, changed or not.
    """

    old: str | None
    new: str | None
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """The new name, or the old one of an output that was removed."""
        return self.new if self.new is not None else str(self.old)

    def change(self, key: str) -> Change:
        """The change with this key."""
        return next(change for change in self.changes if change.key == key)


class Comparison(NamedTuple):
    """Two reports, and what differs; layers that stayed as they were are left out.

    The receptive field in ``totals`` is that of the first output; ``outputs`` has all of them.
    """

    old: Report
    new: Report
    totals: tuple[Change, ...]
    layers: tuple[LayerChange, ...]
    outputs: tuple[OutputChange, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing changed; the names of network and file do not count."""
        changes = (*self.totals, *(change for each in self.outputs for change in each.changes))
        return not self.layers and all(change.is_same for change in changes)

    @property
    def has_several_outputs(self) -> bool:
        """Whether a side has more than one output, so that values need the name of theirs."""
        return max(len(self.old.per_output), len(self.new.per_output)) > 1

    @property
    def of_tool(self) -> tuple[Change, ...]:
        """Changes of another tool's numbers, if both reports hold those of the same tool."""
        tool = self.new.convention
        if tool is None or self.old.convention is None or self.old.convention.name != tool.name:
            return ()
        old, new = self.old.totals.convention, self.new.totals.convention
        return tuple(
            Change(f"{tool.name} {number.title}", old[number.key], new[number.key])
            for number in tool.numbers
        )

    def total(self, key: str) -> Change:
        """The change of the total with this key."""
        return next(change for change in self.totals if change.key == key)


def compare(old: Report, new: Report) -> Comparison:
    """Compare two reports."""
    differing = Differing()
    pairs = (_change(*pair, differing) for pair in match_layers(old.layers, new.layers))
    layers, outputs = tuple(filter(None, pairs)), tuple(_outputs(old, new))
    return Comparison(old, new, tuple(_totals(old, new)), layers, outputs)


class Difference(NamedTuple):
    """Two networks under the title that they are shown with; one of them may be missing."""

    title: str
    old: Report | None
    new: Report | None
    comparison: Comparison | None

    @property
    def is_same(self) -> bool:
        """Whether both are there and nothing changed."""
        return self.comparison is not None and self.comparison.is_same


def difference(title: str, old: Report | None, new: Report | None) -> Difference:
    """Compare two networks, where both are given."""
    return Difference(title, old, new, compare(old, new) if old and new else None)


# --- totals --------------------------------------------------------------------------------------

MEMORY: Mapping[str, Callable[[Memory], int]] = {
    "weights_memory": lambda memory: memory.weights,
    "activations_memory": lambda memory: memory.activations_peak,
    "memory": lambda memory: memory.total,
}
# The totals that are one number each, with their units.
UNITS: Mapping[str, str] = {
    "layers": "",
    **{key: count.unit for key, count in COUNTS.items()},
    **dict.fromkeys(MEMORY, BYTES),
}


def _totals(old: Report, new: Report) -> Iterable[Change]:
    def change(key: str, value: Callable[[Report], Any]) -> Change:
        return Change(key, value(old), value(new))

    yield from (Change(key, _total(old, key), _total(new, key), UNITS[key]) for key in UNITS)
    yield change("receptive_field", lambda report: _extent(report.receptive_field))
    yield change("jump", lambda report: report.receptive_field and report.receptive_field.jump)
    yield change("inputs", lambda report: report.inputs)
    yield change("outputs", lambda report: report.outputs)


def _total(report: Report, key: str) -> int:
    totals = report.totals
    if key in MEMORY:
        return MEMORY[key](totals.memory)
    return totals.layers if key == "layers" else totals.counts[key]


def _extent(field: ReceptiveField | None) -> ReceptiveField | None:
    """The receptive field without the grid on which it lies."""
    return field.replace(jump=(), center=()) if field else None


# --- outputs -------------------------------------------------------------------------------------


def _outputs(old: Report, new: Report) -> Iterable[OutputChange]:
    """The outputs of both sides, in the new order, those that were removed at the end."""
    before, after = old.per_output, new.per_output
    partner = {name: name for name in after if name in before}
    lost = [name for name in before if name not in after]
    made = [name for name in after if name not in before]
    if len(lost) == len(made):  # renamed, if there are equally many
        partner |= dict(zip(made, lost, strict=True))
        lost = []
    for name, output in after.items():
        yield _output_change(partner.get(name), name, before.get(partner.get(name, "")), output)
    for name in lost:
        yield _output_change(name, None, before[name], None)


def _output_change(
    name: str | None, new_name: str | None, old: OutputReport | None, new: OutputReport | None
) -> OutputChange:
    def change(key: str, value: Callable[[OutputReport], Any]) -> Change:
        return Change(key, old and value(old), new and value(new))

    changes = (
        change("output", lambda output: output.shape),
        change("receptive_field", lambda output: _extent(output.receptive_field)),
        change("jump", lambda output: output.receptive_field and output.receptive_field.jump),
    )
    return OutputChange(name, new_name, changes)


# --- layers --------------------------------------------------------------------------------------


def _change(
    old: LayerReport | None, new: LayerReport | None, differing: Differing
) -> LayerChange | None:
    """How a layer changed; None if it did not."""
    if old is None or new is None:
        return LayerChange(ADDED if old is None else REMOVED, old, new, differing)
    found = LayerChange(CHANGED, old, new, differing)
    if found.fields or found.parts:
        return found
    return None if old.path == new.path else LayerChange(RENAMED, old, new, differing)


class Differing:
    """In what the layers of two networks differ; found once for those that are alike."""

    def __init__(self) -> None:
        self.of_cores = lately_of_two(_core_differences)
        self._of_fields = lately_of_two(_field_differences)

    def parts(self, old: LayerReport, new: LayerReport) -> Sides:
        """The parts that differ, in the order of ``PARTS``."""
        found = dict(self.of_cores(old.core, new.core)[1])
        if old.receptive_fields is not new.receptive_fields:
            found |= self._receptive_fields(old.receptive_fields, new.receptive_fields)
        if old.shares != new.shares:
            found["shares"] = old.shares, new.shares
        return {key: found[key] for key in PARTS if key in found} if found else found

    def _receptive_fields(self, old: Fields, new: Fields) -> Sides:
        """Both sides under the key of receptive fields if they differ."""
        if list(old) == list(new):
            pairs = zip(old.values(), new.values(), strict=True)
            if not any(self._of_fields(*pair) for pair in pairs if pair[0] is not pair[1]):
                return {}
        sides = _plain_fields(old), _plain_fields(new)
        return {"receptive_fields": sides} if sides[0] != sides[1] else {}


def _core_differences(old: LayerCore, new: LayerCore) -> tuple[Sides, Sides]:
    """The fields and the other parts that differ between layers with these cores."""
    if old is new:
        return {}, {}
    parts = _differences(*({key: _part(core, key) for key in OF_CORE} for core in (old, new)))
    return _differences(plain(old.fields), plain(new.fields)), parts


def _part(core: LayerCore, key: str) -> Any:
    return core.counts[key] if key in COUNTS else getattr(core, key)


def _field_differences(old: ReceptiveField, new: ReceptiveField) -> bool:
    return any(plain(getattr(old, part)) != plain(getattr(new, part)) for part in FIELD_PARTS)


def _plain_fields(fields: Fields) -> dict[str, Any]:
    return {
        name: {part: plain(getattr(field, part)) for part in FIELD_PARTS}
        for name, field in fields.items()
    }


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Sides:
    """The entries that differ, as ``(old, new)`` in JSON types; a missing entry is None."""
    sides = {key: (plain(old.get(key)), plain(new.get(key))) for key in dict.fromkeys((*old, *new))}
    return {key: (before, after) for key, (before, after) in sides.items() if before != after}
