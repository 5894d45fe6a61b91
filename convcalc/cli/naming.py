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
    elif target.text is None and target.variant is None and text.isidentifier():
        _say_family(target, text)
    return target


def _say_family(target: Target, word: str) -> None:
    """Says which network a word stands for that names a family of them."""
    from convcalc.language.sources.resolve import family_of
    from convcalc.language.sources.shipped import shipped_names

    if family_of(target.file) != word or target.file == word:
        return
    names = [name for name, each in shipped_names().items() if each.file == target.file]
    if names and names[0] != word:
        others = f"; also {', '.join(names[1:])}" if names[1:] else ""
        say(f"note: {word} is {names[0]}{others}")


def _stdin() -> bytes:
    """The bytes of stdin, at most one more than the limit, which is enough to refuse them."""
    from convcalc.language.limits import LIMITS, with_allowed

    if sys.stdin is None:
        raise Failure("standard input is closed")
    return sys.stdin.buffer.read(with_allowed(LIMITS).document.bytes + 1)
