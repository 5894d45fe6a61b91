"""Decides which findings count, and with which severity, by the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from convcalc.checking.configuration import EVERYTHING, Configuration, is_chosen
from convcalc.checking.patterns import is_within
from convcalc.checking.suppression import can_be_silenced
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic


class Selection(NamedTuple):
    """The settings that hold for one file; ``severities`` are those of its budgets."""

    settings: Configuration
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: Mapping[str, str] = {}

    def judge(self, found: Diagnostic, file: str, *, locked: bool = False) -> Diagnostic | None:
        """Return a finding about a network file with its severity; None if it does not count.

        An error of the file itself always counts: nothing after it could be computed. What is
        ``locked`` counts unless the command line leaves it out.
        """
        if not can_be_silenced(found):
            return found
        if locked:
            is_wanted = is_chosen(found.code, self.select or (EVERYTHING,), self.ignore)
            return found if is_wanted else None
        word = self.severities.get(found.code) or self.settings.severity.get(found.code)
        if word == "ignore" or not self.is_active(found.code, file):
            return None
        if found.code in self.ignored_codes(found.place.file):
            return None
        return found._replace(severity=word) if word else found

    def is_active(self, code: str, file: str) -> bool:
        """Whether a code is active in a file; the longest prefix that is listed decides."""
        chosen = self.select or self.settings.select
        left_out = (*self.ignore, *(() if self.select else self.settings.ignore))
        return is_chosen(code, chosen, left_out) and code not in self.ignored_codes(file)

    def ignored_codes(self, file: str) -> frozenset[str]:
        """Return the codes that the settings ignore in a file."""
        listed = self.settings.per_file_ignores
        if not listed:
            return frozenset()
        path = os.path.relpath(os.path.realpath(file), os.path.realpath(self.settings.folder))
        path = path.replace(os.sep, "/")
        begun = [code for pattern, codes in listed if is_within((pattern,), path) for code in codes]
        return frozenset(code for code in RULES if any(map(code.startswith, begun)))

    def active_codes(self, file: str) -> frozenset[str]:
        """Return all codes that are active in a file."""
        return frozenset(code for code in RULES if self.is_active(code, file))
