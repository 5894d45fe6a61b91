"""A comparison of networks as two tables: totals, and the layers or blocks that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.analysis.comparison.compare import (
    ADDED,
    REMOVED,
    Change,
    Comparison,
    Difference,
    OutputChange,
)
from convcalc.analysis.report.report import ReceptiveField
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import change_text, count_text
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import clean, clean_facts, receptive_field_text, value_text
from convcalc.output.columns import Column
from convcalc.output.markdown import escape, escape_line
from convcalc.output.table import Style, Table, render
from convcalc.output.views.layer_differences import HINT, MOST_ROWS, View, layers_table, signed_text

MARKER = "<!-- convcalc:report -->"  # lets a bot find its comment again
LONGEST = 50_000  # characters of a comment; GitHub allows 65,536
MOST_OPEN = 12  # rows that a comment shows expanded


def text(changed: Sequence[Difference], view: View, form: str, style: Style) -> str:
    """Return the changes, for a terminal or, with a marker for bots, for a comment."""
    parts = [MARKER] if form == "markdown" else []
    for index, each in enumerate(changed):
        if form == "markdown" and sum(map(len, parts)) > LONGEST:
            parts.append(_left_out_line(changed[index:], style))
            break
        parts += _parts(each, view, form, style)
    return "\n\n".join(parts)


def _parts(found: Difference, view: View, form: str, style: Style) -> list[str]:
    """Return the tables of one network as texts."""
    comparison = found.comparison
    if comparison is None:
        return [_one_sided_line(found, form, style)]
    totals = totals_table(found.title, comparison, view.exact)
    layers = layers_table(comparison, view)
    parts = [render(form, totals, None, style)]
    if layers.rows:
        shown = render(form, layers, None, style)
        return [*parts, _collapsible(shown, layers) if form == "markdown" else shown]
    notes = clean_facts(layers.footer, style)
    if form == "markdown":
        return [*parts, *(escape_line(str(fact)) for fact in notes)]
    from convcalc.output.lines import fact_lines

    return [*parts, *fact_lines(notes, style.width)]


def _one_sided_line(found: Difference, form: str, style: Style) -> str:
    """Return the lines for a network that was added or removed."""
    report = found.new or found.old
    assert report is not None
    kind = ADDED if found.new else REMOVED
    macs = report.totals.macs
    work = count_text(macs, "MAC") if known(macs) else "MACs unknown"
    words = f"{kind}: {count_text(report.totals.params)} params, {work}"
    title = clean(found.title, style)
    return f"**{escape(title)}** {words}" if form == "markdown" else f"{title}\n{words}"


def _left_out_line(changed: Sequence[Difference], style: Style) -> str:
    """Return the line that names the networks that no longer fit into a comment."""
    names = ", ".join(escape(clean(each.title, style)) for each in changed[:MOST_ROWS])
    more = f" and {len(changed) - MOST_ROWS} more" if len(changed) > MOST_ROWS else ""
    return f"Changed too: {names}{more}"


def _collapsible(shown: str, layers: Table) -> str:
    """Wrap the rows in ``<details>``, which is collapsed if they are many."""
    count = len(layers.rows)
    state = " open" if count <= MOST_OPEN else ""
    summary = f"<summary>What changed, {count} row{'s' * (count != 1)}</summary>"
    return f"<details{state}>{summary}\n\n{shown}\n\n</details>"


# --- totals --------------------------------------------------------------------------------------

ALWAYS = ("params", "macs", "activations", "memory", "receptive_field", "outputs")
TITLES: Mapping[str, str] = {
    "inputs": "input",
    "layers": "layers",
    **{key: count.title for key, count in COUNTS.items() if not count.derived},
    "memory": "memory",
    "receptive_field": "receptive field",
    "jump": "jump",
    "outputs": "output",
}


OF_OUTPUTS: Mapping[str, str] = {
    "output": "shape",
    "receptive_field": "receptive field",
    "jump": "jump",
}
MOST_OUTPUTS = 4  # of more, only those are shown that changed


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
    Column("change", "change", attrgetter("change"), "", "right", is_change=True),
    Column("share", "", attrgetter("share"), "", "right", is_change=True),
)


def totals_table(title: str, comparison: Comparison, exact: bool) -> Table:
    """Return the table of totals: those of ``ALWAYS``, others only if they changed."""
    changes = {change.key: change for change in comparison.totals}
    for key, count in COUNTS.items():
        if count.part_of and changes[key][1:3] == changes[count.part_of][1:3]:
            del changes[key]
    if comparison.has_several_outputs:  # which have rows of their own
        for key in ("receptive_field", "jump", "outputs"):
            del changes[key]
    shown = [
        _total(TITLES[key], changes[key], exact)
        for key in TITLES
        if key in changes and (key in ALWAYS or not changes[key].is_same)
    ]
    if comparison.has_several_outputs:
        shown += _output_rows(comparison.outputs, exact)
    shown += [_total(change.key, change, exact) for change in comparison.of_tool]
    return Table(title, _TOTALS, shown, hint=HINT)


def _output_rows(outputs: Sequence[OutputChange], exact: bool) -> list[_Total]:
    """Return rows for shape and receptive field of each output; of many, those that changed."""
    few = len(outputs) <= MOST_OUTPUTS
    words = {output.name: _one_sided(output) for output in outputs}
    shown = [
        (output.name, _total(f"{title} of {output.name}", change, exact))
        for output in outputs
        for key, title in OF_OUTPUTS.items()
        for change in [output.change(key)]
        if not change.is_same or (few and key != "jump")
    ]
    return [row._replace(change=words[name] or row.change) for name, row in shown]


def _one_sided(output: OutputChange) -> str:
    """Return whether an output was added or removed; empty if both sides have it."""
    return ADDED if output.old is None else REMOVED if output.new is None else ""


def _total(name: str, change: Change, exact: bool) -> _Total:
    old, new = (_value(side, change.unit, exact) for side in (change.old, change.new))
    if change.is_same:
        return _Total(name, old, new, None, None)
    if change.delta is None:
        return _Total(name, old, new, _growth_text(change) or "changed", None)
    share = change_text(change.ratio) if change.ratio is not None else None
    return _Total(name, old, new, signed_text(change.delta, change.unit, exact), share)


def _value(value: Any, unit: str, exact: bool) -> str:
    if isinstance(value, Mapping):
        return ", ".join(str(shape) for shape in value.values())
    if isinstance(value, Shape):
        return str(value)
    if isinstance(value, ReceptiveField):
        return receptive_field_text(value)
    return value_text(value, unit, exact=exact)


def _growth_text(change: Change) -> str:
    """Return by how much a receptive field grew; empty if that differs between axes."""
    sides = [side.size for side in change[1:3] if isinstance(side, ReceptiveField)]
    if len(sides) != 2 or not all(map(known, sides)) or len(sides[0]) != len(sides[1]):
        return ""
    deltas = {new - old for old, new in zip(*sides, strict=True)}
    return signed_text(deltas.pop()) if len(deltas) == 1 and deltas != {0} else ""
