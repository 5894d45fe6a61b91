"""Compares the numbers that a file pins under ``expect`` with the measured ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from convcalc.analysis.report.report import OutputReport, Report
from convcalc.checking.budgets.verdict import Verdict
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.suggestion import advise
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.pins import AT_OUTPUTS
from convcalc.model.quantities.number_text import fraction_text
from convcalc.model.quantities.unknown import UNKNOWN, known

BUDGET = "expect"


def check_pins(network: NetworkFile, report: Report, subject: str) -> Iterator[Verdict]:
    """Yield one verdict per number that the file pins for this variant."""
    for metric, want in network.expect.get(network.name, {}).items():
        place = network.pinned_at[network.name, metric]
        have = metric_value(metric, report)
        found = _drift(metric, have, want, report)
        findings = (found(place)._replace(within=subject),) if found else ()
        title = f"{metric} equals {pin_text(want)}"
        yield Verdict(BUDGET, title, subject, place, pin_text(have), findings)


def metric_value(metric: str, report: Report) -> Any:
    """Return the measured value of a metric: a number, or a list with one per axis.

    A mapping by output, where there are several and their values differ.
    """
    if metric not in AT_OUTPUTS:
        return getattr(report.totals, metric)
    found = {name: _value_at(metric, output) for name, output in report.per_output.items()}
    values = list(found.values()) or [UNKNOWN]
    return found if any(value != values[0] for value in values) else values[0]


def _value_at(metric: str, output: OutputReport) -> Any:
    if metric == "output":
        return UNKNOWN if output.shape is None else list(output.shape.dims[1:])
    field = output.receptive_field
    if field is None or field.unbounded:
        return UNKNOWN
    return list(field.size if metric == "receptive_field" else field.jump)


def by_output(have: Any, report: Report) -> dict[str, Any]:
    """Return the values of a metric that every output has, by the name of the output."""
    return have if isinstance(have, dict) else dict.fromkeys(report.per_output, have)


def _drift(metric: str, have: Any, want: Any, report: Report) -> Any:
    """Return a function from a place to the finding if the values differ, else None."""
    if not isinstance(have, dict) and not isinstance(want, dict):
        return _drift_of_one(metric, have, want)
    measured = by_output(have, report)
    wanted = want if isinstance(want, dict) else dict.fromkeys(measured, want)
    for name, value in wanted.items():
        if name not in measured:
            advice = advise(name, measured, "outputs:")
            message = f"{metric} is pinned at '{name}', which is not an output"
            return partial(Diagnostic, "unknown-name", message, help=advice)
        if found := _drift_of_one(f"{metric} of {name}", measured[name], value):
            return found
    return None


def _drift_of_one(metric: str, have: Any, want: Any) -> Any:
    """Return a function from a place to the finding if two values differ, else None."""
    pairs = _pairs(have, want)
    if pairs is not None and not all(known(h) or w is None for h, w in pairs):
        message = f"{metric} cannot be known, but {pin_text(want)} is pinned"
        advice = "an unknown number fails; leave it out of 'expect'"
        return lambda place: Diagnostic("unknown-number", message, place, advice)
    if pairs is not None and all(w is None or h == w for h, w in pairs):
        return None
    message = f"{metric} is {pin_text(have)}, not {pin_text(want)} as pinned"
    if isinstance(have, int) and isinstance(want, int | float) and have != want:
        gap = pin_text(abs(Fraction(have) - Fraction(want)))
        message += f" ({'+' if have > want else '-'}{gap})"
    advice = "if it is meant, 'convcalc pin' writes the new number"
    exact = f"measured {pin_text(have)}"
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


def pin_text(number: Any) -> str:
    """Return a pinned or measured value as messages show it."""
    if isinstance(number, dict):
        return f"{{{', '.join(f'{name}: {pin_text(value)}' for name, value in number.items())}}}"
    if isinstance(number, list):
        texts = list(map(pin_text, number))
        return texts[0] if len(set(texts)) == 1 and len(texts) > 1 else f"[{', '.join(texts)}]"
    if number is None:
        return "null"
    if not known(number):
        return "unknown"
    if isinstance(number, Fraction) and number.denominator > 1:
        return fraction_text(number)
    return f"{int(number):,}" if number == int(number) else str(number)
