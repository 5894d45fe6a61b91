"""The results of a check, for programs; ``convcalc check`` shows the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.configuration import check_codes
from convcalc.checking.discovery import discover
from convcalc.checking.run import Checked, Options, Run, first_findings
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.sources.target import TargetError
from convcalc.model.quantities.presented import Saved, Shown, number_of


class _Fields(NamedTuple):
    files: tuple[Checked, ...]
    strict: bool


class Outcome(Shown, Saved, _Fields):
    """The results of a check, file by file.

    ``files`` are the results in order, each with its ``file``, ``findings`` and ``verdicts``.
    ``strict`` says that warnings count as errors do.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        state = "passed" if self.passed else "failed"
        counts = f"{number_of(self.errors, 'error')}, {number_of(self.warnings, 'warning')}"
        return f"<Outcome {state}: {counts} in {number_of(len(self.files), 'file')}>"

    @property
    def passed(self) -> bool:
        """Whether ``convcalc check`` would exit with 0."""
        unreadable = any(result.unreadable for result in self.files)
        return not (unreadable or self.errors or (self.strict and self.warnings))

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """The findings of all files, in order."""
        return tuple(found for result in self.files for found in result.findings)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on all budgets and pinned numbers, in order."""
        return tuple(verdict for result in self.files for verdict in result.verdicts)

    @property
    def errors(self) -> int:
        """How many findings make the check fail."""
        return sum(result.errors for result in self.files)

    @property
    def warnings(self) -> int:
        """How many findings make the check fail only if it is strict."""
        return sum(result.warnings for result in self.files)


def checked(
    paths: Sequence[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    variant: str = "",
    policy: str = "",
    config: str = "",
    isolated: bool = False,
    strict: bool = False,
) -> Outcome:
    """Check files and folders, as ``convcalc check`` does; TargetError if there is nothing."""
    options = Options(
        check_codes(list(select), "select"),
        check_codes(list(ignore), "ignore"),
        variant,
        policy=policy,
        config=config,
        isolated=isolated,
    )
    words = list(paths) or [os.curdir]
    run = Run(options)
    here = run.held.configuration(os.curdir)
    files = discover(words, policy=run.held)
    if not files:
        advice = "they end in .convcalc.yaml, and are not ignored"
        raise TargetError(f"no network file in {', '.join(words)}", advice)
    done = tuple(first_findings(result) for result in run.check(files, words=words))
    if unmatched := next(run.unmatched_variants(files, done), None):
        raise TargetError(*unmatched)
    return Outcome(done, strict or here.strict)
