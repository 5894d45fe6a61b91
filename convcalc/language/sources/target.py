"""What a command or a call is asked to analyse."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.errors import Error
from convcalc.language.sources.files import Files
from convcalc.language.syntax.nodes import Mapping


class Target(NamedTuple):
    """What to analyse: a file (``-`` for stdin) and a variant; ``text`` if it is at hand.

    ``files`` is where its imports are read if not from the folders of this machine. ``root`` is the
    content as nodes, with ``problems`` met so far, where it never was a file; their places point
    into ``text``.
    """

    file: str
    variant: str | None = None
    text: str | bytes | None = None
    files: Files | None = None
    root: Mapping | None = None
    problems: tuple[Diagnostic, ...] = ()


class TargetError(Error):
    """What was asked for cannot be read or is wrongly asked for."""
