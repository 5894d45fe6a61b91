"""Writes a Markdown summary for a pull request or the page of a CI run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.visible import LONGEST_CELL, visible
from convcalc.output.findings.base import View, findings, one_line, statistics, summary
from convcalc.output.markdown import escape

MOST_BYTES = 2**20 - 4096  # GitHub refuses a step summary above 1 MiB


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield the summary: findings and passed budgets as tables."""
    yield text(list(results), view)


def text(results: list[Checked], view: View, most: int = MOST_BYTES) -> str:
    """Return the summary, cut between two rows before it exceeds ``most`` bytes."""
    lines = ["### convcalc check", "", summary(results)]
    found = sorted(findings(results), key=lambda each: each.severity)
    if found:
        lines += ["", "| place | rule | finding |", "|---|---|---|", *map(_row, found)]
    judged = [verdict for result in results for verdict in result.verdicts]
    lines += _table("silenced", [verdict for verdict in judged if verdict.silenced])
    if view.show_passed:
        lines += _table("passed", [verdict for verdict in judged if verdict.passed])
    if view.statistics:
        lines += ["", "```text", *statistics(results), "```"]
    return _cut(lines, most)


def _table(title: str, judged: list[Verdict]) -> list[str]:
    """Return the lines of a table of budgets and pins; none if there are none."""
    if not judged:
        return []
    rows = [
        f"| {_cell(f'{v.budget} {v.title}'.strip())} | {_cell(v.measured)} | {_cell(v.subject)} |"
        for v in judged
    ]
    return ["", f"| {title} | measured | on |", "|---|---|---|", *rows]


def _row(found: Diagnostic) -> str:
    more = [f"help: {found.help}" if found.help else "", *found.notes, found.measured, found.within]
    said = "<br>".join(_cell(part) for part in (found.message, *filter(None, more)))
    return f"| {_cell(str(found.place))} | {found.severity} {found.code} {found.name} | {said} |"


def _cell(text: str) -> str:
    """Return a text on one line, of which Markdown makes nothing."""
    return escape(visible(one_line(text), LONGEST_CELL))


def _cut(lines: list[str], most: int) -> str:
    """Return as many whole lines as fit, and a line that counts the others."""
    kept: list[str] = []
    size = 0
    for number, line in enumerate(lines):
        size += len(line.encode("utf-8", "backslashreplace")) + 1
        if size > most - 100:
            kept += ["", f"… and {len(lines) - number:,} more lines, see the log"]
            break
        kept.append(line)
    return "\n".join(kept)
