"""Prints every finding with its source line, as soon as it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.painting import lines_for_terminal
from convcalc.diagnostics.text import full_text
from convcalc.output.findings.base import View, passed_line, statistics, summary


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one piece per finding, then the statistics and the summary."""
    done: list[Checked] = []
    texts: dict[str, str] = {}
    for result in results:
        done.append(result)
        texts.update(result.sources)
        yield from (_text(found, texts, view) for found in result.findings)
        if view.show_passed:
            passed = filter(None, map(passed_line, result.verdicts))
            yield from (_fitted(line, view) for line in passed)
    if view.statistics:
        yield from statistics(done)
    if not view.quiet:
        yield _fitted(summary(done), view)


def _text(found: Diagnostic, texts: dict[str, str], view: View) -> str:
    return _fitted(full_text(found, texts, view.width), view)


def _fitted(text: str, view: View) -> str:
    lines = lines_for_terminal(text.split("\n"), view.width, color=view.color)
    return "\n".join(lines)
