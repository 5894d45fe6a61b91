"""Prints every finding with its source line, as soon as it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.text import full_text
from convcalc.output.findings.base import View, passed_line, statistics, summary

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_PLAIN = "\x1b[0m"


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one piece per finding, then the statistics and the summary."""
    done: list[Checked] = []
    texts: dict[str, str] = {}
    for result in results:
        done.append(result)
        texts.update(result.sources)
        yield from (_text(found, texts, view) for found in result.findings)
        if view.show_passed:
            yield from filter(None, map(passed_line, result.verdicts))
    if view.statistics:
        yield from statistics(done)
    if not view.quiet:
        yield summary(done)


def _text(found: Diagnostic, texts: dict[str, str], view: View) -> str:
    text = full_text(found, texts)
    if not view.color:
        return text
    head, rest = text[: text.index("]") + 1], text[text.index("]") + 1 :]
    return f"{_COLORS.get(found.severity, '')}{head}{_PLAIN}{rest}"
