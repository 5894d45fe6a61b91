"""The output of ``convcalc solve``: the answer with its slack, or closed forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from convcalc.analysis.sweeps.forms import Form, NoForm, form_lines
from convcalc.analysis.sweeps.solving import MAX, NEAREST, Answer, Limit, Tried
from convcalc.diagnostics.visible import visible
from convcalc.model.quantities.number_text import percent_text

MOST_CLASSES = 8  # of a form, in text
_WORDS = {MAX: "the largest", "min": "the smallest", NEAREST: "the nearest"}


def answer_text(answer: Answer, command: str) -> str:
    """The answer; ``command`` is the one that shows the network with it."""
    return "\n".join(_answer_lines(answer, command))


def _answer_lines(answer: Answer, command: str) -> Iterator[str]:
    best = answer.best
    if best is None:
        limits = " and ".join(map(str, answer.limits))
        yield f"nothing meets {limits}"
        if answer.nearest is not None:
            yield f"nearest: {assigned(answer.nearest.values)}"
            yield from _limit_lines(answer.nearest, answer.limits)
    else:
        yield f"{assigned(best.values)}"
        yield from _limit_lines(best, answer.limits)
        others = dict(best.numbers)
        for each in answer.limits:
            others.pop(each.metric, None)
        yield from (f"  {name:<{_WIDE}} {_number(number)}" for name, number in others.items())
    if answer.beyond is not None:
        yield f"next: {assigned(answer.beyond.values)} fails"
        if answer.beyond.problem:
            yield f"  {visible(answer.beyond.problem)}"
        else:
            yield from _limit_lines(answer.beyond, answer.beyond.broken(answer.limits))
    yield _searched(answer)
    if best is not None:
        yield command


_WIDE = 15


def _limit_lines(tried: Tried, limits: Sequence[Limit]) -> Iterator[str]:
    for each in limits:
        number = tried.numbers[each.metric]
        if number is None:
            yield f"  {each.metric:<{_WIDE}} unknown"
            continue
        slack = each.slack(number)
        part = percent_text(abs(slack) / abs(each.amount)) if each.amount else ""
        word = "slack" if slack >= 0 else "over by" if each.sign[0] == "<" else "short by"
        if each.sign[0] == "=":
            word, slack = "off by", abs(slack)
        amount = f"{_number(abs(slack))}{f' ({part})' if part else ''}"
        sign = {"<=": "≤", ">=": "≥"}.get(each.sign, each.sign)
        wanted = f"{sign} {_number(each.amount)}"
        if not each.holds(number):
            wanted = f"against {_number(each.amount)}"
        yield f"  {each.metric:<{_WIDE}} {_number(number)} {wanted}, {word} {amount}"


def _searched(answer: Answer) -> str:
    word = "configuration" if answer.tried == 1 else "configurations"
    tried = f"tried {answer.tried:,} {word}"
    if not answer.complete:
        return f"{tried}, and no end was given: larger values may differ (give NAME=FROM:TO:STEP)"
    return tried if answer.monotone else f"{tried}, all there are" if answer.best else tried


def assigned(values: Mapping[str, Any]) -> str:
    """Values by their names: ``width = 316, input = 224``."""
    return ", ".join(f"{visible(name)} = {value}" for name, value in values.items())


def _number(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, Fraction):
        return f"{int(value):,}" if value.denominator == 1 else f"{float(value):g}"
    return f"{value:,}"


def answer_payload(answer: Answer) -> dict[str, Any]:
    """The answer as JSON."""
    return {
        "goal": answer.goal,
        "limits": [str(each) for each in answer.limits],
        "best": _tried(answer.best, answer.limits),
        "next": _tried(answer.beyond, answer.limits),
        "nearest": _tried(answer.nearest, answer.limits),
        "tried": answer.tried,
        "monotone": answer.monotone,
        "complete": answer.complete,
    }


def _tried(tried: Tried | None, limits: Sequence[Limit]) -> dict[str, Any] | None:
    if tried is None:
        return None
    return {
        "values": dict(tried.values),
        "numbers": dict(tried.numbers),
        "problem": tried.problem or None,
        "breaks": [str(each) for each in tried.broken(limits)],
    }


# --- forms ---------------------------------------------------------------------------------------


def forms_text(found: Sequence[Form | NoForm]) -> str:
    """Closed forms, a line each, or one for each class of values."""
    return "\n".join(line for each in found for line in _form_lines(each))


def _form_lines(found: Form | NoForm) -> Iterator[str]:
    head = f"{found.metric}({visible(found.name)})"
    if isinstance(found, NoForm):
        yield f"{head} has no closed form: {visible(found.reason)}"
        return
    lines = form_lines(found)
    if found.period == 1:
        yield f"{head} = {lines['']}"
    else:
        yield f"{head}, by the rest of {visible(found.name)} / {found.period}:"
        for name, text in list(lines.items())[:MOST_CLASSES]:
            yield f"  {visible(name)}: {text}"
        if len(lines) > MOST_CLASSES:
            yield f"  … {len(lines) - MOST_CLASSES} more; -f json has all"
    last = found.first + found.checked - 1
    yield f"  seen to be right for {found.first:,} … {last:,}"


def forms_payload(found: Sequence[Form | NoForm]) -> list[dict[str, Any]]:
    """Closed forms as JSON: the coefficients of each class, of degree 0 on, as exact fractions."""
    return [
        {"metric": each.metric, "param": each.name, "reason": each.reason}
        if isinstance(each, NoForm)
        else {
            "metric": each.metric,
            "param": each.name,
            "period": each.period,
            "classes": [[str(c) for c in polynomial] or None for polynomial in each.classes],
            "text": dict(form_lines(each)),
            "checked": [each.first, each.first + each.checked - 1],
        }
        for each in found
    ]
