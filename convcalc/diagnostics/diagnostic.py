"""Problems as data: where, what, and how to fix it; they become text as late as possible.

The text looks like a compiler's: a code and a kebab-case name, one sentence, the
source line with a caret, related places, and a help line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from convcalc.diagnostics.codes import BY_NAME
from convcalc.diagnostics.visible import visible
from convcalc.errors import Error

_SHORT = 60  # characters of a text in a repr


class Place(NamedTuple):
    """A span of one source line. Lines and columns count from 1; ``end`` is exclusive.

    In a format without lines, ``element`` names the part, such as a node of a graph; the line is
    then 1.
    """

    file: str
    line: int
    column: int
    end: int = 0
    element: str = ""

    def __str__(self) -> str:
        if self.element:
            return f"{self.file}: {self.element}"
        return f"{self.file}:{self.line}:{self.column}"


class Related(NamedTuple):
    """Another place that a problem involves, and how."""

    place: Place
    note: str


class _Fields(NamedTuple):
    name: str
    message: str
    place: Place
    help: str
    related: tuple[Related, ...]
    within: str
    severity: str
    measured: str
    notes: tuple[str, ...]


class Diagnostic(_Fields):
    """One problem of one file.

    ``within`` names the composite that contains it, for instance ``in Up (called at :29)``;
    ``measured`` is what was found where the caret points; ``notes`` are further facts, one per
    line. ``severity`` defaults to that of the rule.
    """

    __slots__ = ()

    def __new__(
        cls,
        name: str,
        message: str,
        place: Place,
        help: str = "",  # noqa: A002
        related: tuple[Related, ...] = (),
        within: str = "",
        severity: str = "",
        measured: str = "",
        notes: tuple[str, ...] = (),
    ) -> Self:
        severity = severity or BY_NAME[name].severity
        return super().__new__(
            cls, name, message, place, help, related, within, severity, measured, notes
        )

    def __repr__(self) -> str:
        place, message = visible(str(self.place), _SHORT), visible(self.message, 2 * _SHORT)
        return f"<Diagnostic {self.severity} {self.code} {self.name} at {place}: {message}>"

    @property
    def code(self) -> str:
        """The stable code of the rule, such as ``CC103``."""
        return BY_NAME[self.name].code


class NetworkError(Error):
    """A network could not be read or analysed; carries every problem that was found."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(f"{d.place}: {d.message}" for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics sorted by place, without duplicates.

    A defect in a block that is called ten times is reported once.
    """
    unique = {(d.place, d.name): d for d in reversed(list(diagnostics))}
    return sorted(unique.values(), key=lambda d: (d.place, d.name))
