"""How much a number may change from one report to another: ``params:+2%``.

``+2%`` allows an increase of 2 %, ``-2%`` a decrease, ``2%`` both; without the percent sign the
amount is absolute (``macs:+10M``, ``memory:+1MiB``, ``receptive_field:-0``). An unknown
change is never within a tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.analysis.comparison.compare import UNITS, Change, Comparison
from convcalc.analysis.report.report import ReceptiveField
from convcalc.diagnostics.suggestion import advise
from convcalc.errors import Error
from convcalc.model.quantities.counts import BYTES
from convcalc.model.quantities.number_text import (
    change_text,
    count_text,
    memory_text,
    parse_quantity,
)
from convcalc.model.quantities.unknown import known

METRICS = (*UNITS, "receptive_field")
EXAMPLE = "write for instance params:+2%, macs:+10M, memory:+1MiB or receptive_field:-0"


class WrongTolerance(Error):
    """An expression is not a tolerance."""

    def __init__(self, message: str, help: str = EXAMPLE) -> None:  # noqa: A002
        super().__init__(message, help)


class Tolerance(NamedTuple):
    """The most that ``metric`` may change; ``sign`` is the direction that is limited, or empty."""

    metric: str
    sign: str
    amount: Fraction
    is_relative: bool
    text: str


def parse_tolerance(text: str) -> Tolerance:
    """Parse a tolerance; raises WrongTolerance if the text is not one."""
    metric, colon, limit = (part.strip() for part in text.partition(":"))
    if not colon:
        raise WrongTolerance(f"'{text}' has no colon")
    if metric not in METRICS:
        advice = advise(metric, METRICS, "one of:")
        raise WrongTolerance(f"'{text}': unknown metric '{metric}'", advice)
    sign = limit[:1] if limit[:1] in ("+", "-") else ""
    amount = parse_quantity(limit.removeprefix(sign).strip() or "none")
    if amount is None or amount < 0 or limit[len(sign) :].strip()[:1] in ("+", "-"):
        raise WrongTolerance(f"'{text}': '{limit}' is not an amount")
    if limit.endswith("B") and UNITS.get(metric) != BYTES:
        raise WrongTolerance(f"'{text}': {metric} is not measured in bytes")
    return Tolerance(metric, sign, amount, limit.endswith("%"), limit)


def excesses(limits: Tolerance, comparison: Comparison) -> Iterator[str]:
    """One sentence for each way in which a comparison exceeds a tolerance."""
    if limits.metric != "receptive_field":
        yield from _excess(limits, limits.metric, [comparison.total(limits.metric)])
        return
    for output in comparison.outputs:
        if output.old is None or output.new is None:
            continue  # there is nothing to compare with
        name = f" of {output.name}" if comparison.has_several_outputs else ""
        parts = _per_axis(output.change("receptive_field"))
        yield from _excess(limits, f"{limits.metric}{name}", parts)


def _excess(limits: Tolerance, what: str, parts: Sequence[Change | None]) -> Iterator[str]:
    """Yield a sentence if the change of a number is unknown, or the first on an axis too large."""
    for part in parts:
        if part is None or not known(part.delta):
            yield f"{what} is unknown, so that {limits.text} cannot be held"
        elif _exceeds(limits, part):
            yield _sentence(limits, what, part)
            return


def _exceeds(limits: Tolerance, change: Change) -> bool:
    delta = change.delta or 0
    if (limits.sign == "+" and delta < 0) or (limits.sign == "-" and delta > 0):
        return False
    most = limits.amount * change.old if limits.is_relative else limits.amount
    return abs(delta) > most


def _per_axis(change: Change) -> list[Change | None]:
    """The change of the receptive field on each axis; [None] if the sides cannot be compared."""
    sides: list[Any] = [change.old, change.new]
    if not all(isinstance(side, ReceptiveField) for side in sides):
        return [] if sides == [None, None] else [None]
    old, new = (side.size for side in sides)
    if len(old) != len(new):
        return [None]
    return [Change(change.key, *pair) for pair in zip(old, new, strict=True)]


def _sentence(limits: Tolerance, what: str, change: Change) -> str:
    written = memory_text if change.unit == BYTES else count_text
    old, new = written(change.old), written(change.new)
    if old == new:  # four digits do not tell them apart
        old, new = written(change.old, exact=True), written(change.new, exact=True)
    verb = "grew" if (change.delta or 0) > 0 else "fell"
    share = "" if change.ratio is None else f" ({change_text(change.ratio)})"
    return f"{what} {verb} from {old} to {new}{share}, more than {limits.text} allows"
