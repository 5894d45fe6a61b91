"""Compares the numbers that a file pins under ``expect`` with the measured ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from convcalc.analysis.report.report import Report
from convcalc.checking.budgets.verdict import Verdict
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.file_facts import NetworkFile
from convcalc.model.quantities.number_text import fraction_text
from convcalc.model.quantities.unknown import UNKNOWN, known

BUDGET = "expect"


def check_pins(network: NetworkFile, report: Report, subject: str) -> Iterator[Verdict]:
    """Yield one verdict per number that the file pins for this variant."""
    for metric, want in network.expect.get(network.name, {}).items():
        place = network.pinned_at[network.name, metric]
        have = metric_value(metric, report)
        found = _drift(metric, have, want)
        findings = (found(place)._replace(within=subject),) if found else ()
        title = f"{metric} equals {_text(want)}"
        yield Verdict(BUDGET, title, subject, place, _text(have), findings)


def metric_value(metric: str, report: Report) -> Any:
    """Return the measured value of a metric: a number, or a list with one per axis."""
    if metric == "output":
        shape = next(iter(report.outputs.values()), None)
        return UNKNOWN if shape is None else list(shape.dims[1:])
    if metric in ("receptive_field", "jump"):
        field = report.receptive_field
        if field is None or field.unbounded:
            return UNKNOWN
        return list(field.size if metric == "receptive_field" else field.jump)
    return getattr(report.totals, metric)


def _drift(metric: str, have: Any, want: Any) -> Any:
    """Return a function from a place to the finding if the values differ, else None."""
    pairs = _pairs(have, want)
    if pairs is not None and not all(known(h) or w is None for h, w in pairs):
        message = f"{metric} cannot be known, but {_text(want)} is pinned"
        advice = "an unknown number fails; leave it out of 'expect'"
        return lambda place: Diagnostic("unknown-number", message, place, advice)
    if pairs is not None and all(w is None or h == w for h, w in pairs):
        return None
    message = f"{metric} is {_text(have)}, not {_text(want)} as pinned"
    if isinstance(have, int) and isinstance(want, int | float) and have != want:
        message += f" ({'+' if have > want else '-'}{_text(abs(Fraction(have) - Fraction(want)))})"
    advice = "if it is meant, 'convcalc pin' writes the new number"
    exact = f"measured {_text(have)}"
    return lambda place: Diagnostic("expect-drift", message, place, advice, measured=exact)


def _pairs(have: Any, want: Any) -> list[tuple[Any, Any]] | None:
    """Return pairs of measured and pinned values; None if their numbers of axes differ.

    A single pinned number stands for all axes; null matches everything.
    """
    if not isinstance(have, list):
        return None if isinstance(want, list) else [(have, want)]
    if not isinstance(want, list):
        want = [want] * len(have)
    return list(zip(have, want, strict=True)) if len(have) == len(want) else None


def _text(number: Any) -> str:
    if isinstance(number, list):
        texts = list(map(_text, number))
        return texts[0] if len(set(texts)) == 1 and len(texts) > 1 else f"[{', '.join(texts)}]"
    if number is None:
        return "null"
    if not known(number):
        return "unknown"
    if isinstance(number, Fraction) and number.denominator > 1:
        return fraction_text(number)
    return f"{int(number):,}" if number == int(number) else str(number)
