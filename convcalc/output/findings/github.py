"""Writes workflow commands of GitHub Actions, which become annotations, and the list as text.

A step shows at most ten errors and ten warnings; the tenth says how many more are in the log.
Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.visible import visible
from convcalc.output.findings.base import (
    View,
    concise_line,
    findings,
    one_line,
    place_in_review,
    statistics,
    summary,
)

MOST = 10  # annotations of a kind in one step


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield the annotations, then every finding on a line."""
    done = list(results)
    found = list(findings(done))
    for severity in ("error", "warning"):
        yield from _annotations([each for each in found if each.severity == severity])
    yield from map(concise_line, found)
    if view.statistics:
        yield from statistics(done)
    if not view.quiet:
        yield summary(done)


def _annotations(listed: list[Diagnostic]) -> Iterator[str]:
    more = len(listed) - MOST
    for number, found in enumerate(listed[:MOST], 1):
        rest = ""
        if number == MOST and more > 0:
            rest = f"\nand {more:,} more {found.severity}{'s' * (more != 1)}, see the log"
        yield _annotation(found, rest)


def _annotation(found: Diagnostic, rest: str) -> str:
    """Return a command such as ``::error title=convcalc (CC301),file=…,line=46,col=17::…``."""
    place = place_in_review(found)
    properties = {
        "title": f"convcalc ({found.code})",
        "file": place.file,
        "line": str(place.line),
        "col": str(place.column),
        "endLine": str(place.line),
    }
    if place.end:
        properties["endColumn"] = str(place.end)
    lines = [f"{found.place}: {found.code} {found.message}", *found.notes]
    lines += [f"help: {found.help}"] if found.help else []
    lines += [one_line(found.within)] if found.within else []
    text = "\n".join(map(visible, lines)) + rest
    return f"::{found.severity} {_properties_text(properties)}::{_escape(text)}"


def _properties_text(properties: Mapping[str, str]) -> str:
    """Return the properties of a command, with the separators in their values escaped."""
    pairs = ((key, _escape(visible(value))) for key, value in properties.items())
    return ",".join(
        f"{key}={value.replace(':', '%3A').replace(',', '%2C')}" for key, value in pairs
    )


def _escape(text: str) -> str:
    """Escape the characters that would end a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
