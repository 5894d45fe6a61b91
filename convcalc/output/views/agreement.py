"""Whether two networks agree: a line, the differences, and the totals."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.analysis.agreement.agreement import Agreement
from convcalc.analysis.agreement.explaining import Finding, explanations
from convcalc.analysis.agreement.totals import Total
from convcalc.analysis.agreement.words import place, sentence
from convcalc.model.quantities.shape import Shape
from convcalc.output.cells import clean, value_text
from convcalc.output.columns import Column
from convcalc.output.markdown import escape_line
from convcalc.output.table import Style, Table, render

HINT = "a wider terminal or -f json shows them"


def text(found: Agreement, sides: tuple[str, str], form: str, style: Style) -> str:
    """The agreement of two targets, called ``sides``, as text."""
    parts = [line(found, sides)]
    tables: list[Table] = []
    if found.findings:
        shown = [*map(_row, found.findings)]
        columns = _DIFFERENCES if any(row.more for row in shown) else _DIFFERENCES[:-1]
        tables.append(Table("", columns, shown, hint=HINT))
    rows = [*map(_total, found.totals)]
    columns = _TOTALS if any(row.why for row in rows) else _TOTALS[:-1]
    tables.append(Table("", columns, rows, hint=HINT))
    texts = [render(form, table, None, style) for table in tables]
    ends = [*explained(found), *(f"note: {note}" for note in found.notes)]
    written = [clean(each, style) for each in (*parts, *ends)]
    if form == "markdown":
        written = [*map(escape_line, written)]
    return "\n\n".join([written[0], *texts, *(["\n".join(written[1:])] if ends else [])])


def line(found: Agreement, sides: tuple[str, str]) -> str:
    """The first line: how many layers agree, and how many differences there are."""
    old, new = found.layers
    what = "layers" if any(total.key == "macs" for total in found.totals) else "tensors"
    layers = f"{found.agreeing:,} of {max(old, new):,} {what} agree"
    count = len(found.findings) + len(found.unexplained)
    end = f", {count} difference{'s' * (count != 1)}" if count else ""
    return f"{sides[0]} ↔ {sides[1]}: {layers}{end}"


def explained(found: Agreement) -> Iterator[str]:
    """Yield what one factor explains."""
    yield from explanations(found.findings)
    for total in found.unexplained:
        yield f"all layers agree, but not the {TITLES[total.key]}"


# --- differences -------------------------------------------------------------------------------


class _Row(NamedTuple):
    old: str
    new: str
    what: str
    more: str | None


_DIFFERENCES = (
    Column("design", "design", attrgetter("old"), folds=True),
    Column("model", "model", attrgetter("new"), folds=True),
    Column("difference", "difference", attrgetter("what"), folds=True),
    Column("more", "the same in", attrgetter("more"), priority=1),
)


def _row(found: Finding) -> _Row:
    first = found.first
    return _Row(place(first.old), place(first.new), sentence(first), _more(found))


def _more(found: Finding) -> str | None:
    return f"{found.more} more" if found.more else None


# --- totals ------------------------------------------------------------------------------------


class _Total(NamedTuple):
    name: str
    old: str
    new: str
    why: str | None


_TOTALS = (
    Column("total", "total", attrgetter("name")),
    Column("design", "design", attrgetter("old"), "", "right"),
    Column("model", "model", attrgetter("new"), "", "right"),
    Column("why", "why", attrgetter("why"), folds=True),
)
TITLES = {"params": "params", "macs": "MACs", "outputs": "output", "receptive_field": "RF"}


def _total(total: Total) -> _Total:
    old, new = (_value(side) for side in (total.old, total.new))
    return _Total(TITLES[total.key], old, new, total.why or None)


def _value(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, tuple) and value and isinstance(value[0], Shape):
        return ", ".join(map(str, value))
    if isinstance(value, tuple):
        sizes = [str(size) for size in value]
        return sizes[0] if len(set(sizes)) == 1 else "×".join(sizes)
    if isinstance(value, Fraction):
        return str(value)
    return value_text(value, "", exact=True)
