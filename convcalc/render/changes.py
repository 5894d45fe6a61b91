"""A comparison as two tables: the totals, and the layers or blocks that changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.columns import Column
from convcalc.comparison import (
    ADDED,
    CHANGED,
    REMOVED,
    RENAMED,
    Change,
    Comparison,
    Difference,
    LayerChange,
)
from convcalc.render import Style, Table, render
from convcalc.render.cells import axes_text, receptive_field_text, value_text
from convcalc.render.frame import LISTED
from convcalc.render.markdown import escaped
from convcalc.report import LayerReport, ReceptiveField
from convcalc.rows import Row, rows
from convcalc.shape import Shape, known
from convcalc.units import UNKNOWN_WORD, change_text, count_text

MARKER = "<!-- convcalc:report -->"  # by which a bot finds its comment again
MOST_ROWS = 24  # of layers; more are summed into their blocks
LONGEST = 50_000  # characters of a comment, of which GitHub takes 65,536
MOST_OPEN = 12  # rows that a comment shows without a click
_HINT = "a wider terminal or -f json shows them"


class View(NamedTuple):
    """How far a comparison is opened, and how exactly it is shown."""

    depth: int | None = 0  # 0 opens as far as the rows are few
    exact: bool = False


def text(changed: Sequence[Difference], view: View, form: str, style: Style) -> str:
    """What changed, for a terminal or, with what a bot needs, for a comment."""
    parts = [MARKER] if form == "markdown" else []
    for index, each in enumerate(changed):
        if form == "markdown" and sum(map(len, parts)) > LONGEST:
            parts.append(_left_out(changed[index:]))
            break
        parts += _parts(each, view, form, style)
    return "\n\n".join(parts)


def _parts(found: Difference, view: View, form: str, style: Style) -> list[str]:
    """The tables of one network."""
    comparison = found.comparison
    if comparison is None:
        return [_one_sided(found, form)]
    totals = totals_table(found.title, comparison, view.exact)
    layers = layers_table(comparison, view)
    parts = [render(form, totals, None, style)]
    if layers.rows:
        shown = render(form, layers, None, style)
        return [*parts, _folded(shown, layers) if form == "markdown" else shown]
    return [*parts, *layers.footer]


def _one_sided(found: Difference, form: str) -> str:
    """A network that was added or removed."""
    report = found.new or found.old
    assert report is not None
    kind = ADDED if found.new else REMOVED
    macs = report.totals.macs
    work = count_text(macs, "MAC") if known(macs) else "MACs unknown"
    words = f"{kind}: {count_text(report.totals.params)} params, {work}"
    if form == "markdown":
        return f"**{escaped(found.title)}** {words}"
    return f"{found.title}\n{words}"


def _left_out(changed: Sequence[Difference]) -> str:
    """What no longer fits into a comment."""
    names = ", ".join(escaped(each.title) for each in changed[:MOST_ROWS])
    more = f" and {len(changed) - MOST_ROWS} more" if len(changed) > MOST_ROWS else ""
    return f"Changed too: {names}{more}"


def _folded(shown: str, layers: Table) -> str:
    """Many rows are opened by a click."""
    count = len(layers.rows)
    state = " open" if count <= MOST_OPEN else ""
    summary = f"<summary>What changed, {count} row{'s' * (count != 1)}</summary>"
    return f"<details{state}>{summary}\n\n{shown}\n\n</details>"


# --- totals --------------------------------------------------------------------------------------

ALWAYS = ("params", "macs", "activations", "memory", "receptive_field", "outputs")
TITLES: Mapping[str, str] = {
    "inputs": "input",
    "layers": "layers",
    "params": "params",
    "trainable": "trainable",
    "buffers": "buffers",
    "macs": "MACs",
    "sampling": "sampling",
    "elementwise": "elementwise",
    "activations": "activations",
    "memory": "memory",
    "receptive_field": "receptive field",
    "jump": "jump",
    "outputs": "output",
}


class _Total(NamedTuple):
    name: str
    old: str
    new: str
    change: str | None
    share: str | None


_TOTALS = (
    Column("total", "", attrgetter("name")),
    Column("old", "old", attrgetter("old"), "", "right"),
    Column("new", "new", attrgetter("new"), "", "right"),
    Column("change", "change", attrgetter("change"), "", "right"),
    Column("share", "", attrgetter("share"), "", "right"),
)


def totals_table(title: str, comparison: Comparison, exact: bool) -> Table:
    """The numbers of the whole network; of most of them only if they changed."""
    changes = {change.key: change for change in comparison.totals}
    if changes["trainable"][1:3] == changes["params"][1:3]:
        del changes["trainable"]
    shown = [
        _total(TITLES[key], changes[key], exact)
        for key in TITLES
        if key in changes and (key in ALWAYS or not changes[key].is_same)
    ]
    return Table(title, _TOTALS, shown, hint=_HINT)


def _total(name: str, change: Change, exact: bool) -> _Total:
    old, new = (_value(side, change.unit, exact) for side in (change.old, change.new))
    if change.is_same:
        return _Total(name, old, new, None, None)
    if change.delta is None:
        return _Total(name, old, new, _wider(change) or "changed", None)
    share = change_text(change.ratio) if change.ratio is not None else None
    return _Total(name, old, new, signed(change.delta, change.unit, exact), share)


def _value(value: Any, unit: str, exact: bool) -> str:
    if isinstance(value, Mapping):
        return ", ".join(str(shape) for shape in value.values())
    if isinstance(value, ReceptiveField):
        return receptive_field_text(value)
    return value_text(value, unit, exact=exact)


def _wider(change: Change) -> str:
    """By how much a receptive field grew, if it did so by the same on every axis."""
    sides = [side.size for side in change[1:3] if isinstance(side, ReceptiveField)]
    if len(sides) != 2 or not all(map(known, sides)) or len(sides[0]) != len(sides[1]):
        return ""
    deltas = {new - old for old, new in zip(*sides, strict=True)}
    return signed(deltas.pop()) if len(deltas) == 1 and deltas != {0} else ""


def signed(value: int, unit: str = "", exact: bool = False) -> str:
    """A difference with its sign."""
    plus = "+" if known(value) and value > 0 else ""
    return f"{plus}{value_text(value, unit, exact=exact)}"


# --- layers --------------------------------------------------------------------------------------


class _Layers(NamedTuple):
    """A layer or a block: what became of it, and by how much; ``times`` where siblings agree."""

    path: str
    change: str
    params: int
    macs: int
    output: str | None
    receptive_field: str | None
    times: int = 1


def _columns(shown: Sequence[_Layers], exact: bool) -> tuple[Column, ...]:
    """Those of a comparison; of shapes and receptive fields only if one changed."""

    def count(key: str, title: str) -> Column:
        value = attrgetter(key)
        return Column(key, title, lambda row: signed(value(row), "", exact), "", "right")

    columns = (
        Column("path", "layer", attrgetter("path")),
        Column("change", "change", attrgetter("change"), folds=True),
        count("params", "params"),
        count("macs", "MACs"),
        Column("output", "output", attrgetter("output"), priority=3),
        Column("receptive_field", "RF", attrgetter("receptive_field"), "", "right", 2),
    )
    empty = {key for key in _layer_keys if all(getattr(row, key) is None for row in shown)}
    return tuple(column for column in columns if column.key not in empty)


_layer_keys = ("output", "receptive_field")


def layers_table(comparison: Comparison, view: View) -> Table:
    """Layers, or the blocks that hold them where they are many."""
    near = [change for change in comparison.layers if not change.is_distant]
    distant = [change for change in comparison.layers if change.is_distant]
    depth = view.depth if view.depth != 0 else _depth(near)
    shown = _joined(_rows(comparison, near, depth))
    columns = _columns(shown, view.exact)
    return Table("", columns, shown, footer=_distant_line(distant), hint=_HINT)


def _joined(listed: Iterable[_Layers]) -> list[_Layers]:
    """Siblings in a row of which the same is to be said, as one row."""
    joined: list[_Layers] = []
    for row in listed:
        last = joined[-1] if joined else None
        if last and _are_alike(last, row):
            joined[-1] = last._replace(
                path=_span(last.path, row.path),
                params=last.params + row.params,
                macs=last.macs + row.macs,
                receptive_field=_from_to(last.receptive_field, row.receptive_field),
                times=last.times + 1,
            )
        else:
            joined.append(row)
    return [
        row._replace(change=f"{row.change}, {row.times} times") if row.times > 1 else row
        for row in joined
    ]


_INDEXED = re.compile(r"(.*\[)(\d+)(?:–(\d+))?\]")


def _goes_on(path: str, other: str) -> bool:
    """Whether ``other`` is the next one: ``conv[3]`` after ``conv[2]`` or ``conv[0–2]``."""
    one, two = _INDEXED.fullmatch(path), _INDEXED.fullmatch(other)
    return bool(one and two and one[1] == two[1] and int(one[3] or one[2]) + 1 == int(two[2]))


def _span(path: str, other: str) -> str:
    one, two = _INDEXED.fullmatch(path), _INDEXED.fullmatch(other)
    return f"{one[1]}{one[2]}–{two[2]}]" if one and two else path


def _from_to(one: str | None, other: str | None) -> str | None:
    """The first and the last of several receptive fields."""
    return one if one is None or one == other else f"{one.partition(' … ')[0]} … {other}"


def _are_alike(one: _Layers, other: _Layers) -> bool:
    """Whether a row goes on where another ends, and says the same but for the receptive field."""
    same = (one.change, one.output) == (other.change, other.output)
    even = all(
        known(getattr(one, key)) and getattr(one, key) == one.times * getattr(other, key)
        for key in ("params", "macs")
    )
    return same and even and _goes_on(one.path, other.path)


def _depth(changes: Sequence[LayerChange]) -> int | None:
    """As deep as the rows are few; None opens everything."""
    deepest = max((len(change.layer.groups) for change in changes), default=0)
    depths: list[int | None] = [None, *range(deepest, 1, -1)]
    return next((each for each in depths if len(_bundles(changes, each)) <= MOST_ROWS), 1)


def _bundles(changes: Iterable[LayerChange], depth: int | None) -> dict[str, list[LayerChange]]:
    """The changes by the layer or block that is shown for them."""
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
            _became(bundle, path, was, now),
            sum(change.delta("params") for change in bundle),
            sum(change.delta("macs") for change in bundle),
            _sides(was, now, _output),
            _sides(was, now, lambda row: _sight(row.receptive_field)),
        )


def _sides(was: Row | None, now: Row | None, value: Callable[[Row], str | None]) -> str | None:
    """``old → new`` if they differ; the only one of an added or removed layer."""
    old, new = (value(row) if row else None for row in (was, now))
    if was is None or now is None:
        return new or old
    return f"{old} → {new}" if old != new else None


def _output(row: Row) -> str | None:
    return str(row.output) if isinstance(row.output, Shape) else None


def _sight(field: ReceptiveField | None) -> str | None:
    """The local value: that a network becomes global seldom is what changed."""
    if field is None or not field.size:
        return None
    if not known(field.size):
        return UNKNOWN_WORD
    return receptive_field_text(replace(field, is_global=False))


def _became(bundle: Sequence[LayerChange], path: str, was: Row | None, now: Row | None) -> str:
    """What happened, in words."""
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
    items += [f"{key} {_plain(old)} → {_plain(new)}" for key, (old, new) in change.fields.items()]
    for key in ("trainable", "declared", "shares"):
        if key in change.parts and "params" not in change.parts and not items:
            old, new = change.parts[key]
            items.append(f"{key} {_plain(old)} → {_plain(new)}")
    if not items and "inputs" in change.parts:
        return f"input {_inputs(change.old)} → {_inputs(change.new)}"
    return ", ".join(items) or CHANGED


def _inputs(layer: LayerReport) -> str:
    return ", ".join(map(str, layer.inputs)) or "none"


def _plain(value: Any) -> str:
    """A value in JSON's types, as the file would have it; one per axis shortened if they agree."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if not isinstance(value, list) or not value:
        return str(value)
    return axes_text([_plain(item) for item in value])


def _distant_line(changes: Sequence[LayerChange]) -> list[str]:
    """Layers of which nothing but the receptive field changed: a consequence."""
    if not changes:
        return []
    items = [
        f"{change.layer.path} {_sight(change.old.receptive_field)} → "
        f"{_sight(change.new.receptive_field)}"
        for change in (changes if len(changes) <= LISTED else (changes[0], changes[-1]))
        if change.old and change.new
    ]
    between = ", " if len(changes) <= LISTED else " … "
    number = f"{len(changes)} layer{'s' * (len(changes) != 1)}"
    return [f"receptive field alone changed in {number}: {between.join(items)}"]
