"""Prints one line per finding, as soon as it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.checking.run import Checked
from convcalc.output.findings.base import View, concise_line, passed_line, statistics, summary


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one piece per finding, then the statistics and the summary."""
    done: list[Checked] = []
    for result in results:
        done.append(result)
        yield from map(concise_line, result.findings)
        if view.show_passed:
            yield from filter(None, map(passed_line, result.verdicts))
    if view.statistics:
        yield from statistics(done)
    if not view.quiet:
        yield summary(done)
