"""Computes the parts of a sweep one after another, on several cores if there are many."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any, Protocol

from convcalc.analysis.sweeps.parts import Part, Sweep, Tally
from convcalc.checking.processes import map_in_order
from convcalc.cli.console import Settings
from convcalc.cli.progress import progress
from convcalc.diagnostics.work import Work, current
from convcalc.output.cells import value_text

SHOWN_ROWS = 100  # after which a slow part shows how far it is


class Elsewhere(Protocol):
    """Computes parts of a sweep in order, but not on this machine."""

    def __call__(self, numbers: Sequence[int], *, with_rows: bool) -> Iterator[Part]:
        """The parts of these numbers."""


class Run:
    """A sweep at work, in ``jobs`` processes or ``elsewhere``; ``tally`` is what is known so far,
    ``is_stopped`` whether it was told to stop before its end."""

    def __init__(
        self,
        sweep: Sweep,
        numbers: Sequence[int],
        settings: Settings,
        jobs: int,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.sweep = sweep
        self.elsewhere = elsewhere
        self.numbers = numbers
        self.settings = settings
        self.jobs = min(jobs, len(numbers))
        self.tally = Tally(sweep.plan)
        self.is_stopped = False

    def parts(
        self, *, with_rows: bool, found: Callable[[int], Part | None] = lambda _: None
    ) -> Iterator[Part]:
        """Yields the parts in order, those that are ``found`` without rows.

        An interrupt ends them after the part that is done next.
        """
        done = {number: part for number in self.numbers if (part := found(number)) is not None}
        missing = [number for number in self.numbers if number not in done]
        total = sum(len(self.sweep.range_of(number)) for number in self.numbers)
        with progress("sweeping", total, self.settings) as step, self._interruptible():
            self.began, self.fresh = monotonic(), 0
            is_here = self.jobs < 2 and self.elsewhere is None
            ticks = _Ticks(self, step) if is_here else None
            made = self._made(missing, ticks, with_rows=with_rows)
            for number in self.numbers:
                if self.is_stopped:
                    return
                try:
                    part = done.get(number) or next(made)
                except _StoppedError:
                    return
                self.tally.add(part)
                fresh = number not in done
                self.fresh += part.counts.rows * fresh
                ticked = ticks.taken() if ticks and fresh else 0
                yield part
                step(self._line(total), part.counts.rows - ticked)

    def _made(
        self, missing: Sequence[int], ticks: _Ticks | None, *, with_rows: bool
    ) -> Iterator[Part]:
        """Computes parts, in order, where it was said."""
        if self.elsewhere is not None:
            return self.elsewhere(missing, with_rows=with_rows)
        work = partial(_computed, self.sweep, with_rows, ticks)
        return map_in_order(work, missing, self.jobs)

    def _line(self, total: int) -> str:
        """Return the text beside the bar: rows per second, the time left, the best so far."""
        seconds = monotonic() - self.began
        if not self.fresh or seconds <= 0:
            return ""
        left = (total - self.tally.counts.rows) * seconds / self.fresh
        return f"{self.fresh / seconds:,.0f} rows/s · {left:.0f} s left{self._best()}"

    def _best(self) -> str:
        plan, best = self.sweep.plan, self.tally.best
        if plan.pareto:
            return f" · front {len(best):,}"
        if not best:
            return ""
        value = best[0][plan.names.index(plan.by.name)]
        return "" if value is None else f" · {plan.by.name} {value_text(value)}"

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first interrupt stops after the part at hand; the second one at once."""

        def stop(_number: int, _frame: Any) -> None:
            if self.is_stopped:
                raise KeyboardInterrupt
            self.is_stopped = True

        before = None
        with suppress(ValueError):  # not the main thread
            before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)


class _StoppedError(Exception):
    """An interrupt within a part that is computed row by row."""


class _Ticks:
    """Tells the progress bar of rows within a part, and looks for an interrupt."""

    def __init__(self, run: Run, step: Callable[..., None]) -> None:
        self.run = run
        self.step = step
        self.waiting = self.told = 0

    def __call__(self, count: int) -> None:
        if self.run.is_stopped:
            raise _StoppedError
        self.waiting += count
        if self.waiting >= SHOWN_ROWS:
            self.step("", self.waiting)
            self.told, self.waiting = self.told + self.waiting, 0

    def taken(self) -> int:
        """The rows of the part that the bar was told of."""
        found, self.told, self.waiting = self.told, 0, 0
        return found


def _computed(sweep: Sweep, with_rows: bool, ticks: _Ticks | None, number: int) -> Part:
    """One part, perhaps in a process of its own."""
    step: Callable[[int], None] = ticks if ticks is not None else _nothing
    with Work(allowed=current().allowed):
        part = sweep.part(number, step)
    return part if with_rows else part.without_rows()


def _nothing(_count: int) -> None:
    """Shows nothing."""
