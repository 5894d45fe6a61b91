"""Prints problems of network files to stderr and returns the exit code for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from convcalc.cli.console import CLEAN, FINDINGS, Settings, say_diagnostic
from convcalc.diagnostics.diagnostic import Diagnostic


class Shown(Protocol):
    """A network, or what is left of one, of which problems are printed."""

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """The problems that were found."""

    @property
    def sources(self) -> Mapping[str, str]:
        """The texts that problems point into, by file."""

    @property
    def skipped(self) -> int:
        """How many layers could not be computed."""


# Warnings that the numbers are those of another input than was meant.
ABOUT_INPUT = frozenset({"batch-in-input", "channels-last-input", "declared-size-kept"})


def print_problems(networks: Sequence[Shown], settings: Settings, *, warnings: bool = True) -> int:
    """Prints every problem once, in full, and a summary; returns the exit code.

    Without ``warnings`` only those are printed that doubt the input that was given.
    """
    seen: set[Diagnostic] = set()
    for network in networks:
        for problem in network.problems:
            is_error = problem.severity == "error"
            is_wanted = warnings or problem.name in ABOUT_INPUT
            if problem not in seen and (is_error or (is_wanted and not settings.quiet)):
                say_diagnostic(problem, network.sources)
            seen.add(problem)
    if seen:
        settings.written = None  # problems are looked at anew each time
    if seen and warnings:
        settings.note(_summary(seen, sum(network.skipped for network in networks)))
    return FINDINGS if any(problem.severity == "error" for problem in seen) else CLEAN


def _summary(problems: set[Diagnostic], skipped: int) -> str:
    """``Found 3 errors, 1 warning; 2 layers were skipped``."""
    errors = sum(problem.severity == "error" for problem in problems)
    counts = ((errors, "error"), (len(problems) - errors, "warning"))
    found = ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count)
    if not skipped:
        return f"Found {found}."
    layers = "1 layer was" if skipped == 1 else f"{skipped:,} layers were"
    return f"Found {found}; {layers} skipped."
