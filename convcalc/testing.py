"""Budgets as assertions in a test: ``from convcalc.testing import assert_budget``.

    def test_the_network_fits_the_device():
        assert_budget("models/net.convcalc.yaml", params={"max": "5M"}, macs={"max": "300M"})

The metrics and bounds are those of ``budgets`` in a network file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import convcalc
from convcalc.analysis.analyse import analyse
from convcalc.checking.budgets.before import Before, from_revision, from_saved, is_saved
from convcalc.checking.budgets.evaluation import Subject, verdicts
from convcalc.checking.budgets.pins import check_pins
from convcalc.checking.budgets.verdict import Verdict
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.visible import visible
from convcalc.errors import Error
from convcalc.language.assertions.reading import Assertions
from convcalc.language.assertions.vocabulary import Budget, Compare
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.inputs import Inputs
from convcalc.language.limits import LIMITS
from convcalc.language.sources.gate import REPORT_BYTES, read_all
from convcalc.language.sources.project import opened, project
from convcalc.language.sources.target import Target
from convcalc.language.syntax import nodes
from convcalc.model.graph.network import Network

SOURCE = "assert_budget"


class BudgetError(Error, ValueError):
    """The bounds of an assertion make no sense, or there are none."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


def assert_budget(
    target: str | os.PathLike[str] | Network,
    *,
    variant: str | None = None,
    inputs: Inputs = None,
    compare: str | Mapping[str, str] | None = None,
    root: str | os.PathLike[str] = "",
    allow_outside: bool = False,
    **metrics: Any,
) -> None:
    """Fails with AssertionError if a network breaks a budget; says what was measured.

    ``target`` is a network file (``path``, ``path::variant``), the name of a shipped network, or
    what :func:`convcalc.load` returned. Each metric takes bounds as a network file does, or a
    list of them: ``params={"max": "5M"}``, ``receptive_field={"min": 101, "at": "body"}``,
    ``output={"equals": [1000]}``, ``memory={"max": "12MiB", "dtype": "int8"}``. Without metrics
    the file's own ``budgets`` and ``expect`` are asserted.

    ``max_increase`` and ``max_decrease`` need ``compare``: a git revision or a saved report, or
    ``{"base": "origin/main", "missing": "pass"}``. A bound ``warn`` that is passed makes a
    warning. A number that cannot be known fails.

    ``root`` and ``allow_outside`` say which files may be read, as :func:`convcalc.load` has them.

    BudgetError if the bounds make no sense; NetworkError and TargetError as
    :func:`convcalc.load` raises them.
    """
    __tracebackhide__ = True
    with opened(os.fspath(root), allow_outside=allow_outside):
        network = _network(target, variant, inputs)
        found = _verdicts(network, metrics, compare, inputs)
    broken = [each for each in found if not each.passed]
    for each in found:
        for finding in each.findings:
            if finding.severity != "error":
                warnings.warn(_text(each, finding), stacklevel=2)
    if broken:
        raise AssertionError(_message(network, broken, len(found)))


def _network(
    target: str | os.PathLike[str] | Network, variant: str | None, inputs: Inputs
) -> Network:
    if not isinstance(target, Network):
        here = project()
        return convcalc.load(
            os.fspath(target),
            variant=variant,
            inputs=inputs,
            root=here.given,
            allow_outside=here.allow_outside,
        )
    if variant is not None or inputs is not None:
        raise ValueError("give variant and inputs to convcalc.load, which made this network")
    return target


def _verdicts(
    network: Network,
    metrics: Mapping[str, Any],
    compare: str | Mapping[str, str] | None,
    inputs: Inputs,
) -> list[Verdict]:
    """The verdicts on the given metrics, or on the file's own budgets and pins."""
    report = analyse(network)
    words = f"variant: {network.variant}" if network.variant else ""

    def before(base: Compare) -> Before:
        if is_saved(base.base):
            return from_saved(base.base, network.name, lambda path: read_all(path, REPORT_BYTES))
        return from_revision(base.base, Target(network.file, network.variant), inputs, LIMITS)

    subject = Subject(network, report, words, before)
    if metrics:
        return list(verdicts(_budget(metrics, compare), subject))
    own: list[Verdict] = []
    if isinstance(network, NetworkFile):
        own += check_pins(network, report, words)
        own += verdicts(network.budgets, subject) if network.budgets else ()
    if not own:
        raise BudgetError(f"{network.file} has neither 'budgets' nor 'expect': name a metric")
    return own


def _budget(metrics: Mapping[str, Any], compare: str | Mapping[str, str] | None) -> Budget:
    """Reads the bounds as in a network file; raises BudgetError if they are wrong."""
    base = {"base": compare} if isinstance(compare, str) else compare
    written = {**metrics, "compare": dict(base)} if base else metrics
    root = nodes.node_of(_to_plain(written), Place(SOURCE, 1, 1))
    assert isinstance(root, nodes.Mapping)
    found: list[Diagnostic] = []
    budget = Assertions({}, found.append).read_budget(root, root.place)
    if found:
        raise BudgetError("; ".join(map(_with_help, found)), found)
    return budget


def _to_plain(value: Any) -> Any:
    """Converts values to plain Python: integers of other libraries, and shapes to lists."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _to_plain(each) for key, each in value.items()}
    if isinstance(value, Sequence | frozenset):
        return [_to_plain(each) for each in value]
    return int(value)


def _with_help(problem: Diagnostic) -> str:
    return f"{problem.message} ({problem.help})" if problem.help else problem.message


# --- what is said --------------------------------------------------------------------------------


def _message(network: Network, broken: Sequence[Verdict], count: int) -> str:
    """The message for broken budgets: the network, then each with its measured numbers."""
    shapes = ", ".join(map(str, network.inputs.values()))
    lines = [f"{network.name} at {shapes} breaks {len(broken)} of {count} budgets ({network.file})"]
    lines = [visible(line) for line in lines]
    lines += [_text(verdict, found) for verdict in broken for found in verdict.findings]
    return "\n  ".join("\n".join(lines).split("\n"))


def _text(verdict: Verdict, found: Diagnostic) -> str:
    """The text of one finding: the budget, the message, the measured number, and help."""
    first = f"{verdict.title}: {found.message}"
    advice = [f"help: {found.help}"] if found.help else []
    exact = f"; {found.measured}" if found.measured else ""
    return "\n  ".join(map(visible, (first + exact, *found.notes, *advice)))
