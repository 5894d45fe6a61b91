"""Targets: the networks that a command or a call is asked to analyse."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.errors import Error
from convcalc.language.sources.files import Files
from convcalc.language.sources.gate import advice, reason
from convcalc.language.syntax.nodes import Mapping


class Target(NamedTuple):
    """A network to analyse: a file (``-`` for stdin), a variant, and ``text`` if already read.

    ``files`` reads its imports; None means the folders of this machine. ``root`` is the content
    as nodes for a network that was never a file, with the ``problems`` found so far; their places
    point into ``text``. ``format`` is that of a model file, if it was said: ``onnx:FILE``.
    """

    file: str
    variant: str | None = None
    text: str | bytes | None = None
    files: Files | None = None
    root: Mapping | None = None
    problems: tuple[Diagnostic, ...] = ()
    format: str = ""


class TargetError(Error):
    """A target cannot be read, or has no such variant, param or input."""


class NoRevision(TargetError):
    """There is no such git revision, or no repository."""


def unreadable(file: str, error: OSError) -> TargetError:
    """The error for a file that cannot be read."""
    return TargetError(f"cannot read {file}: {reason(error)}", advice(error))
