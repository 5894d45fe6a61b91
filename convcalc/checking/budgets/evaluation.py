"""Evaluates the assertions of a budget on one network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from convcalc.analysis.report.report import Report
from convcalc.checking.budgets.before import Before, Missing
from convcalc.checking.budgets.judging import judge, measured_text, no_such_path
from convcalc.checking.budgets.measuring import WHOLE, Measured, measure
from convcalc.checking.budgets.verdict import Verdict
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.assertions.vocabulary import CHANGES, Assertion, Budget, Compare
from convcalc.language.sources.target import NoRevision, TargetError
from convcalc.model.graph.network import Network
from convcalc.model.graph.paths import PathError


class Subject(NamedTuple):
    """A network at one input, and the words for it in messages; ``before`` reads its base."""

    network: Network
    report: Report
    words: str
    before: Callable[[Compare], Before]


def verdicts(budget: Budget, subject: Subject) -> Iterator[Verdict]:
    """Yield one verdict per assertion, in the order of the file."""
    history = _History(budget, subject)
    for assertion in budget.assertions:
        yield _verdict(budget, assertion, subject, history)


def skipped_verdicts(budget: Budget, subject: str, reason: str) -> Iterator[Verdict]:
    """Yield a skipped verdict per assertion, for a network that could not be computed."""
    for assertion in budget.assertions:
        place, locked = assertion.place, budget.locked
        yield Verdict(budget.name, assertion.title, subject, place, skipped=reason, locked=locked)


class _History:
    """The base that a budget compares with, read when the first change is judged."""

    def __init__(self, budget: Budget, subject: Subject) -> None:
        self.compare = budget.compare
        self.subject = subject
        self.problem: Diagnostic | None = None
        self._before: Before | None = None
        self._is_read = False

    @property
    def origin(self) -> str:
        """The name of the base: a git revision or a file."""
        return self.compare.base if self.compare else ""

    def value(self, assertion: Assertion, output: str) -> Measured | None:
        """Return the metric's value in the base, at an output of that name or at the only one.

        None if there is none, see ``problem``.
        """
        if not self._is_read:
            self._is_read = True
            self._read()
        if self._before is None:
            return None
        try:
            found = measure(assertion, self._before.network, self._before.report)
        except PathError:
            return None  # the part is new
        if WHOLE in found:
            only = next(iter(self._before.report.per_output), WHOLE)
            return found[WHOLE] if output in (only, WHOLE) else None  # the output is new
        only = next(iter(self.subject.report.per_output), WHOLE)
        return found.get(only if output == WHOLE else output)

    def _read(self) -> None:
        compare = self.compare
        if compare is None:
            return
        try:
            self._before = self.subject.before(compare)
        except Missing:
            if compare.missing == "fail":
                message = f"{self.origin} has no such network to compare with"
                advice = "write 'missing: pass' if new networks are welcome"
                self.problem = Diagnostic("unknown-number", message, compare.place, advice)
        except TargetError as error:
            message = f"nothing to compare with: {error.message}"
            passes = compare.missing == "pass" and isinstance(error, NoRevision)
            self.problem = Diagnostic(
                "unknown-number",
                message,
                compare.place,
                error.help,
                severity="warning" if passes else "",
            )


def _verdict(budget: Budget, assertion: Assertion, subject: Subject, history: _History) -> Verdict:
    """Measure and judge one assertion."""
    text = ""
    try:
        values = measure(assertion, subject.network, subject.report)
    except PathError as error:
        found = [no_such_path(assertion, error)]
    else:
        text = _measured_text(assertion.metric, values)
        found = _judge_each(assertion, values, history)
        if history.problem and any(bound.kind in CHANGES for bound in assertion.bounds):
            found.append(history.problem)
    notes = (f"note: {budget.message}",) if budget.message else ()
    findings = tuple(
        each._replace(within=subject.words, notes=(*each.notes, *notes)) for each in found
    )
    return Verdict(
        budget.name,
        assertion.title,
        subject.words,
        assertion.place,
        text,
        findings,
        locked=budget.locked,
    )


def _judge_each(
    assertion: Assertion, values: Mapping[str, Measured], history: _History
) -> list[Diagnostic]:
    """Return the findings at every place that was measured; those of outputs name the output."""
    found: list[Diagnostic] = []
    for name, value in values.items():
        before = partial(history.value, assertion, name)
        at = assertion._replace(at=name) if name != WHOLE else assertion
        found += judge(at, value, before, history.origin)
    if len(values) > 1 and found:
        every = "both outputs" if len(values) == 2 else f"all {len(values)} outputs"
        hint = f"it holds for {every}; 'at: {next(iter(values))}' limits one"
        found = [each._replace(help=each.help or hint) for each in found]
    return found


def _measured_text(metric: str, values: Mapping[str, Measured]) -> str:
    """Return the text of a value; of each output, where they differ."""
    texts = {name: measured_text(metric, value.high) for name, value in values.items()}
    first, *others = dict.fromkeys(texts.values())
    return ", ".join(f"{name} {text}" for name, text in texts.items()) if others else first
