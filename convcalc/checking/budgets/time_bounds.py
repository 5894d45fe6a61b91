"""The time bound of a network on a device, for a budget.

Only devices and runtimes that ship are taken: a file of the tree could be changed together with
the network that it is held against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.analyse import analyse
from convcalc.analysis.devices.names import device_names, runtime_names
from convcalc.analysis.report.bounds import LEAST
from convcalc.analysis.report.report import Report
from convcalc.analysis.report.rows import part_row, rows
from convcalc.diagnostics.suggestion import advise
from convcalc.language.assertions.vocabulary import Assertion
from convcalc.model.graph.network import Network
from convcalc.model.graph.paths import paths_of
from convcalc.model.graph.rebatching import with_batch
from convcalc.model.quantities.unknown import UNKNOWN, known


class Bounded(NamedTuple):
    """Seconds; ``reason`` says why they are unknown, and ``least`` what they are at least then.

    ``parts`` are those of the rows that a sum adds up.
    """

    seconds: Any
    reason: str = ""
    least: Any = UNKNOWN
    parts: Mapping[str, Any] = {}


def time_bound(assertion: Assertion, network: Network) -> Bounded:
    """Return the end of the interval that an assertion limits. Raises PathError if ``at`` names
    nothing."""
    wrong = _unknown_word(assertion)
    if wrong:
        return Bounded(UNKNOWN, wrong)
    scaled = with_batch(network, assertion.batch) if assertion.batch > 1 else network
    report = analyse(
        scaled,
        dtype=assertion.dtype,
        device=assertion.device,
        runtime=assertion.runtime,
        parts=(),
    )
    return _end(assertion, report)


def _unknown_word(assertion: Assertion) -> str:
    """Return which name means nothing; empty if both do."""
    named: Sequence[tuple[str, str, list[str]]] = (
        ("device", assertion.device, device_names()),
        ("runtime", assertion.runtime, runtime_names()),
    )
    for what, word, names in named:
        if word and word not in names:
            advice = advise(word, names, f"a budget takes one of these {what}s:")
            return f"unknown {what} '{word}'; {advice}"
    return ""


def _end(assertion: Assertion, report: Report) -> Bounded:
    roof, end = report.roofline, assertion.end
    assert roof is not None
    if assertion.at:
        part = paths_of(report).part(assertion.at)
        layers = [report.layers[index] for index in part.layers]
        bounds, parts = part_row(part.path, part.kind, layers).bounds, {}
    else:
        listed = {row.path: row.bounds.get(end) for row in rows(report)}
        bounds = report.totals.bounds
        parts = {path: each for path, each in listed.items() if each is not None}
    if end not in bounds:
        return Bounded(UNKNOWN, "no kernel begins there, its layers join those of others")
    seconds = bounds[end]
    if known(seconds):
        return Bounded(seconds, parts=parts)
    needed = [word for word in roof.missing if word != "launch" or end == "upper"]
    missing = [f"{roof.device} states no {word}" for word in needed]
    reason = "; ".join(missing) or "the size of an input or a layer is not known"
    return Bounded(seconds, reason, bounds[LEAST[end]])
