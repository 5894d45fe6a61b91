"""Checks one network file in all its variants: problems, design rules, pins and budgets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.checking.budgets.before import (
    Before,
    beside,
    from_revision,
    from_saved,
    is_saved,
)
from convcalc.checking.budgets.evaluation import Subject, skipped_verdicts, verdicts
from convcalc.checking.budgets.measuring import parts_read
from convcalc.checking.budgets.merging import united
from convcalc.checking.budgets.pins import BUDGET, check_pins
from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.configuration import ALL, Configuration
from convcalc.checking.examined import Examined, Held
from convcalc.checking.rules import findings as design_findings
from convcalc.checking.weakening.change import Change, is_weaker
from convcalc.checking.weakening.networks import (
    changed_report,
    lost_variants,
    network_changes,
    released,
)
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.work import TooMuchWork
from convcalc.importing.opening import Source, open_source
from convcalc.language.assertions.vocabulary import Budget, Compare, Named
from convcalc.language.building import NO_LAYERS
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.head import BASE
from convcalc.language.head.inputs import Inputs
from convcalc.language.sources.gate import REPORT_BYTES, read_all
from convcalc.language.sources.project import project
from convcalc.language.sources.target import Target, TargetError

OF_INPUT = ("channels-last-input", "declared-size-kept")  # warnings that depend on the input


class Examination:
    """Collects the findings and verdicts of one file.

    ``budgets`` are those of the repository that apply to it; ``wanted`` is the name of a variant,
    empty for the base, or "all". ``held`` is what the policy says. With ``allow_code`` models are
    built that a file names under ``verify``. ``inputs`` and ``params`` are in place of the file's
    own; its pins, which are numbers at its own, are then not checked. ``dtype`` is
    that of budgets that name none.
    """

    def __init__(
        self,
        target: Target,
        settings: Configuration,
        budgets: Sequence[Budget],
        wanted: str = ALL,
        held: Held | None = None,
        *,
        allow_code: bool = False,
        inputs: Inputs = None,
        params: Mapping[str, str] | None = None,
        dtype: str = "",
    ) -> None:
        self.dtype = dtype
        self.inputs = inputs
        self.params = params or {}
        self.allow_code = allow_code
        self.target = target
        self.settings = settings
        self.budgets = budgets
        self.held = held
        self.wanted = wanted
        self.changes: list[Change] = []
        self.source = open_source(target, settings.limits)
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
        return self.source.network(variant or None, inputs or self.inputs, self.params)

    @property
    def is_library(self) -> bool:
        """Whether the file only defines blocks for others."""
        return any(p.message == NO_LAYERS and p.help for p in self.first.problems)

    @property
    def is_locked(self) -> bool:
        """Whether a budget holds for all variants, whatever the settings choose."""
        held = self.held.budgets if self.held else ()
        bases = (self.first, self.earlier_base)
        in_file = [base.budgets for base in bases if base is not None]
        return any(budget.locked for budget in (*self.budgets, *held, *in_file) if budget)

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
        is_base = self.wanted == BASE and BASE not in self.first.variants
        if is_base or self.wanted in ("", self.first.base) or not self.first.base:
            return [""]
        return [self.wanted] if self.wanted in self.first.variants else []

    def examine(self) -> Examined:
        """Check the wanted variants."""
        try:
            for variant in self.variants:
                is_read = variant == (self.first.variant or "")
                self.examine_variant(variant, self.first if is_read else self.read(variant))
            self.compare_variants()
        except TooMuchWork as error:
            self.keep([error.diagnostic(self.target.file)], "")
        has_all = self.wanted == ALL or not self.first.variants
        return Examined(
            tuple(self.findings.values()),
            tuple(self.verdicts),
            self.networks,
            self.skipped,
            self.sources,
            self.severities(),
            self.names,
            has_all and not self.has_errors and not self.is_library,
            tuple(dict.fromkeys(self.changes)),
            self.is_library,
        )

    def severities(self) -> dict[str, str]:
        """Return the severities that the budgets set; under a policy, none below its own."""
        own = {code: word for budget in self.budgets for code, word in budget.rules.items()}
        if self.held is None:
            return own
        found = {code: word for budget in self.held.budgets for code, word in budget.rules.items()}
        for code, word in own.items():
            if is_weaker(found.get(code) or RULES[code].severity, word):
                found[code] = word
        return found

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
        demanded = self.demanded(variant, network)
        at_home = [budget for named, budgets in demanded if named is None for budget in budgets]
        if not _is_computed(network):
            self.skip(network, [budget for _, budgets in demanded for budget in budgets], words)
            return
        self.keep(design_findings(network), f"variant: {variant}" if variant else "")
        if network.verified is not None:
            from convcalc.checking.agreeing import model_findings  # few files name a model

            read = partial(self.read, variant)
            self.keep(model_findings(network, read, allow_code=self.allow_code), "")
        is_own = not (self.inputs or self.params)
        pinned = network.expect.get(network.name, {}) if is_own else {}
        if at_home or pinned:
            report = analyse(network, parts=parts_read(at_home, pinned))
            self.verdicts += check_pins(network, report, words) if is_own else ()
            for budget in at_home:
                self.judge(budget, network, report, words, variant, None)
        for named, budgets in demanded:
            if named is not None:
                for budget in budgets:
                    inputs = next(shape for shape, at in budget.inputs if at.text == named.text)
                    self.judge_at_input(budget, variant, inputs, named)

    # --- what is demanded ---------------------------------------------------------------------

    def demanded(
        self, variant: str, network: NetworkFile
    ) -> list[tuple[Named | None, list[Budget]]]:
        """Return the budgets of a variant by input, None for the file's own.

        With a policy, they demand what it does too; what it does not any more is a change.
        """
        own = _for_variant(self.budgets, variant or network.base)
        own_in_file = [network.budgets] if network.budgets else []
        held: list[Budget] = []
        held_in_file = own_in_file
        if self.held is not None:
            before = self.earlier(variant)
            held = _for_variant(self.held.budgets, variant or (before or network).base)
            if before is not None:
                in_file = before.budgets
                held_in_file = [beside(in_file, self.held.path)] if in_file else []
                self.changes += network_changes(network, before, held)
            for budget in (*held_in_file, *held):
                self.changes += changed_report(budget, self.held.saved, _read_report)
        inputs = {each.text: each for budget in (*own, *held) for _, each in budget.inputs}
        home = Place(self.target.file, 1, 1)
        found: list[tuple[Named | None, list[Budget]]] = []
        for named in (None, *inputs.values()):
            mine, theirs = _at_input(own, named), _at_input(held, named)
            if named is None:
                mine, theirs = [*own_in_file, *mine], [*held_in_file, *theirs]
            found.append((named, united(mine, theirs, home) if self.held else mine))
        return found

    def earlier(self, variant: str) -> NetworkFile | None:
        """Return a variant as it was in the policy; None if it is new, or the file is the same."""
        base = self.earlier_base
        if base is None or not variant or variant in base.variants:
            return base if base is None or not variant else self.read_earlier(variant)
        return None

    @cached_property
    def earlier_base(self) -> NetworkFile | None:
        """The base as it was in the policy; None if it is new, or the file is the same."""
        return self.read_earlier("") if self.held and self.held.before else None

    def read_earlier(self, variant: str) -> NetworkFile:
        """Read a variant as it was in the policy."""
        return self.earlier_source.network(variant or None)

    @cached_property
    def earlier_source(self) -> Source:
        """The file as it was in the policy, parsed once."""
        assert self.held is not None
        assert self.held.before is not None
        return open_source(self.held.before, self.settings.limits)

    def read_report(self, path: str, root: str | None = None) -> bytes:
        """Return the content of a saved report: the policy's, if it has one there."""
        with suppress(OSError):
            if self.held is not None and self.held.saved is not None:
                return self.held.saved(path)
        return _read_report(path, root)

    def compare_variants(self) -> None:
        """Record what the file was held to and is not any more: variants, or the whole network."""
        base = self.earlier_base
        if base is None or self.held is None:
            return
        if self.is_library:
            some = [*released(self.target.file, "is no longer a network", base, self.held.budgets)]
            self.changes += some
        elif self.wanted == ALL and not self.has_errors:
            self.changes += lost_variants(self.first, base, self.held.budgets)

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
            report = analyse(network, parts=parts_read([budget]))
            self.judge(budget, network, report, words, variant, inputs)
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
                folder = os.path.dirname(compare.file or compare.place.file)
                path = os.path.join(folder, compare.base)
                root = project().root_of(compare.place.file)  # a file of the tree names the other
                found = from_saved(path, network.name, lambda at: self.read_report(at, root))
                if inputs is not None and found.report.inputs != network.inputs:
                    raise TargetError(f"{path} was saved at another input")
                return found
            file = self.held.path if self.held and self.held.path else self.target.file
            target = Target(file, variant or None)
            limits = self.settings.limits
            return from_revision(compare.base, target, inputs or self.inputs, limits, self.params)

        if self.dtype:
            budget = budget.of_type(self.dtype)
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


def _for_variant(budgets: Sequence[Budget], name: str) -> list[Budget]:
    """Return the budgets that apply to a variant."""
    return [b for b in budgets if not b.variants or name in [v.text for v in b.variants]]


def _at_input(budgets: Sequence[Budget], named: Named | None) -> list[Budget]:
    """Return the budgets that are judged at an input, or at the file's own."""
    if named is None:
        return [budget for budget in budgets if not budget.inputs]
    return [b for b in budgets if named.text in [each.text for _, each in b.inputs]]


def _is_computed(network: NetworkFile) -> bool:
    return all(problem.severity != "error" for problem in network.problems)


def _subject(variant: str, network: NetworkFile) -> str:
    """Return the line of a finding that names the network: ``variant: base   input: 3×224×224``."""
    shapes = [
        str(shape) if len(network.inputs) == 1 else f"{name} {shape}"
        for name, shape in network.inputs.items()
    ]
    return f"variant: {variant or 'base'}   input: {', '.join(shapes)}"


def _read_report(path: str, root: str | None = None) -> bytes:
    """Return the content of a saved report."""
    return read_all(path, REPORT_BYTES, root)
