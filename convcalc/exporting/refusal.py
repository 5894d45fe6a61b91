"""A part that cannot be exported, with its place in the file."""

from __future__ import annotations

from convcalc.diagnostics.diagnostic import Place
from convcalc.errors import Error


class Refused(Error):
    """Something of a network has no counterpart in the format; ``what`` names it."""

    def __init__(self, what: str, why: str, place: Place, advice: str = "") -> None:
        super().__init__(f"{place}: {why}", advice)
        self.what = what
        self.place = place
