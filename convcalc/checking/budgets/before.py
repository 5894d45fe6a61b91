"""The base of a comparison: a network at a git revision, or in a saved report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.from_json import ENDING, load_report
from convcalc.analysis.report.report import Report
from convcalc.importing.opening import open_source
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.head.inputs import Inputs
from convcalc.language.limits import Limits
from convcalc.language.sources.git import MissingFile, earlier
from convcalc.language.sources.target import Target, TargetError, unreadable
from convcalc.model.graph.network import Network


class Before(NamedTuple):
    """The report of the base, and its network; None if the report was saved."""

    network: Network | None
    report: Report


class Missing(Exception):
    """Raised if the base has no such network."""


def from_revision(
    revision: str,
    target: Target,
    inputs: Inputs,
    limits: Limits,
    params: Mapping[str, str] | None = None,
) -> Before:
    """Return the network of a file at a git revision, with ``params`` in place of its own.

    Raises Missing if it did not exist then, TargetError if the revision cannot be read or the
    network has errors.
    """
    try:
        before = earlier(target, revision, limits.document.bytes)
    except MissingFile:
        raise Missing from None
    source = open_source(before._replace(variant=None), limits)
    base = source.network(None, inputs, params)
    network = base
    if target.variant not in (None, base.base):
        if target.variant not in base.variants:
            raise Missing
        network = source.network(before.variant, inputs, params)
    for problem in network.problems:
        if problem.severity == "error":
            raise TargetError(f"the file has a problem in {revision}: {problem.message}")
    return Before(network, analyse(network))


def from_saved(file: str, name: str, read: Callable[[str], bytes]) -> Before:
    """Return the report of the network of that name in a saved file.

    Raises Missing if the file holds other networks, TargetError if it cannot be read or is not a
    report.
    """
    try:
        content = read(file)
    except OSError as error:
        raise unreadable(file, error) from None
    try:
        return Before(None, load_report(content, file, name))
    except TargetError as error:
        if "holds no report of" in error.message:
            raise Missing from None
        raise


def is_saved(base: str) -> bool:
    """Whether a base names a saved report."""
    return base.endswith(ENDING)


def beside(budget: Budget, file: str) -> Budget:
    """Return a budget whose saved report is looked for beside a file."""
    compare = budget.compare
    return budget if compare is None else budget._replace(compare=compare._replace(file=file))
