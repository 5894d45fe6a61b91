"""The findings of a check as text; each format is a module here, imported when needed.

The module of a format has a function ``chunks(results, view)``, which yields pieces of text without
a newline at their end. Formats for people yield each finding as soon as it is known, formats for
programs one document at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from convcalc.checking.budgets.pins import BUDGET
from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.run import Checked, Hidden
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.visible import break_commands, exact_json, visible

MODEL = "model: "  # before the network's file, in what a finding of a budgets file is about


class View(NamedTuple):
    """The parts that are shown besides findings, whether in color, and the terminal's width."""

    show_passed: bool = False
    statistics: bool = False
    color: bool = False
    quiet: bool = False
    width: int | None = None


def chunks(format: str, results: Iterable[Checked], view: View) -> Iterator[str]:  # noqa: A002
    """Yield the results in a format, piece by piece."""
    module = import_module(f"convcalc.output.findings.{format}")
    written: Iterator[str] = module.chunks(results, view)
    return written


# --- what several formats say ------------------------------------------------------------------


def findings(results: Iterable[Checked]) -> Iterator[Diagnostic]:
    """Yield all findings in order."""
    return (found for result in results for found in result.findings)


def summary(results: Sequence[Checked]) -> str:
    """Return ``Found 1 error, 0 warnings in 3 models, 11 of 12 budgets passed.``"""
    errors, warnings = (sum(getattr(r, key) for r in results) for key in ("errors", "warnings"))
    networks = sum(result.networks for result in results)
    text = f"Found {_count_text(errors, 'error')}, {_count_text(warnings, 'warning')} in "
    text += _count_text(networks, "model")
    judged = [verdict for result in results for verdict in result.verdicts]
    for title, pins, verb in (("budget", False, "passed"), ("pinned number", True, "held")):
        some = [v for v in judged if (v.budget == BUDGET) is pins]
        if some:
            passed = sum(verdict.passed for verdict in some)
            text += f", {passed:,} of {_count_text(len(some), title)} {verb}"
            silenced = sum(verdict.silenced for verdict in some)
            text += f", {silenced:,} silenced" if silenced else ""
    silenced = sum(result.silenced for result in results)
    text += f"; {_count_text(silenced, 'finding')} silenced" if silenced else ""
    skipped = sum(result.skipped for result in results)
    text += f"; {_count_text(skipped, 'layer')} could not be computed" if skipped else ""
    unread = sum(result.unreadable for result in results)
    return text + (f"; {_count_text(unread, 'file')} could not be checked" if unread else "") + "."


def _count_text(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"


def statistics(results: Sequence[Checked]) -> list[str]:
    """Return a line per rule that was broken, with the number of findings, most first."""
    counts: dict[tuple[str, str], int] = {}
    for found in findings(results):
        key = (found.code, found.name)
        counts[key] = counts.get(key, 0) + 1
    width = len(str(max(counts.values(), default=0)))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"{count:>{width}}  {code}  {name}" for (code, name), count in ranked]


def passed_line(verdict: Verdict) -> str:
    """Return the line for an assertion or pin that holds, or that is silenced; empty for others."""
    word = "passed" if verdict.passed else "silenced" if verdict.silenced else ""
    line = f"{word} {verdict.text}: measured {verdict.measured}   {verdict.subject}"
    return visible(line) if word else ""


def silenced_findings(results: Iterable[Checked]) -> Iterator[Hidden]:
    """Yield the findings of budgets and pins that are silenced."""
    for result in results:
        of_verdicts = {found for verdict in result.verdicts for found in verdict.hidden}
        yield from (hidden for hidden in result.hidden if hidden.found in of_verdicts)


def concise_line(found: Diagnostic) -> str:
    """Return a finding on one line: ``path:46:17: error[CC301] params-over-budget: …``."""
    within = f" ({visible(one_line(found.within))})" if found.within else ""
    head = f"{visible(str(found.place))}: {found.severity}[{found.code}] {found.name}: "
    return break_commands(f"{head}{visible(found.message)}{within}")


def one_line(within: str) -> str:
    """Return the words that name a composite or a subject, with single blanks between them."""
    return re.sub(" +", " ", within)


def place_in_review(found: Diagnostic) -> Place:
    """Return where a review of a change shows a finding.

    A regression is that of the network, though the bound that it breaks is in the budgets file.
    """
    file = found.within.removeprefix(MODEL).rpartition("   variant: ")[0]
    is_of_network = found.name == "regression" and found.within.startswith(MODEL) and file
    return Place(file, 1, 1) if is_of_network else found.place


def budget_words(found: Diagnostic) -> str:
    """Return the words for the bound that is broken, where it is not at the place shown."""
    return "" if place_in_review(found) == found.place else f"budget: {found.place}"


def fingerprints(results: Iterable[Checked]) -> Iterator[tuple[Diagnostic, str]]:
    """Yield each finding with a unique fingerprint that survives changed lines and numbers."""
    return with_fingerprints(findings(results))


def with_fingerprints(listed: Iterable[Diagnostic]) -> Iterator[tuple[Diagnostic, str]]:
    """Yield each of some findings with a fingerprint."""
    from hashlib import sha256  # and with it OpenSSL

    seen: dict[str, int] = {}
    for found in listed:
        words = re.sub(r"[\d.,]+", "#", f"{found.message} {found.within}")
        key = f"{found.place.file}\n{found.code}\n{words}"
        count = seen[key] = seen.get(key, 0) + 1
        digest = sha256(f"{key}\n{count}".encode("utf-8", "backslashreplace"))
        yield found, digest.hexdigest()[:32]


def json_text(value: Any) -> str:
    """Return a value as indented JSON."""
    return exact_json(value, indent=1)
