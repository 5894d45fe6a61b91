"""Completion of commands, options and values in bash, zsh and fish.

The script of a shell (``cli/shells.py``) runs convcalc with the line so far, and with
``_CONVCALC_COMPLETE`` set to the name of the shell. What may follow is printed, one on each line.

A file name, a variant or the path of a layer may be a stranger's: whatever would not be shown as it
is, by the gate for text, is not offered, nothing is evaluated by the shells, no code is run to find
a value, and reading a network may take only a little work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from convcalc.cli.completion.line import Asked, asked, split
from convcalc.cli.console import print_text
from convcalc.diagnostics.visible import visible

VARIABLE = "_CONVCALC_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
FOUND, FILES = 0, 3  # the exit codes: these values; or the names of files, as the shell has them
MOST = 2000  # values that are offered
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,+@%-")


class Value(NamedTuple):
    """A word that may follow, and what it is."""

    word: str
    about: str = ""


def complete(shell: str, arguments: Sequence[str]) -> int:
    """Prints what may follow on a command line; returns the exit code.

    ``arguments`` are the words after the name of the program, the last one up to the cursor; from
    bash, the line up to the cursor and its characters that end words.
    """
    breaks = ""
    if shell == "bash":
        line, breaks = (*arguments, "", "")[:2]
        words = split(line)[1:] or [""]
    else:
        words = list(arguments) or [""]
    wanted = asked(words)
    found = offered(wanted)
    if found is None:
        return FILES
    shown = [each for each in found if each.word.startswith(wanted.word) and _is_plain(each.word)]
    head = wanted.before
    skipped = _skipped(head + wanted.word, breaks)
    lines = [_line(shell, head + each.word, each.about, skipped) for each in shown[:MOST]]
    if lines:
        print_text("\n".join(lines))
    return FOUND


def offered(wanted: Asked) -> list[Value] | None:
    """All values for the word that is asked for; None for names of files.

    Whatever goes wrong in a file that is looked at, no value is offered.
    """
    from convcalc.errors import Error

    try:
        if wanted.kind == "command":
            from convcalc.cli.completion.table import ABOUT

            return [Value(*each) for each in ABOUT.items()]
        if wanted.kind == "option":
            from convcalc.cli.completion.options import options

            return [Value(*each) for each in options(wanted.command)]
        from convcalc.cli.completion.values import values_of

        found = values_of(wanted)
        return None if found is None else [Value(*each) for each in found]
    except (Error, OSError, ValueError, RecursionError):
        return []


def _is_plain(word: str) -> bool:
    """Whether a word is shown as it is, on one line."""
    return bool(word) and visible(word, 0) == word


def _skipped(word: str, breaks: str) -> int:
    """How much of the word stays as it is typed: bash replaces what is behind ``=`` or ``:``."""
    return max((word.rfind(each) for each in breaks if each in "=:"), default=-1) + 1


def _line(shell: str, word: str, about: str, skipped: int) -> str:
    if shell == "bash":
        return "".join(c if c in _SAFE or c.isalnum() else f"\\{c}" for c in word[skipped:])
    return f"{word}\t{visible(about, 100)}" if about else word


def requested(arguments: Sequence[str] | None) -> int | None:
    """The exit code if a shell of convcalc's own scripts asks; None if it does not."""
    shell = os.environ.get(VARIABLE, "")
    if shell not in SHELLS:
        return None
    return complete(shell, list(sys.argv[1:] if arguments is None else arguments))
