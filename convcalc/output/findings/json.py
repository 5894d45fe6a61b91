"""Writes all results as JSON for programs; its keys are a public interface."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from convcalc._version import __version__
from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.output.findings.base import View, fingerprints, json_text

SCHEMA = "convcalc/check-v1"


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one JSON document."""
    done = list(results)
    prints = {id(found): name for found, name in fingerprints(done)}
    yield json_text(
        {
            "schema": SCHEMA,
            "tool": {"name": "convcalc", "version": __version__},
            "summary": {
                "errors": sum(result.errors for result in done),
                "warnings": sum(result.warnings for result in done),
                "silenced": sum(result.silenced for result in done),
                "models": sum(result.networks for result in done),
                "skipped": sum(result.skipped for result in done),
                "budgets": sum(len(result.verdicts) for result in done),
                "passed": sum(v.passed for result in done for v in result.verdicts),
                "silenced_budgets": sum(v.silenced for result in done for v in result.verdicts),
                "unreadable": sum(result.unreadable for result in done),
            },
            "files": [_file(result, prints) for result in done],
        }
    )


def _file(result: Checked, prints: dict[int, str]) -> dict[str, Any]:
    return {
        "file": result.file,
        "models": result.networks,
        "skipped": result.skipped,
        "silenced": result.silenced,
        "unreadable": result.unreadable,
        "findings": [
            {**_finding(found), "fingerprint": prints[id(found)]} for found in result.findings
        ],
        "silenced_findings": [
            {**_finding(hidden.found), "by": "comment" if hidden.by_comment else "settings"}
            for hidden in result.hidden
        ],
        "budgets": [_verdict(verdict) for verdict in result.verdicts],
    }


def _finding(found: Diagnostic) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "severity": found.severity,
        "message": found.message,
        "help": found.help,
        "within": found.within,
        "measured": found.measured,
        "notes": list(found.notes),
        **_place(found.place),
        "related": [{**_place(each.place), "note": each.note} for each in found.related],
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_column": place.end or None,
        "element": place.element or None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "budget": verdict.budget,
        "assertion": verdict.title,
        "subject": verdict.subject,
        "measured": verdict.measured,
        "passed": verdict.passed,
        "silenced": verdict.silenced,
        "locked": verdict.locked,
        "skipped": verdict.skipped or None,
        **_place(verdict.place),
    }
