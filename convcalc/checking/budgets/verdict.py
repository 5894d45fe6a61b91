"""The verdict on one assertion for one network."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place


class Verdict(NamedTuple):
    """The result of one assertion, or of one pinned number, on one network.

    ``budget`` is the budget's name, ``title`` the assertion, ``subject`` the variant and input it
    was measured on, ``measured`` the value as text. ``skipped`` says why nothing could be
    measured; the cause has a finding of its own.
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
        """Whether it was measured and there is no error; warnings do not count."""
        return not self.skipped and all(found.severity != "error" for found in self.findings)
