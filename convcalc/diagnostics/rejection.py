"""Wrong parts, raised where they are met and collected where the next part can go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place


class Rejected(Exception):
    """A part is wrong; carries the problems, none if they were reported before.

    ``needs_input``: it depends on a size that is not known, so that it may not be wrong at all.
    """

    def __init__(self, *diagnostics: Diagnostic, needs_input: bool = False) -> None:
        super().__init__(*(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics
        self.needs_input = needs_input


def rejected(name: str, message: str, place: Place, advice: str = "") -> Rejected:
    """The exception for one problem."""
    return Rejected(Diagnostic(name, message, place, advice))


def gather(attempts: Iterable[Callable[[], Any]]) -> list[Any]:
    """The results of several attempts; if some are rejected, all their problems at once."""
    results, errors = [], []
    for attempt in attempts:
        try:
            results.append(attempt())
        except Rejected as error:
            errors.append(error)
    if errors:
        problems = [diagnostic for error in errors for diagnostic in error.diagnostics]
        raise Rejected(*problems, needs_input=all(error.needs_input for error in errors))
    return results
