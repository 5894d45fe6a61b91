"""Comments that silence what the policy does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.checking.suppression import Ignore
from convcalc.checking.weakening.change import Change, change, listed
from convcalc.diagnostics.codes import RULES

_MOST = 100  # findings of one file


def new_comments(ignores: Iterable[Ignore]) -> Iterator[Change]:
    """Yield a finding for each new comment of a file; none silences anything until it is accepted.

    A comment that names several codes is one finding.
    """
    by_line: dict[tuple[int, bool], list[Ignore]] = {}
    for ignore in ignores:
        by_line.setdefault((ignore.place.line, not ignore.line), []).append(ignore)
    for number, ((_, is_wide), same) in enumerate(by_line.items(), 1):
        words = [f"{c} ({RULES[c].name})" for c in dict.fromkeys(each.code for each in same)]
        where = "in the whole file" if is_wide else "here"
        message = f"a new comment silences {listed(words)} {where}"
        more = len(by_line) - number
        if number == _MOST and more:
            message += f", and so do {more:,} more"
        advice = "it has no effect in this check; the reviewer decides"
        yield change("suppression-added", message, same[0].place, advice)
        if number == _MOST:
            return
