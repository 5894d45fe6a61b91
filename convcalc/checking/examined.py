"""The findings of one network file, and the requirements of a policy for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.weakening.change import Change
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.sources.target import Target


class Examined(NamedTuple):
    """All findings of a file, before settings and comments are applied.

    ``networks`` counts its variants, each at every input; ``skipped`` the layers of the worst of
    them that could not be computed. ``severities`` are those that its budgets set, by code.
    ``variants`` are the names of the base and the variants. If ``is_complete``, nothing hid a
    finding, so that an ignore comment without one is unused. ``changes`` are those in what it is
    held to. ``is_library``: it only defines blocks. ``work``: the units of work that all took.
    """

    findings: tuple[Diagnostic, ...]
    verdicts: tuple[Verdict, ...]
    networks: int
    skipped: int
    sources: Mapping[str, str]
    severities: Mapping[str, str]
    variants: tuple[str, ...]
    is_complete: bool
    changes: tuple[Change, ...] = ()
    is_library: bool = False
    work: int = 0


class Held(NamedTuple):
    """The requirements of the policy for a network file.

    ``budgets`` are those of the policy's repository that apply. ``before`` is the file as it was,
    if it is another now, and ``path`` where it stood; ``saved`` reads a saved report of the policy.
    """

    budgets: Sequence[Budget] = ()
    before: Target | None = None
    path: str = ""
    saved: Callable[[str], bytes] | None = None
