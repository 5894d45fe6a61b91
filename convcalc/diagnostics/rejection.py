"""Errors in one part of a network: raised where found, collected where reading can continue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place


class Rejected(Exception):
    """A part is wrong; carries the problems, none if they were reported already.

    ``needs_input``: the part depends on an unknown size, so it may be right after all. ``certain``
    are the problems that do not depend on one.
    """

    def __init__(self, *diagnostics: Diagnostic, needs_input: bool = False) -> None:
        super().__init__(*(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics
        self.certain = () if needs_input else diagnostics


class Recovered(Rejected):
    """A part is wrong, but what was meant is clear, so that reading goes on with it."""


def rejected(name: str, message: str, place: Place, advice: str = "") -> Rejected:
    """The exception to raise for one problem."""
    return Rejected(Diagnostic(name, message, place, advice))


def gather(attempts: Iterable[Callable[[], Any]]) -> list[Any]:
    """The results of calling all attempts.

    Raises one Rejected with the problems of all attempts that were rejected.
    """
    results, errors = [], []
    for attempt in attempts:
        try:
            results.append(attempt())
        except Rejected as error:
            errors.append(error)
    if errors:
        found = Rejected(*(diagnostic for error in errors for diagnostic in error.diagnostics))
        found.certain = tuple(diagnostic for error in errors for diagnostic in error.certain)
        raise found
    return results
