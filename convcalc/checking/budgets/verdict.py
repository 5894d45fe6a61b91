"""What became of one demand on one network."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place


class Verdict(NamedTuple):
    """One assertion, or one pinned number, on one network.

    ``budget`` is the budget's name, ``title`` the demand, ``subject`` what it was measured on,
    ``measured`` the value in words. ``skipped`` says why nothing could be measured, where that
    was reported before.
    """

    budget: str
    title: str
    subject: str
    place: Place
    measured: str = ""
    findings: tuple[Diagnostic, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was measured and nothing is broken; a warning breaks nothing."""
        return not self.skipped and all(found.severity != "error" for found in self.findings)
