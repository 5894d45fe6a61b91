"""Compares a measured value with the bounds of its assertion and words the findings."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from convcalc.checking.budgets.measuring import Measured
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.assertions.vocabulary import CHANGES, METRICS, Assertion, Bound
from convcalc.model.graph.paths import PathError
from convcalc.model.quantities.number_text import (
    change_text,
    count_text,
    decimal_text,
    fraction_text,
    memory_text,
    percent_text,
    seconds_text,
)
from convcalc.model.quantities.unknown import known

REGRESSION = "regression"


def judge(
    assertion: Assertion,
    value: Measured,
    base: Callable[[], Measured | None] | None,
    origin: str,
) -> list[Diagnostic]:
    """Return a finding for each bound that is broken.

    ``base`` returns the value in the base that ``origin`` names, None where there was none.
    """
    broken: list[Diagnostic] = []
    for bound in assertion.bounds:
        if bound.kind in CHANGES:
            before = base() if base is not None else None
            if before is not None:
                broken += _check_change(assertion, bound, value, before, origin)
        elif bound.kind != "warn" or not broken:  # a broken limit already reports it
            broken += _check_limit(assertion, bound, value)
    return [_with_notes(found, assertion, value) for found in broken]


def _with_notes(found: Diagnostic, assertion: Assertion, value: Measured) -> Diagnostic:
    # Of a regression, what grew most was said; what is largest may be as it was.
    notes = () if found.name == REGRESSION else value.notes
    if assertion.message:
        notes = (*notes, f"note: {assertion.message}")
    if assertion.origin:
        notes = (*notes, f"note: demanded by {assertion.origin}")
    return found._replace(notes=(*found.notes, *notes))


# --- limits ------------------------------------------------------------------------------------


def _check_limit(assertion: Assertion, bound: Bound, value: Measured) -> list[Diagnostic]:
    """Return the finding if a bound ``max``, ``min``, ``equals`` or ``warn`` is broken."""
    kind = bound.kind
    is_low = kind == "min" or (kind == "warn" and warns_below(assertion))
    seen = value.low if is_low else value.high
    if kind == "equals" and not isinstance(bound.value, tuple) and value.low != value.high:
        seen = value.high
    if not _is_known(seen, bound):
        return [
            _certain_finding(assertion, bound, value, is_low)
            or _unknown_finding(assertion, bound, value.reason)
        ]
    if METRICS[assertion.metric].kind == "shape":
        return _check_shape(assertion, bound, seen)
    limit, seen = _align(bound, seen)
    if len(limit) != len(seen):
        message = f"{assertion.metric} has {len(seen)} values, not {len(limit)}"
        return [_finding(assertion, bound, _rule_name(assertion, kind, is_low), message, seen)]
    pairs = [(have, want) for have, want in zip(seen, limit, strict=True)]
    if is_low:
        worst = min((pair for pair in pairs if pair[0] < pair[1]), default=None)
    elif kind == "equals":
        lows = _align(bound, value.low)[1]
        differing = [(h, w) for h, w in [*pairs, *zip(lows, limit, strict=True)] if h != w]
        worst = next(iter(differing), None)
    else:
        worst = max((pair for pair in pairs if pair[0] > pair[1]), default=None)
    if worst is None:
        return []
    message = _comparison_text(assertion, kind, is_low, *worst)
    return [_finding(assertion, bound, _rule_name(assertion, kind, is_low), message, seen)]


def _certain_finding(
    assertion: Assertion, bound: Bound, value: Measured, is_low: bool
) -> Diagnostic | None:
    """Return the finding for an unknown sum whose known parts alone exceed the limit, if any."""
    least, kind = value.at_least, bound.kind
    if is_low or kind not in ("max", "warn") or not least > bound.value:
        return None
    first, second = _two_texts(assertion.metric, least, bound.value)
    verb = "is above the warning level" if kind == "warn" else "exceeds"
    gap = _text(assertion.metric, least - bound.value)
    message = f"{_subject(assertion)}, at least {first}, {verb} {second} by at least {gap}"
    found = _finding(assertion, bound, _rule_name(assertion, kind, is_low), message, least)
    why = (f"why not exact: {value.reason}",) if value.reason else ()
    return found._replace(
        measured=f"measured at least {measured_text(assertion.metric, least)}", notes=why
    )


def warns_below(assertion: Assertion) -> bool:
    """Whether ``warn`` is a lower bound: beside ``min`` alone, or for what should be large."""
    kinds = {bound.kind for bound in assertion.bounds}
    if kinds & {"max", "min"}:
        return "max" not in kinds
    return METRICS[assertion.metric].rule == "receptive-field-budget"


def _rule_name(assertion: Assertion, kind: str, is_low: bool) -> str:
    """Return the name of the rule that is broken."""
    metric = METRICS[assertion.metric]
    if metric.kind not in ("count", "bytes") or metric.rule == "structure-budget":
        return metric.rule
    if kind == "equals":
        return "number-differs"
    return "below-budget" if is_low else metric.rule


def _comparison_text(assertion: Assertion, kind: str, is_low: bool, have: Any, want: Any) -> str:
    """Return a message such as ``25.56 M exceeds 24 M by 1.557 M (+6.5 %)``."""
    metric = assertion.metric
    first, second = _two_texts(metric, have, want)
    is_plain = metric == "params" and not assertion.convention and kind in ("max", "warn")
    subject = "" if is_plain else f"{_subject(assertion)} "
    if kind == "equals":
        return f"{subject}{first} is not {second} ({_signed_text(metric, have - want)})"
    change = _percent_text(have - want, want)
    gap = _text(metric, abs(have - want))
    if kind == "warn":
        verb = "is below the warning level" if is_low else "is above the warning level"
    else:
        verb = "is below" if is_low else "exceeds"
    return f"{subject}{first} {verb} {second} by {gap}{f' ({change})' if change else ''}"


def _subject(assertion: Assertion) -> str:
    """Return the beginning of the message: the metric, its convention and its place."""
    words = assertion.metric
    if assertion.convention:
        words = f"{words} by {assertion.convention}"
    if assertion.metric == "share":
        words = f"share of {assertion.of} in {assertion.counted}"
    if assertion.metric == "memory" and assertion.part != "total":
        words = f"memory of {assertion.part}"
    if assertion.metric == "time_bound":
        words = f"the time bound on {assertion.device}"
    return f"{words} at {assertion.at}" if assertion.at else words


def _check_shape(assertion: Assertion, bound: Bound, seen: tuple[int, ...]) -> list[Diagnostic]:
    """Return the finding if a shape differs; null matches every size."""
    want = bound.value
    if len(want) == len(seen) and all(w in (None, s) for s, w in zip(seen, want, strict=True)):
        return []
    where = f"of {assertion.at} " if assertion.at else ""
    message = f"the output {where}is {_shape_text(seen)}, not {_shape_text(want)}"
    return [_finding(assertion, bound, "shape-differs", message, seen)]


# --- changes ---------------------------------------------------------------------------------


def _check_change(
    assertion: Assertion, bound: Bound, value: Measured, before: Measured, origin: str
) -> list[Diagnostic]:
    """Return the finding if the value grew or fell since the base by more than is allowed."""
    now, then = value.high, before.high
    if not _is_known(now, bound):
        return [_unknown_finding(assertion, bound, value.reason)]
    if not _is_known(then, bound):
        return [
            _unknown_finding(assertion, bound, f"in {origin}, {before.reason or 'it is unknown'}")
        ]
    pairs = list(zip(_as_tuple(now), _as_tuple(then), strict=False))
    sign = 1 if bound.kind == "max_increase" else -1
    for have, old in pairs:
        grown = (have - old) * sign
        if grown <= (bound.value * abs(old) if bound.relative else bound.value):
            continue
        first, second = _two_texts(assertion.metric, have, old)
        change = _percent_text(have - old, old)
        verb = "grew" if sign > 0 else "fell"
        message = f"{_subject(assertion)} {verb} from {second} in {origin} to {first}"
        message += f" ({change})" if change else ""
        message += f", by more than {bound.text}"
        found = _finding(assertion, bound, REGRESSION, message, _as_tuple(now))
        return [found._replace(notes=_changes(assertion, bound, value, before))]
    return []


def _changes(
    assertion: Assertion, bound: Bound, value: Measured, before: Measured
) -> tuple[str, ...]:
    """Return a note with the three parts that grew or fell most; parts are known by their paths."""
    sign = 1 if bound.kind == "max_increase" else -1
    known_parts = [
        (value.parts.get(path, 0) - before.parts.get(path, 0), path)
        for path in dict.fromkeys((*value.parts, *before.parts))
        if known((value.parts.get(path, 0), before.parts.get(path, 0)))
    ]
    ranked = sorted(
        (each for each in known_parts if each[0] * sign > 0), key=lambda each: -each[0] * sign
    )
    verb = "grew" if sign > 0 else "fell"
    texts = [f"{path} {_signed_text(assertion.metric, change)}" for change, path in ranked[:3]]
    return (f"{verb} most: {', '.join(texts)}",) if texts else ()


# --- words -------------------------------------------------------------------------------------


def _finding(assertion: Assertion, bound: Bound, rule: str, message: str, seen: Any) -> Diagnostic:
    """Return a finding that shows the exact value at its place."""
    severity = "warning" if bound.kind == "warn" else ""
    exact = measured_text(assertion.metric, seen)
    return Diagnostic(rule, message, bound.place, severity=severity, measured=f"measured {exact}")


def _unknown_finding(assertion: Assertion, bound: Bound, reason: str) -> Diagnostic:
    """Return the finding for an unknown number, which breaks its budget."""
    message = f"{_subject(assertion)} cannot be known"
    advice = "an unknown number fails its budget; give the sizes, or what 'opaque' declares"
    notes = (f"why: {reason}",) if reason else ()
    return Diagnostic("unknown-number", message, bound.place, advice, notes=notes)


def no_such_path(assertion: Assertion, error: PathError) -> Diagnostic:
    """Return the finding for an assertion about a part that the network does not have."""
    return Diagnostic("unknown-name", error.message, assertion.place, error.help)


def measured_text(metric: str, value: Any) -> str:
    """Return the exact text of a value, or "unknown"."""
    if METRICS[metric].kind == "shape":
        return _shape_text(value)
    parts = _as_tuple(value)
    if not known(parts):
        return "unknown"
    texts = [_exact(metric, part) for part in parts]
    return texts[0] if len(set(texts)) == 1 else f"[{', '.join(texts)}]"


def _exact(metric: str, value: Any) -> str:
    kind = METRICS[metric].kind
    if kind == "bytes":
        return memory_text(value, exact=True)
    if kind == "seconds":
        return seconds_text(value, exact=True)
    if kind == "ratio":
        return percent_text(value)
    return count_text(value, exact=True) if isinstance(value, int) else fraction_text(value)


def _text(metric: str, value: Any) -> str:
    kind = METRICS[metric].kind
    if kind == "bytes":
        return memory_text(int(value))
    if kind == "seconds":
        return seconds_text(Fraction(value))
    if kind == "ratio":
        return percent_text(Fraction(value))
    if kind == "count" and Fraction(value).denominator == 1:
        return count_text(int(value))
    return fraction_text(Fraction(value))


def _two_texts(metric: str, first: Any, second: Any) -> tuple[str, str]:
    """Return the texts of two values; exact ones where rounding would make them equal."""
    texts = _text(metric, first), _text(metric, second)
    if texts[0] != texts[1]:
        return texts
    if METRICS[metric].kind == "ratio":
        return f"{decimal_text(first * 100)} %", f"{decimal_text(second * 100)} %"
    return _exact(metric, first), _exact(metric, second)


def _signed_text(metric: str, change: Any) -> str:
    return f"{'+' if change > 0 else '-'}{_text(metric, abs(change))}"


def _percent_text(change: Any, of: Any) -> str:
    """Return a change as a signed percentage, ``+6.5 %``; empty if ``of`` is 0."""
    return change_text(Fraction(change) / Fraction(of)) if of else ""


def _shape_text(sizes: Any) -> str:
    return "×".join("?" if size is None or not known(size) else str(size) for size in sizes)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _align(bound: Bound, seen: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return limit and value per axis; a single limit holds for all axes."""
    limit, values = _as_tuple(bound.value), _as_tuple(seen)
    return (limit * len(values) if len(limit) == 1 else limit), values


def _is_known(value: Any, bound: Bound) -> bool:
    """Whether every number that the bound compares with is known."""
    if isinstance(value, tuple) and isinstance(bound.value, tuple) and None in bound.value:
        return all(
            known(v) for v, want in zip(value, bound.value, strict=False) if want is not None
        )
    return known(value)
