"""The verdict on one assertion for one network."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place


class Verdict(NamedTuple):
    """The result of one assertion, or of one pinned number, on one network.

    ``budget`` is the budget's name, ``title`` the assertion, ``subject`` the variant and input it
    was measured on, ``measured`` the value as text. ``skipped`` says why nothing could be
    measured; the cause has a finding of its own. ``hidden`` are the findings that a comment or a
    setting silences, which nothing does if it is ``locked``; ``broken`` means that there is an
    error by the rule, whatever severity counts.
    """

    budget: str
    title: str
    subject: str
    place: Place
    measured: str = ""
    findings: tuple[Diagnostic, ...] = ()
    skipped: str = ""
    locked: bool = False
    hidden: tuple[Diagnostic, ...] = ()
    broken: bool = False

    @property
    def passed(self) -> bool:
        """Whether it was measured and there is no error; warnings do not count."""
        is_failed = self.broken or any(found.severity == "error" for found in self.findings)
        return not (self.skipped or self.hidden or is_failed)

    @property
    def silenced(self) -> bool:
        """Whether all that was found is silenced, so that it neither passed nor failed."""
        return bool(self.hidden) and not self.findings

    @property
    def text(self) -> str:
        """The budget and the assertion: ``edge: params max 5M``."""
        return f"{self.budget}: {self.title}" if self.budget else self.title
