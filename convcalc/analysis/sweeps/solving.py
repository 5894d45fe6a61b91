"""Finds the largest, the smallest or the nearest value of a param that meets limits."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Any, Final, NamedTuple

from convcalc.analysis.sweeps.running import INPUT, PROBLEM, Runner
from convcalc.analysis.sweeps.words import check_ends, ends_of
from convcalc.errors import Error
from convcalc.model.quantities.number_text import parse_quantity

MAX, MIN, NEAREST = GOALS = ("max", "min", "nearest")
MOST_TRIED: Final = 65_536  # values of one param, where nothing says where to stop
MOST_PAIRS: Final = 1_000_000  # values of several params together
_LIMIT = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<|>|==|=)\s*(\S.*?)\s*")
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "=": operator.eq,
    "==": operator.eq,
}


class SolveError(Error):
    """The task is not well described."""


class Limit(NamedTuple):
    """A condition on a metric, as in ``params <= 5M``."""

    metric: str
    sign: str
    amount: Fraction

    def __str__(self) -> str:
        amount = self.amount
        number = f"{int(amount):,}" if amount.denominator == 1 else f"{float(amount):g}"
        return f"{self.metric} {self.sign} {number}"

    def holds(self, number: Any) -> bool:
        """Whether a number meets it; an unknown one (None) does not."""
        return number is not None and _HOLDS[self.sign](number, self.amount)

    def slack(self, number: Any) -> Fraction:
        """How far a number that meets it is from where it would not; how far off one is that does
        not, as a negative number."""
        away = Fraction(number) - self.amount
        if self.sign in ("=", "=="):
            return -abs(away)
        return -away if self.sign in ("<=", "<") else away


class Unknown(NamedTuple):
    """A param, or the input, whose value is wanted: ``first``, ``first + step``, … up to ``last``,
    or for ever."""

    name: str
    first: Fraction
    step: Fraction
    last: Fraction | None = None

    def values(self, start: int, count: int) -> list[int | float]:
        """So many values, from number ``start`` on; whole numbers if all of them are."""
        exact = [self.first + k * self.step for k in range(start, start + count)]
        if self.last is not None:
            exact = [value for value in exact if value <= self.last]
        if self.first.denominator == 1 and self.step.denominator == 1:
            return [int(value) for value in exact]
        return [float(value) for value in exact]

    @property
    def number(self) -> int | None:
        """How many values there are; None if there is no end."""
        return None if self.last is None else max(0, int((self.last - self.first) / self.step) + 1)


class Tried(NamedTuple):
    """A configuration that was tried, its numbers, and its problem if it has one."""

    values: Mapping[str, Any]
    numbers: Mapping[str, Any]
    problem: str

    def broken(self, limits: Sequence[Limit]) -> list[Limit]:
        """The limits that it does not meet; all of them if it has a problem."""
        if self.problem:
            return list(limits)
        return [limit for limit in limits if not limit.holds(self.numbers[limit.metric])]


class Answer(NamedTuple):
    """The result of a search.

    ``best`` is None if nothing meets the limits; ``nearest`` is then what is nearest to it.
    ``beyond`` is the next value past ``best`` that does not meet them, if there is one. ``tried``
    counts configurations. ``monotone`` says whether every limited number only grew, or only fell,
    over all that was tried. ``complete``: no value that was not tried can be better.
    """

    goal: str
    limits: tuple[Limit, ...]
    best: Tried | None
    beyond: Tried | None
    nearest: Tried | None
    tried: int
    monotone: bool
    complete: bool


def limit(text: str) -> Limit:
    """The limit that a text such as ``params <= 5M`` states; raises SolveError."""
    found = _LIMIT.fullmatch(text) if len(text) <= 200 else None
    amount = parse_quantity(found[3]) if found else None
    if found is None or amount is None:
        raise SolveError(
            f"'{text}' is not a limit", "write for instance 'params <= 5M' or 'macs <= 300M'"
        )
    return Limit(found[1], "=" if found[2] == "==" else found[2], amount)


def unknown(runner: Runner, word: str, step: str, *, endless: bool) -> Unknown:
    """The values that are tried: those of ``NAME=FROM:TO:STEP``, or those that the declaration of
    the param allows, ``endless`` if it says nothing else. Raises SolveError, SpaceError, or
    TargetError if there is no such param."""
    name, _, text = word.partition("=")
    if name in runner.fixed:
        raise SolveError(f"'{name}' is wanted, and --set fixes it", "leave out either")
    by = parse_quantity(step) if step else None
    if step and (by is None or by <= 0):
        raise SolveError(f"--step {step} is not a step", "a number above 0")
    if text:
        first, end, usual = ends_of(text.split(":"), name)
        check_ends(first, end, by or usual, name)
        return Unknown(name, first, by or usual, end)
    if name == INPUT:
        by = by or Fraction(32)
        return Unknown(name, by, by, None if endless else 32 * by)
    param = runner.param(name)
    if param.kind not in ("int", "float"):
        numbers = ", ".join([*runner.numbers(), INPUT])
        raise SolveError(f"'{name}' is not a number", f"numbers of this network: {numbers}")
    usual = Fraction(1, 100) if param.kind == "float" else Fraction(int(param.multiple_of or 1))
    by = by or usual
    low = by if param.minimum is None else max(by, Fraction(str(param.minimum)))
    last = None if param.maximum is None else Fraction(str(param.maximum))
    if last is None and not endless:
        raise SolveError(f"'{name}' has no end", f"write {name}=FROM:TO:STEP")
    return Unknown(name, -(-low // by) * by, by, last)


def solve(
    runner: Runner, goal: str, unknowns: Sequence[Unknown], limits: Sequence[Limit]
) -> Answer:
    """The configuration that is wanted, by trying every step: the first unknown decides, the next
    ones where it leaves several.

    ``runner`` measures at least the metrics of the limits. For ``nearest`` there is one limit, an
    amount that is to be met as closely as possible; of two that are equally close the smaller.
    Raises SolveError if limits are missing, or several unknowns have no end.
    """
    if not limits or (goal == NEAREST and len(limits) > 1):
        advice = "such as 'params = 5M'" if goal == NEAREST else "such as 'params <= 5M'"
        raise SolveError(f"{goal} needs {'one' if goal == NEAREST else 'a'} limit", advice)
    if len(unknowns) == 1 and unknowns[0].number is None:
        tried, complete = _tried_in_order(runner, goal, unknowns[0], limits)
    else:
        tried, complete = _tried_all(runner, unknowns), True
    monotone = len(unknowns) == 1 and all(_is_monotone(tried, limit) for limit in limits)
    best = _best(tried, goal, limits)
    beyond = _beyond(tried, best, goal, limits)
    for each in filter(None, (best, beyond)):  # the answer itself also by the ordinary path
        found = {**each.numbers, PROBLEM: each.problem}
        columns = {name: [value] for name, value in each.values.items()}
        runner.require_equal(columns, {name: [value] for name, value in found.items()}, 0)
    return Answer(
        goal,
        tuple(limits),
        best,
        beyond,
        None if best else _nearest(tried, limits),
        len(tried),
        monotone,
        complete,
    )


# --- trying --------------------------------------------------------------------------------------


def _tried_in_order(
    runner: Runner, goal: str, unknown: Unknown, limits: Sequence[Limit]
) -> tuple[list[Tried], bool]:
    """Return what was tried of an unbounded unknown, and whether nothing beyond can be better."""
    tried: list[Tried] = []
    count = 64
    while len(tried) < MOST_TRIED:
        some = _measured(runner, {unknown.name: unknown.values(len(tried), count)})
        if not tried and all(each.problem for each in some):
            raise SolveError(f"the network has a problem: {some[0].problem}", "see convcalc check")
        tried += some
        if goal == MIN and any(not each.broken(limits) for each in some):
            return tried, True
        if _is_past(tried, some[-1], goal, limits):
            return tried, True
        count = min(2 * count, MOST_TRIED - len(tried))
    return tried, False


def _is_past(tried: Sequence[Tried], last: Tried, goal: str, limits: Sequence[Limit]) -> bool:
    """Whether everything beyond the last value breaks a limit, or is further off, too."""
    if last.problem:
        return False
    for each in limits:
        number = last.numbers[each.metric]
        rises = number is not None and _rises(tried, each)
        if goal == NEAREST:
            if rises and number > each.amount:
                return True
        elif rises and each.sign in ("<=", "<", "=") and number > each.amount:
            return True
    return False


def _tried_all(runner: Runner, unknowns: Sequence[Unknown]) -> list[Tried]:
    """Every combination of the values of unknowns that all have an end."""
    endless = [each.name for each in unknowns if each.number is None]
    if endless:
        raise SolveError(f"'{endless[0]}' has no end", "write NAME=FROM:TO:STEP")
    total = 1
    columns: dict[str, list[Any]] = {each.name: [] for each in unknowns}
    for each in unknowns:
        total *= each.number or 0
    if total > MOST_PAIRS:
        raise SolveError(f"{total:,} configurations", f"at most {MOST_PAIRS:,}: take larger steps")
    for combination in _combinations(unknowns):
        for each, value in zip(unknowns, combination, strict=True):
            columns[each.name].append(value)
    return [
        row
        for start in range(0, total, MOST_TRIED)
        for row in _measured(
            runner, {name: values[start : start + MOST_TRIED] for name, values in columns.items()}
        )
    ]


def _combinations(unknowns: Sequence[Unknown]) -> Iterator[tuple[Any, ...]]:
    return product(*(each.values(0, each.number or 0) for each in unknowns))


def _measured(runner: Runner, columns: Mapping[str, Sequence[Any]]) -> list[Tried]:
    found = runner.run(columns)
    names = list(columns)
    return [
        Tried(
            dict(zip(names, values, strict=True)),
            {name: found[name][row] for name in runner.metrics},
            found[PROBLEM][row],
        )
        for row, values in enumerate(zip(*columns.values(), strict=True))
    ]


# --- choosing ------------------------------------------------------------------------------------


def _rises(tried: Sequence[Tried], each: Limit) -> bool:
    """Whether a metric never falls over the values that have no problem."""
    numbers = [row.numbers[each.metric] for row in tried if not row.problem]
    return None not in numbers and all(a <= b for a, b in pairwise(numbers))


def _is_monotone(tried: Sequence[Tried], each: Limit) -> bool:
    numbers = [row.numbers[each.metric] for row in tried if not row.problem]
    if None in numbers:
        return False
    steps = list(pairwise(numbers))
    return all(a <= b for a, b in steps) or all(a >= b for a, b in steps)


def _best(tried: Sequence[Tried], goal: str, limits: Sequence[Limit]) -> Tried | None:
    if goal == NEAREST:
        known = [row for row in tried if not row.problem and _is_known(row, limits)]
        return min(known, key=lambda row: abs(_slack(row, limits[0])), default=None)
    fitting = [row for row in tried if not row.broken(limits)]
    choose = max if goal == MAX else min
    return choose(fitting, key=lambda row: tuple(row.values.values()), default=None)


def _slack(row: Tried, each: Limit) -> Fraction:
    return Fraction(row.numbers[each.metric]) - each.amount


def _is_known(row: Tried, limits: Sequence[Limit]) -> bool:
    return all(row.numbers[each.metric] is not None for each in limits)


def _beyond(
    tried: Sequence[Tried], best: Tried | None, goal: str, limits: Sequence[Limit]
) -> Tried | None:
    """The next value of the last unknown past the best one, if it breaks a limit."""
    if best is None or goal == NEAREST:
        return None
    at = next(number for number, row in enumerate(tried) if row is best)
    past = at + 1 if goal == MAX else at - 1
    if not 0 <= past < len(tried):
        return None
    names = list(best.values)
    same = all(tried[past].values[name] == best.values[name] for name in names[:-1])
    return tried[past] if same and tried[past].broken(limits) else None


def _nearest(tried: Sequence[Tried], limits: Sequence[Limit]) -> Tried | None:
    """Return what misses the limits by the least part of them in all."""
    known = [row for row in tried if not row.problem and _is_known(row, limits)]

    def miss(row: Tried) -> Fraction:
        found = Fraction(0)
        for each in limits:
            if not each.holds(row.numbers[each.metric]):
                found += abs(_slack(row, each)) / max(abs(each.amount), Fraction(1))
        return found

    return min(known, key=miss, default=None)
