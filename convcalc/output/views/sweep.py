"""The rows of a sweep that are shown: a table, JSON, or lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal

from convcalc._version import __version__
from convcalc.analysis.sweeps.explained import Step
from convcalc.analysis.sweeps.parts import Counts, Row, Tally
from convcalc.analysis.sweeps.plan import Plan, described
from convcalc.analysis.sweeps.running import INPUT, PROBLEM
from convcalc.model.quantities.counts import BYTES, COUNTS
from convcalc.model.quantities.presented import number_of
from convcalc.output.columns import Column, Size
from convcalc.output.row_files import json_lines
from convcalc.output.table import Fact, Style, Table, render

JSON_LINES = "jsonl"
LISTED = 3  # problems below a table
TITLES = {"receptive_field": "receptive field"}


def sweep_title(network: str, plan: Plan) -> str:
    """The line above a table."""
    return f"{network} · sweep over {', '.join(factor.name for factor in plan.factors)}"


def sweep_table(title: str, plan: Plan, tally: Tally, rows: Sequence[Row]) -> Table:
    """The table of the rows that are shown, with what is to be known of all others below it."""
    columns = [
        *(_swept(place, factor.name) for place, factor in enumerate(plan.factors)),
        *(_metric(len(plan.factors) + k, name) for k, name in enumerate(plan.metrics)),
    ]
    place = len(plan.names) - 1
    if any(row[place] for row in rows):
        columns.append(Column(PROBLEM, PROBLEM, itemgetter(place), folds=True))
    return Table(title, tuple(columns), rows, footer=footer(plan, tally, len(rows)))


def _swept(place: int, name: str) -> Column:
    """Return the column of what is swept, written as it is, without prefixes."""

    def value(row: Row) -> Any:
        found = row[place]
        if isinstance(found, list):
            return Size(found) if name == INPUT else str(found)
        is_size = isinstance(found, int) and not isinstance(found, bool)
        return Size((found,)) if is_size else found

    return Column(name, name, value, align="right")


def _metric(place: int, name: str) -> Column:
    count = COUNTS.get(name)
    title = TITLES.get(name, name) if count is None else count.title
    unit = BYTES if name == "memory" else "" if count is None else count.unit
    align: Literal["right"] = "right"
    return Column(name, title, itemgetter(place), unit, align)


def footer(plan: Plan, tally: Tally, count: int) -> list[Fact]:
    """The facts below a table: how many rows there were, and which of them are shown."""
    counts = tally.counts
    facts = [Fact("rows", _rows_text(plan, counts))]
    if plan.pareto:
        goals = ", ".join(
            f"{goal.name} ({'more' if goal.is_more_better else 'less'})" for goal in plan.pareto
        )
        facts.append(Fact("front", f"{number_of(len(tally.best), 'configuration')} by {goals}"))
    if count < (len(tally.best) if plan.pareto else counts.kept):
        word = "most" if plan.by.is_more_better else "least"
        first = "the one" if count == 1 else f"the {count:,}"
        facts.append(Fact("shown", f"{first} with the {word} {plan.by.name}"))
    ranked = sorted(tally.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    facts += [Fact("problem", f"{found:,} × {reason}") for reason, found in ranked[:LISTED]]
    more = len(ranked) - LISTED
    return facts + ([Fact("problem", f"{more:,} more kinds")] if more > 0 else [])


def _rows_text(plan: Plan, counts: Counts) -> str:
    parts = [number_of(counts.rows, "configuration")]
    if plan.where:
        parts.append(f"{counts.kept:,} satisfy {' and '.join(plan.where)}")
    if counts.problems:
        parts.append(f"{counts.problems:,} with a problem")
    if counts.unknown:
        parts.append(f"{counts.unknown:,} with an unknown number")
    if counts.checked:
        parts.append(f"{counts.checked:,} checked by the ordinary path")
    return ", ".join(parts)


def sweep_payload(
    about: Mapping[str, Any], plan: Plan, tally: Tally, rows: Sequence[Row]
) -> dict[str, Any]:
    """Return what ``-f json`` writes."""
    return {
        **about,
        "counts": tally.counts._asdict(),
        "problems": dict(sorted(tally.reasons.items())),
        "front": len(tally.best) if plan.pareto else None,
        "rows": [dict(zip(plan.names, row, strict=True)) for row in rows],
    }


def about_sweep(
    network: str, plan: Plan, files: Sequence[tuple[str, str]], more: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a sweep is, for those who read its rows: network, plan, files and version."""
    return {
        "convcalc": __version__,
        "network": network,
        "files": dict(files),
        **more,
        **described(plan),
    }


def plan_text(form: str, network: str, plan: Plan, steps: Sequence[Step], style: Style) -> str:
    """Return what a sweep would do, in a format of tables or as lines of JSON."""
    if form == JSON_LINES:
        return "\n".join(json_lines(Step._fields, steps))
    columns = [
        Column("what", "step", itemgetter(0)),
        Column("how", "how", itemgetter(1), folds=True),
    ]
    payload = [step._asdict() for step in steps]
    title = f"{sweep_title(network, plan)} · plan"
    return render(form, Table(title, tuple(columns), steps), payload, style)


def sweep_text(
    form: str,
    title: str,
    about: Mapping[str, Any],
    tally: Tally,
    style: Style,
) -> str:
    """The rows that are shown, in a format of tables or as lines of JSON."""
    plan, rows = tally.plan, tally.shown
    if form == JSON_LINES:
        return "\n".join(json_lines(plan.names, rows))
    payload = sweep_payload(about, plan, tally, rows) if form == "json" else None
    return render(form, sweep_table(title, plan, tally, rows), payload, style)
