"""The table of the layers or blocks that changed between two networks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.analysis.comparison.compare import (
    ADDED,
    CHANGED,
    REMOVED,
    RENAMED,
    Comparison,
    LayerChange,
)
from convcalc.analysis.report.report import LayerReport, ReceptiveField
from convcalc.analysis.report.rows import AnyRow, rows
from convcalc.model.quantities.number_text import UNKNOWN_WORD
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import axes_text, receptive_field_text, value_text
from convcalc.output.columns import Column
from convcalc.output.table import Fact, Table
from convcalc.output.views.network import LISTED

MOST_ROWS = 24  # of layers; more are summed into their blocks
HINT = "a wider terminal or -f json shows them"


class View(NamedTuple):
    """How deep blocks are opened in a comparison, and whether numbers are exact."""

    depth: int | None = 0  # 0: as deep as MOST_ROWS allows; None: every layer
    exact: bool = False


def signed_text(value: int, unit: str = "", exact: bool = False) -> str:
    """Return a difference with its sign."""
    plus = "+" if known(value) and value > 0 else ""
    return f"{plus}{value_text(value, unit, exact=exact)}"


class _Layers(NamedTuple):
    """A changed layer or block, or ``times`` siblings in a row with the same change."""

    path: str
    change: str
    params: int
    macs: int
    output: str | None
    receptive_field: str | None
    times: int = 1


def _columns(shown: Sequence[_Layers], exact: bool) -> tuple[Column, ...]:
    """Return the columns; those of shapes and receptive fields only if one changed."""

    def count(key: str, title: str) -> Column:
        value = attrgetter(key)
        return Column(
            key,
            title,
            lambda row: signed_text(value(row), "", exact),
            "",
            "right",
            is_change=True,
        )

    columns = (
        Column("path", "layer", attrgetter("path")),
        Column("change", "change", attrgetter("change"), folds=True),
        count("params", "params"),
        count("macs", "MACs"),
        Column("output", "output", attrgetter("output"), priority=3),
        Column("receptive_field", "RF", attrgetter("receptive_field"), "", "right", 2, spans=True),
    )
    empty = {key for key in _OPTIONAL_KEYS if all(getattr(row, key) is None for row in shown)}
    return tuple(column for column in columns if column.key not in empty)


_OPTIONAL_KEYS = ("output", "receptive_field")


def layers_table(comparison: Comparison, view: View) -> Table:
    """Return the table of changed layers, or of the blocks around them if they are many."""
    near = [change for change in comparison.layers if not change.is_distant]
    distant = [change for change in comparison.layers if change.is_distant]
    depth = view.depth if view.depth != 0 else _depth(near)
    shown = _join_alike(_rows(comparison, near, depth))
    columns = _columns(shown, view.exact)
    footer = _distant(distant)
    unfolded = "-f json shows all"
    return Table("", columns, shown, None, footer, HINT, unfolded=unfolded, result=True)


def _join_alike(listed: Iterable[_Layers]) -> list[_Layers]:
    """Merge consecutive siblings with the same change into one row."""
    found: list[_Layers] = []
    for row in listed:
        last = found[-1] if found else None
        if last and _are_alike(last, row):
            found[-1] = last._replace(
                path=_span(last.path, row.path),
                params=last.params + row.params,
                macs=last.macs + row.macs,
                receptive_field=_from_to(last.receptive_field, row.receptive_field),
                times=last.times + 1,
            )
        else:
            found.append(row)
    return [
        row._replace(change=f"{row.change}, {row.times} times") if row.times > 1 else row
        for row in found
    ]


_INDEXED = re.compile(r"(.*\[)(\d+)(?:–(\d+))?\]")


def _follows(path: str, other: str) -> bool:
    """Whether ``other`` is next after ``path``: ``conv[3]`` after ``conv[2]`` or ``conv[0–2]``."""
    one, two = _INDEXED.fullmatch(path), _INDEXED.fullmatch(other)
    return bool(one and two and one[1] == two[1] and int(one[3] or one[2]) + 1 == int(two[2]))


def _span(path: str, other: str) -> str:
    one, two = _INDEXED.fullmatch(path), _INDEXED.fullmatch(other)
    return f"{one[1]}{one[2]}–{two[2]}]" if one and two else path


def _from_to(one: str | None, other: str | None) -> str | None:
    """Return the first and the last of several receptive fields: ``3 → 5 … 9 → 11``."""
    return one if one is None or one == other else f"{one.partition(' … ')[0]} … {other}"


def _are_alike(one: _Layers, other: _Layers) -> bool:
    """Whether ``other`` follows ``one`` and differs at most in the receptive field."""
    same = (one.change, one.output) == (other.change, other.output)
    even = all(
        known(getattr(one, key)) and getattr(one, key) == one.times * getattr(other, key)
        for key in ("params", "macs")
    )
    return same and even and _follows(one.path, other.path)


def _depth(changes: Sequence[LayerChange]) -> int | None:
    """Return the greatest depth with at most MOST_ROWS rows; None shows every layer."""
    deepest = max((len(change.layer.groups) for change in changes), default=0)
    depths: list[int | None] = [None, *range(deepest, 1, -1)]
    return next((each for each in depths if len(_bundles(changes, each)) <= MOST_ROWS), 1)


def _bundles(changes: Iterable[LayerChange], depth: int | None) -> dict[str, list[LayerChange]]:
    """Group changes by the path of the layer or block that is shown for them."""
    found: dict[str, list[LayerChange]] = {}
    for change in changes:
        found.setdefault(_shown_path(change.layer, depth), []).append(change)
    return found


def _shown_path(layer: LayerReport, depth: int | None) -> str:
    if depth is None or len(layer.groups) < depth:
        return layer.path
    return layer.groups[depth - 1].path


def _rows(
    comparison: Comparison, changes: Sequence[LayerChange], depth: int | None
) -> Iterable[_Layers]:
    old = {row.path: row for row in rows(comparison.old, depth)}
    new = {row.path: row for row in rows(comparison.new, depth)}
    for path, bundle in _bundles(changes, depth).items():
        first = bundle[0]
        was = old.get(_shown_path(first.old, depth)) if first.old else None
        now = new.get(path) if first.new else old.get(path)
        yield _Layers(
            path,
            _change_text(bundle, path, was, now),
            sum(change.delta("params") for change in bundle),
            sum(change.delta("macs") for change in bundle),
            _sides(was, now, _output_text),
            _sides(was, now, lambda row: _receptive_field_text(row.receptive_field)),
        )


def _sides(
    was: AnyRow | None, now: AnyRow | None, value: Callable[[AnyRow], str | None]
) -> str | None:
    """Return ``old → new`` if they differ; a single value for an added or removed layer."""
    old, new = (value(row) if row else None for row in (was, now))
    if was is None or now is None:
        return new or old
    return f"{old} → {new}" if old != new else None


def _output_text(row: AnyRow) -> str | None:
    return str(row.output) if isinstance(row.output, Shape) else None


def _receptive_field_text(field: ReceptiveField | None) -> str | None:
    """Return the local receptive field, without its global dependence."""
    if field is None or not field.size:
        return None
    if not known(field.size):
        return UNKNOWN_WORD
    return receptive_field_text(field.replace(is_global=False))


def _change_text(
    bundle: Sequence[LayerChange], path: str, was: AnyRow | None, now: AnyRow | None
) -> str:
    """Return the words for the changes of a layer or block."""
    whole = now or was
    if len(bundle) == 1 and bundle[0].layer.path == path:
        return _layer_text(bundle[0])
    kinds = {change.kind for change in bundle}
    count = len(bundle)
    if whole and len(kinds) == 1 and whole.layers == count:
        kind = kinds.pop()
        if kind == RENAMED and was and was.path != path:
            return f"was {was.path}"
        if kind in (ADDED, REMOVED):
            return f"{kind} {whole.operator} of {count} layer{'s' * (count != 1)}"
    counts = {kind: sum(change.kind == kind for change in bundle) for kind in _ORDER}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


_ORDER = (CHANGED, ADDED, REMOVED, RENAMED)


def _layer_text(change: LayerChange) -> str:
    if change.old is None or change.new is None:
        return f"{change.kind} {change.layer.operator}"
    items = [f"was {change.old.path}"] if change.old.path != change.new.path else []
    if "operator" in change.parts:
        return ", ".join([*items, f"{change.old.operator} → {change.new.operator}"])
    items += [
        f"{key} {_plain_text(old)} → {_plain_text(new)}"
        for key, (old, new) in change.fields.items()
    ]
    for key in ("trainable", "declared", "shares"):
        if key in change.parts and "params" not in change.parts and not items:
            old, new = change.parts[key]
            items.append(f"{key} {_plain_text(old)} → {_plain_text(new)}")
    if not items and "inputs" in change.parts:
        return f"input {_inputs_text(change.old)} → {_inputs_text(change.new)}"
    return ", ".join(items) or CHANGED


def _inputs_text(layer: LayerReport) -> str:
    return ", ".join(map(str, layer.inputs)) or "none"


def _plain_text(value: Any) -> str:
    """Return a JSON value as a file writes it; a single one where all axes agree."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if not isinstance(value, list) or not value:
        return str(value)
    return axes_text([_plain_text(item) for item in value])


def _distant(changes: Sequence[LayerChange]) -> list[Fact]:
    """Return which layers' receptive field alone changed, by earlier changes, if any did."""
    if not changes:
        return []
    items = [
        f"{change.layer.path} {_receptive_field_text(change.old.receptive_field)} → "
        f"{_receptive_field_text(change.new.receptive_field)}"
        for change in (changes if len(changes) <= LISTED else (changes[0], changes[-1]))
        if change.old and change.new
    ]
    between = ", " if len(changes) <= LISTED else " … "
    number = f"{len(changes)} layer{'s' * (len(changes) != 1)}"
    return [Fact("receptive field alone", f"changed in {number}: {between.join(items)}")]
