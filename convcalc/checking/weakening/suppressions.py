"""Comments that silence what the policy does not."""

from __future__ import annotations

from convcalc.checking.suppression import Ignore
from convcalc.checking.weakening.change import Change, change
from convcalc.diagnostics.codes import RULES


def new_comment(ignore: Ignore) -> Change:
    """Return the finding for a comment that is new; it silences nothing until it is accepted."""
    where = "in the whole file" if not ignore.line else "here"
    message = f"a new comment silences {ignore.code} ({RULES[ignore.code].name}) {where}"
    advice = "it has no effect in this check; whoever reviews it decides"
    return change("suppression-added", message, ignore.place, advice)
