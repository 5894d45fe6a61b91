"""Checks one network file in all its variants: problems, design rules, pins and budgets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.checking.budgets.before import Before, from_revision, from_saved, is_saved
from convcalc.checking.budgets.evaluation import Subject, skipped_verdicts, verdicts
from convcalc.checking.budgets.pins import BUDGET, check_pins
from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.configuration import Configuration
from convcalc.checking.rules import findings as design_findings
from convcalc.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from convcalc.diagnostics.work import TooMuchWork
from convcalc.language.assertions.vocabulary import Budget, Compare, Named
from convcalc.language.file_facts import NetworkFile
from convcalc.language.reading import NO_LAYERS, Inputs, NetworkSource
from convcalc.language.sources.plain_files import read_regular_file
from convcalc.language.sources.target import Target, TargetError

ALL = "all"
OF_INPUT = ("channels-last-input", "declared-size-kept")  # warnings that depend on the input


class Examined(NamedTuple):
    """All findings of a file, before settings and comments are applied.

    ``networks`` counts its variants, each at every input; ``skipped`` the layers of the worst of
    them that could not be computed. ``severities`` are those that its budgets set, by code.
    ``variants`` are the names of the base and the variants, ``work`` the units of work that all
    took. If ``is_complete``, nothing hid a
    finding, so that an ignore comment without one is unused.
    """

    findings: tuple[Diagnostic, ...]
    verdicts: tuple[Verdict, ...]
    networks: int
    skipped: int
    sources: Mapping[str, str]
    severities: Mapping[str, str]
    variants: tuple[str, ...]
    is_complete: bool
    work: int = 0


class Examination:
    """Collects the findings and verdicts of one file.

    ``budgets`` are those of the repository that apply to it; ``wanted`` is the name of a variant,
    empty for the base, or "all".
    """

    def __init__(
        self, target: Target, settings: Configuration, budgets: Sequence[Budget], wanted: str = ALL
    ) -> None:
        self.target = target
        self.settings = settings
        self.budgets = budgets
        self.wanted = wanted
        self.source = NetworkSource(target, settings.limits)
        self.first = self.read_first("" if wanted == ALL else wanted)
        self.findings: dict[tuple[object, ...], Diagnostic] = {}
        self.verdicts: list[Verdict] = []
        self.sources: dict[str, str] = dict(self.first.sources)
        self.networks = 0
        self.skipped = 0

    def read_first(self, variant: str) -> NetworkFile:
        """Read the wanted variant, or the base if the file has no such variant.

        The result also tells the names of all variants.
        """
        try:
            return self.read(variant)
        except TargetError:
            if not variant:
                raise
            return self.read("")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the base and of its variants."""
        return (self.first.base, *self.first.variants)

    def read(self, variant: str, inputs: Inputs = None) -> NetworkFile:
        """Read a variant of the file, at other inputs if they are given."""
        return self.source.network(variant or None, inputs)

    @property
    def is_library(self) -> bool:
        """Whether the file only defines blocks for others."""
        return any(p.message == NO_LAYERS and p.help for p in self.first.problems)

    @property
    def has_errors(self) -> bool:
        """Whether something could not be computed, so that findings may be missing."""
        return any(f.severity == "error" and f.code < "CC2" for f in self.findings.values())

    @property
    def variants(self) -> list[str]:
        """The variants to check, the base as an empty name; empty if there is no such variant.

        A file that could not be read at all has no names; it is checked anyway.
        """
        if self.wanted == ALL:
            return ["", *self.first.variants]
        if self.wanted in ("", self.first.base) or not self.first.base:
            return [""]
        return [self.wanted] if self.wanted in self.first.variants else []

    def examine(self) -> Examined:
        """Check the wanted variants."""
        try:
            for variant in self.variants:
                is_read = variant == (self.first.variant or "")
                self.examine_variant(variant, self.first if is_read else self.read(variant))
        except TooMuchWork as error:
            self.keep([error.diagnostic(self.target.file)], "")
        has_all = self.wanted == ALL or not self.first.variants
        return Examined(
            tuple(self.findings.values()),
            tuple(self.verdicts),
            self.networks,
            self.skipped,
            self.sources,
            {code: word for budget in self.budgets for code, word in budget.rules.items()},
            self.names,
            has_all and not self.has_errors and not self.is_library,
        )

    def examine_variant(self, variant: str, network: NetworkFile) -> None:
        """Check one variant at its own input and at the inputs of its budgets."""
        words = _subject(variant, network)
        self.sources.update(network.sources)
        if self.is_library:
            self.keep([p for p in network.problems if p.message != NO_LAYERS], "")
            return
        self.networks += 1
        self.skipped = max(self.skipped, network.skipped)
        self.keep(network.problems, f"variant: {variant}" if variant else "")
        in_file = [network.budgets] if network.budgets else []
        if not _is_computed(network):
            self.skip(network, [*in_file, *self.budgets_for(variant, network)], words)
            return
        self.keep(design_findings(network), f"variant: {variant}" if variant else "")
        at_home = [budget for budget in self.budgets_for(variant, network) if not budget.inputs]
        if in_file or at_home or network.expect.get(network.name):
            report = analyse(network)
            self.verdicts += check_pins(network, report, words)
            for budget in [*in_file, *at_home]:
                self.judge(budget, network, report, words, variant, None)
        for budget in self.budgets_for(variant, network):
            for inputs, named in budget.inputs:
                self.judge_at_input(budget, variant, inputs, named)

    def budgets_for(self, variant: str, network: NetworkFile) -> list[Budget]:
        """Return the repository's budgets that apply to a variant."""
        name = variant or network.base
        return [b for b in self.budgets if not b.variants or name in [v.text for v in b.variants]]

    def judge_at_input(self, budget: Budget, variant: str, inputs: Inputs, named: Named) -> None:
        """Judge a budget at one of the inputs that it names."""
        words = f"variant: {variant or 'base'}   input: {named.text}"
        try:
            network = self.read(variant, inputs)
        except TargetError as error:
            found = Diagnostic("wrong-rank", error.message, named.place, error.help, within=words)
            self.keep([found], "")
            self.verdicts += skipped_verdicts(budget, words, error.message)
            return
        self.networks += 1
        if _is_computed(network):
            self.keep([p for p in network.problems if p.name in OF_INPUT], f"input: {named.text}")
            self.judge(budget, network, analyse(network), words, variant, inputs)
            return
        self.keep([p for p in network.problems if p.severity == "error"], f"input: {named.text}")
        self.skip(network, [budget], words, pins=False)

    # --- what is kept -------------------------------------------------------------------------

    def keep(self, found: Sequence[Diagnostic] | Iterator[Diagnostic], within: str) -> None:
        """Record findings; the same defect in many variants is recorded once."""
        for each in sort_diagnostics(found):
            if (each.place, each.name) not in self.findings:
                elsewhere = each.place.file != self.target.file
                words = (each.within, within, f"network: {self.target.file}" if elsewhere else "")
                located = each._replace(within="   ".join(filter(None, words)))
                self.findings[each.place, each.name] = located

    def judge(
        self,
        budget: Budget,
        network: NetworkFile,
        report: Report,
        words: str,
        variant: str,
        inputs: Inputs,
    ) -> None:
        """Record the verdicts of one budget at one input."""

        def before(compare: Compare) -> Before:
            if is_saved(compare.base):
                folder = os.path.dirname(compare.place.file)
                path = os.path.join(folder, compare.base)
                found = from_saved(path, network.name, _read_report)
                if inputs is not None and found.report.inputs != network.inputs:
                    raise TargetError(f"{path} was saved at another input")
                return found
            target = Target(self.target.file, variant or None)
            return from_revision(compare.base, target, inputs, self.settings.limits)

        if budget.name:
            words = f"model: {self.target.file}   {words}"
        self.verdicts += verdicts(budget, Subject(network, report, words, before))

    def skip(
        self, network: NetworkFile, budgets: Sequence[Budget], words: str, *, pins: bool = True
    ) -> None:
        """Record that pins and budgets of a network that could not be computed were skipped."""
        reason = "the network has problems"
        for metric in network.expect.get(network.name, {}) if pins else ():
            place = network.pinned_at[network.name, metric]
            self.verdicts.append(Verdict(BUDGET, metric, words, place, skipped=reason))
        for budget in budgets:
            self.verdicts += skipped_verdicts(budget, words, reason)


def _is_computed(network: NetworkFile) -> bool:
    return all(problem.severity != "error" for problem in network.problems)


def _subject(variant: str, network: NetworkFile) -> str:
    """Return the line of a finding that names the network: ``variant: base   input: 3×224×224``."""
    shapes = [
        str(shape) if len(network.inputs) == 1 else f"{name} {shape}"
        for name, shape in network.inputs.items()
    ]
    return f"variant: {variant or 'base'}   input: {', '.join(shapes)}"


def _read_report(path: str) -> bytes:
    """Return the content of a saved report."""
    return read_regular_file(path, _LARGEST_REPORT)


_LARGEST_REPORT = 256 * 2**20
