"""The targets that words on the command line name."""

from __future__ import annotations

import sys

from convcalc.cli.console import Failure, say
from convcalc.importing.addressing import CODE, target_at
from convcalc.language.sources.target import Target

STDIN = "-"


def target_of(text: str | Target) -> Target:
    """The target that a word on the command line names; ``-`` is read from stdin."""
    if isinstance(text, Target):
        return text
    if text == STDIN:
        return Target(STDIN, None, _stdin())
    target = target_at(text)
    if target.format in CODE:
        from convcalc.importing.schemes import recipe_of

        say(f"note: {recipe_of(text).notice}")
    return target


def _stdin() -> bytes:
    """The bytes of stdin, at most one more than the limit, which is enough to refuse them."""
    from convcalc.language.limits import LIMITS, with_allowed

    if sys.stdin is None:
        raise Failure("standard input is closed")
    return sys.stdin.buffer.read(with_allowed(LIMITS).document.bytes + 1)
