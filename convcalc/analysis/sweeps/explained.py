"""Says what a sweep would do, and about how long it would take, from a probe of a few rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.arrays import HAS_NUMPY
from convcalc.analysis.sweeps.drawing import LARGEST
from convcalc.analysis.sweeps.parts import CHECKED, Sweep
from convcalc.analysis.sweeps.space import Rows

PROBED = 2000  # rows
FEW = 10  # rows, for what does not depend on their number, and where each is computed by itself


class Step(NamedTuple):
    """A line of an explanation."""

    what: str
    how: str


class Probe(NamedTuple):
    """Seconds for each row and for each part; ``runs`` of the formulas for so many ``rows``, 0 if
    each is computed by itself, and then ``reason``; ``apart`` are operators that take one case
    after another."""

    per_row: float
    per_part: float
    rows: int
    runs: int
    apart: tuple[str, ...] = ()
    reason: str = ""

    def seconds(self, rows: int, parts: int) -> float:
        """About how long so many rows in so many parts take in one process."""
        return self.per_row * rows + self.per_part * parts


def explained(sweep: Sweep, numbers: Sequence[int], jobs: int) -> list[Step]:
    """Return what the parts of these numbers would do in so many processes."""
    return list(_steps(sweep, numbers, jobs))


def _steps(sweep: Sweep, numbers: Sequence[int], jobs: int) -> Iterator[Step]:
    plan, space = sweep.plan, sweep.rows.space
    sizes = " × ".join(f"{factor.name} {factor.size:,}" for factor in plan.factors)
    yield Step("space", f"{_count(space.count)} configurations: {sizes}")
    if sweep.rows.count < space.count:
        yield Step("sample", f"{sweep.rows.count:,} different ones, seed {plan.seed}")
    rows = sum(len(sweep.range_of(number)) for number in numbers)
    yield Step("parts", f"{len(numbers):,} of up to {plan.chunk:,} rows, {rows:,} in all")
    for title, conditions in (("kept first", sweep.before), ("kept then", sweep.after)):
        if conditions:
            yield Step(title, " and ".join(each.text for each in conditions))
    probe = probed(sweep)
    yield Step("numbers", _way(probe))
    if probe.apart:
        yield Step("case by case", ", ".join(probe.apart))
    checked = min(rows, max(CHECKED, len(numbers)))
    if probe.runs:
        yield Step("checked", f"at least {checked:,} rows, by the ordinary path")
    seconds = probe.seconds(rows, len(numbers)) / max(1, min(jobs, len(numbers)))
    processes = "1 process" if jobs < 2 else f"{jobs} processes"
    yield Step("takes about", f"{_time(seconds)} in {processes}")


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{number:.3g}"


def _way(probe: Probe) -> str:
    if not probe.runs:
        return f"each configuration by itself: {probe.reason}"
    runs = "one run" if probe.runs == 1 else f"{probe.runs:,} runs"
    return f"many configurations at once: {runs} of the formulas for {probe.rows:,} rows drawn"


def _time(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def probed(sweep: Sweep) -> Probe:
    """Computes a few rows of the sweep, drawn from all of them."""
    reason = "numpy is not installed"
    if HAS_NUMPY:
        try:
            return _many(sweep)
        except Exception as error:  # as in a part, which goes on without lanes
            reason = f"{type(error).__name__} in lanes"
    columns = _drawn(sweep, FEW)
    count = len(next(iter(columns.values())))
    began = perf_counter()
    for row in range(count):
        sweep.runner.ordinary({name: values[row] for name, values in columns.items()})
    return Probe((perf_counter() - began) / count, 0, count, 0, reason=reason)


def _many(sweep: Sweep) -> Probe:
    seconds, runs, counts = [], 0, []
    for wanted in (FEW, PROBED):
        columns = _drawn(sweep, wanted)
        before, began = sweep.runner.runs, perf_counter()
        sweep.runner.run(columns)
        seconds.append(perf_counter() - began)
        runs = sweep.runner.runs - before
        counts.append(len(next(iter(columns.values()))))
    began = perf_counter()
    sweep.runner.ordinary(sweep.rows.row(0))
    alone = perf_counter() - began
    more = max(counts[1] - counts[0], 1)
    per_row = max(seconds[1] - seconds[0], 0) / more
    checks = -(-CHECKED // max(sweep.parts, 1))
    apart = tuple(sorted(sweep.runner.apart))
    return Probe(per_row, seconds[0] + checks * alone, counts[1], runs, apart)


def _drawn(sweep: Sweep, wanted: int) -> dict[str, list[Any]]:
    """Rows from all over the space."""
    space = sweep.rows.space
    if space.count > LARGEST:
        return sweep.rows.columns(0, min(wanted, sweep.rows.count))
    rows = Rows(space, wanted, sweep.plan.seed)
    return rows.columns(0, rows.count)
