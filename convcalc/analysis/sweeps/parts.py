"""Computes a sweep part by part; each part by itself, so that any process can do it.

A part is some tens of thousands of rows. Its numbers come from lanes, or, without numpy and where
lanes cannot be used, from the ordinary path, one row after another. Some rows of each part are
computed by both, and must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import nsmallest
from random import Random
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.arrays import HAS_NUMPY
from convcalc.analysis.sweeps.conditions import Condition
from convcalc.analysis.sweeps.measuring import Assumptions
from convcalc.analysis.sweeps.pareto import front
from convcalc.analysis.sweeps.plan import Plan
from convcalc.analysis.sweeps.running import INPUT, PROBLEM, Differs, Runner
from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.visible import visible
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.reads import Reads, noted
from convcalc.language.sources.target import TargetError
from convcalc.model.quantities.shape import Shape

CHECKED = 20  # rows of a sweep, at least, that the ordinary path computes once more
Row = tuple[Any, ...]  # the values of the columns of a plan


class Counts(NamedTuple):
    """How many rows there were, and why some have no numbers or are left out.

    ``single`` are those that the ordinary path computed, ``checked`` those that it computed too.
    """

    rows: int = 0
    kept: int = 0
    problems: int = 0
    unknown: int = 0
    single: int = 0
    checked: int = 0

    def plus(self, other: Counts) -> Counts:
        """The counts of both together."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


class Part(NamedTuple):
    """The rows of a part that satisfy all conditions, by column, and the best of them."""

    number: int
    columns: Mapping[str, Sequence[Any]]
    counts: Counts
    best: list[Row]
    reasons: Mapping[str, int]  # problems, and how many rows have each

    def without_rows(self) -> Part:
        """The part without its rows but the best."""
        return self._replace(columns={})


class NoFactor(TargetError):
    """The network has no param ``factor``, which is to be swept."""

    def __init__(self, message: str, help: str, factor: str) -> None:  # noqa: A002
        super().__init__(message, help)
        self.factor = factor

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.help, self.factor)


class Sweep:
    """A plan on one network. ``opened`` opens its file again.

    Raises SpaceError, TargetError or NetworkError for a plan that does not fit it.
    """

    def __init__(
        self,
        plan: Plan,
        opened: Callable[[], NetworkSource],
        how: Assumptions,
        *,
        variant: str | None = None,
        batch: int = 1,
    ) -> None:
        self.plan = plan
        self.rows = plan.rows()
        self.parts = -(-self.rows.count // plan.chunk)
        self.runner = Runner(opened, plan.metrics, how, variant=variant, batch=batch)
        self.own: Shape | None = None  # of the input of the file itself
        self.name = ""  # of the network
        with noted() as self.reads:
            self.conditions = self._fit(opened())
        swept = {factor.name for factor in plan.factors}
        self.before = [each for each in self.conditions if swept.issuperset(each.names)]
        self.after = [each for each in self.conditions if each not in self.before]

    def _fit(self, source: NetworkSource) -> list[Condition]:
        """The conditions of the plan; raises an error unless it fits the network."""
        network = source.network(self.runner.variant, batch=self.runner.batch)
        self.name = network.name or network.file
        broken = [each for each in source.problems if each.severity == "error"]
        if broken or source.document is None:
            raise NetworkError(broken or network.problems)
        params = source.document.unit.params
        names = [factor.name for factor in self.plan.factors]
        for name in names:
            if name != INPUT and name not in params:
                advice = advise(name, [INPUT, *params], "what can be swept:")
                raise NoFactor(f"{self.name} has no param '{name}'", advice, name)
        known = [*names, *self.plan.metrics]
        fixed = [name for name in params if name not in names]
        conditions = [Condition(text, known, fixed) for text in self.plan.where]
        if INPUT in names or any(each.of_input for each in conditions):
            if len(network.inputs) != 1:
                raise TargetError(
                    f"{self.name} has {len(network.inputs)} inputs",
                    "only its params can be swept, and sizes of one input",
                )
            self.own = next(iter(network.inputs.values()))
        return conditions

    # --- one part -------------------------------------------------------------------------------

    def range_of(self, number: int) -> range:
        """The numbers of the rows of a part."""
        first = number * self.plan.chunk
        return range(first, min(first + self.plan.chunk, self.rows.count))

    def part(self, number: int, step: Callable[[int], None] = lambda _: None) -> Part:
        """Computes a part; ``step`` counts rows that are computed one by one.

        Raises Differs where a row is not what the ordinary path gives, and TargetError if the file
        was changed meanwhile.
        """
        numbers = self.range_of(number)
        columns: dict[str, list[Any]] = self.rows.columns(numbers.start, numbers.stop)
        columns = self._kept(columns, self.before, len(numbers))
        count = len(next(iter(columns.values())))
        with noted() as reads:
            found, single = self._measured(columns, count, step)
        self._require_unchanged(reads)
        checked = 0 if single else self._check(columns, found, count, number)
        found[PROBLEM] = _readable(found[PROBLEM])
        problems = count - found[PROBLEM].count("")
        unknown = sum(
            not problem and None in values
            for problem, *values in zip(
                found[PROBLEM], *(found[name] for name in self.plan.metrics), strict=True
            )
        )
        reasons = _counted(found[PROBLEM])
        kept = self._kept({**columns, **found}, self.after, count)
        kept = {name: kept[name] for name in self.plan.names}
        left = len(kept[PROBLEM])
        counts = Counts(len(numbers), left, problems, unknown, count if single else 0, checked)
        rows = [*zip(*kept.values(), strict=True)]
        return Part(number, kept, counts, best(self.plan, rows), reasons)

    def _kept(
        self, columns: dict[str, list[Any]], conditions: Sequence[Condition], count: int
    ) -> dict[str, list[Any]]:
        """The rows for which all conditions hold."""
        for condition in conditions:
            shapes = None
            if condition.of_input:
                shapes = self._shapes(columns.get(INPUT), count)
            kept = condition.kept(columns, shapes, count)
            if not all(kept):
                columns = {
                    name: [value for value, stays in zip(values, kept, strict=True) if stays]
                    for name, values in columns.items()
                }
                count = sum(kept)
        return columns

    def _shapes(self, inputs: Sequence[Any] | None, count: int) -> list[Shape]:
        """The shape of the input in each row."""
        assert self.own is not None
        own = self.own
        if inputs is None:
            return [own] * count
        return [
            Shape(own.batch, size[0], tuple(size[1:]))
            if isinstance(size, list)
            else Shape(own.batch, own.channels, (size,) * own.rank)
            for size in inputs
        ]

    def _measured(
        self, columns: Mapping[str, Sequence[Any]], count: int, step: Callable[[int], None]
    ) -> tuple[dict[str, list[Any]], bool]:
        """The metrics of all rows and their problems, and whether the ordinary path gave them."""
        if not count:
            return {name: [] for name in (*self.plan.metrics, PROBLEM)}, False
        if HAS_NUMPY and count > 1:
            try:
                return self.runner.run(columns), False
            except Differs:
                raise
            except Exception:  # what lanes cannot do, one network after another can
                pass
        found: dict[str, list[Any]] = {name: [] for name in (*self.plan.metrics, PROBLEM)}
        for row in range(count):
            one = self.runner.ordinary({name: values[row] for name, values in columns.items()})
            for name, values in found.items():
                values.append(one[name])
            step(1)
        return found, True

    def _check(
        self,
        columns: Mapping[str, Sequence[Any]],
        found: Mapping[str, Sequence[Any]],
        count: int,
        number: int,
    ) -> int:
        """Computes some rows once more by the ordinary path; returns how many."""
        wanted = min(count, -(-CHECKED // self.parts))
        rows = Random(f"{self.plan.seed} {number}").sample(range(count), wanted)
        for row in rows:
            self.runner.require_equal(columns, found, row)
        return wanted

    def _require_unchanged(self, reads: Reads) -> None:
        for key, state in reads.found.items():
            if self.reads.found.setdefault(key, state) != state:
                raise TargetError(f"{key[0]} was changed while it was swept", "start again")


# --- the best rows -------------------------------------------------------------------------------


def best(plan: Plan, rows: Sequence[Row]) -> list[Row]:
    """The rows on the front, or those that come first; of several parts, of these together."""
    if plan.pareto:
        places = [(plan.names.index(each.name), each) for each in plan.pareto]
        whole = [row for row in rows if all(row[place] is not None for place, _ in places)]
        points = [tuple(each.of(row[place]) for place, each in places) for row in whole]
        return [whole[place] for place in front(points)]
    if plan.top is None:
        return list(rows)
    return nsmallest(plan.top, rows, order(plan))


def shown(plan: Plan, rows: Sequence[Row]) -> list[Row]:
    """The best rows in the order in which they are shown, as many as are shown."""
    return sorted(rows, key=order(plan))[: plan.top]


def order(plan: Plan) -> Callable[[Row], tuple[bool, Any]]:
    """Return what rows are sorted by: rows without a number come last."""
    place, by = plan.names.index(plan.by.name), plan.by

    def key(row: Row) -> tuple[bool, Any]:
        value = row[place]
        return value is None, 0 if value is None else by.of(value)

    return key


class Tally:
    """The counts and the best rows of the parts that are done."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.counts = Counts()
        self.best: list[Row] = []
        self.reasons: dict[str, int] = {}

    def add(self, part: Part) -> None:
        """Adds the next part."""
        self.counts = self.counts.plus(part.counts)
        self.best = best(self.plan, [*self.best, *part.best]) if self.best else part.best
        for reason, count in part.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count

    @property
    def shown(self) -> list[Row]:
        """The rows that are shown."""
        return shown(self.plan, self.best)


def _readable(problems: Sequence[str]) -> list[str]:
    """Problems as they may be shown, for they name files."""
    texts = {problem: visible(problem) for problem in set(problems)}
    return [texts[problem] for problem in problems]


def _counted(problems: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for problem in filter(None, problems):
        found[problem] = found.get(problem, 0) + 1
    return found
