"""A sweep for a Python program: all its rows by column, the front, the first ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from convcalc.analysis.sweeps.measuring import Assumptions
from convcalc.analysis.sweeps.pareto import objectives
from convcalc.analysis.sweeps.parts import Counts, Row, Sweep, Tally, best, shown
from convcalc.analysis.sweeps.plan import Plan, plan
from convcalc.analysis.sweeps.space import Factor, SpaceError
from convcalc.analysis.sweeps.words import factor, listed
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import Work, current
from convcalc.importing.opening import open_source
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.target import Target, TargetError
from convcalc.model.operators.contract import KINDS
from convcalc.model.quantities.number_text import DTYPES
from convcalc.model.quantities.presented import Saved, Shown, number_of, short


class SweepResult(Shown, Saved):
    """The rows of a sweep that satisfy its conditions.

    ``columns`` has the values of each column: what is swept, the metrics as exact integers, None
    where unknown, and ``problem``, empty for a row without one. ``counts`` says how many rows
    there were, and how many of them have a problem or an unknown number.
    """

    __slots__ = ("_plan", "_tally", "columns", "network")

    def __init__(
        self, network: str, plan: Plan, columns: Mapping[str, Sequence[Any]], tally: Tally
    ) -> None:
        self.network = network
        self.columns = columns
        self._plan = plan
        self._tally = tally

    def __repr__(self) -> str:
        names = ", ".join(factor.name for factor in self._plan.factors)
        what = f"{short(self.network)} over {short(names)}"
        return f"<SweepResult {what}: {number_of(len(self), 'row')}>"

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def counts(self) -> Counts:
        """How many rows were computed, kept by the conditions, and so on."""
        return self._tally.counts

    @property
    def problems(self) -> Mapping[str, int]:
        """Each problem of a configuration, and how many have it."""
        return dict(self._tally.reasons)

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows, one after another, each as a mapping from column to value."""
        return self._mappings(zip(*self.columns.values(), strict=True))

    def front(self, *goals: str) -> list[dict[str, Any]]:
        """The rows that no other row beats in all of these columns; with a minus more is better.

        Without any, those of the sweep's own ``pareto``. Raises UnknownName for a name that is
        not a column of numbers, and SpaceError if there are none.
        """
        wanted = self._plan
        if goals:
            wanted = wanted._replace(pareto=objectives(goals, self._numbers()))
        if not wanted.pareto:
            raise SpaceError("no columns are named", "name what matters: front('macs', '-params')")
        order = wanted.by if not goals else wanted.pareto[0]
        return self._shown(wanted._replace(by=order, top=None))

    def top(self, count: int = 20, by: str = "") -> list[dict[str, Any]]:
        """The first rows by a column, the least first, or the most with a minus."""
        order = objectives([by], self._numbers())[0] if by else self._plan.by
        return self._shown(self._plan._replace(pareto=(), by=order, top=count))

    def to_pandas(self) -> Any:
        """All rows as a ``pandas.DataFrame``; MissingPackage if pandas is not installed."""
        return import_module("convcalc.output.frames").swept_to_pandas(self.columns)

    def to_polars(self) -> Any:
        """All rows as a ``polars.DataFrame``; MissingPackage if polars is not installed."""
        return import_module("convcalc.output.frames").swept_to_polars(self.columns)

    def presented(self) -> tuple[str, Plan, Tally]:
        """Return what is shown of it: the network, the plan, and the rows that are shown."""
        return self.network, self._plan, self._tally

    def _numbers(self) -> list[str]:
        names = {factor.name for factor in self._plan.factors}
        values = {name: self.columns[name] for name in names}
        lists = {name for name, column in values.items() if any(map(_is_no_number, column))}
        return [name for name in self._plan.names[:-1] if name not in lists]

    def _shown(self, wanted: Plan) -> list[dict[str, Any]]:
        rows: list[Row] = list(zip(*self.columns.values(), strict=True))
        return list(self._mappings(shown(wanted, best(wanted, rows))))

    def _mappings(self, rows: Any) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in rows)


def _is_no_number(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)


def swept(
    target: Target,
    over: Mapping[str, Any],
    *,
    where: Sequence[str] | str = (),
    metrics: Sequence[str] = (),
    pareto: Sequence[str] = (),
    by: str = "",
    top: int | None = 20,
    sample: int | None = None,
    seed: int = 0,
    variant: str | None = None,
    batch: int = 1,
    dtype: str = "float32",
    counted: Sequence[str] = ("weights", "dynamic"),
) -> SweepResult:
    """The rows of a sweep; see :func:`convcalc.sweep`."""
    if dtype not in DTYPES:
        raise SpaceError(f"dtype is '{dtype}'", advise(dtype, DTYPES, "types:"))
    for kind in counted:
        if kind not in KINDS:
            raise SpaceError(f"unknown kind of work '{kind}'", advise(kind, KINDS, "kinds:"))
    wanted = plan(
        [_factor(name, values) for name, values in over.items()],
        metrics=metrics,
        where=[where] if isinstance(where, str) else where,
        pareto=pareto,
        by=by,
        top=top,
        sample=sample,
        seed=seed,
    )
    if not isinstance(open_source(target), NetworkSource):
        raise TargetError(f"{target.file} is a model, of which nothing can be swept")
    sweep = Sweep(
        wanted,
        lambda: NetworkSource(target),
        Assumptions(tuple(counted), dtype),
        variant=variant or target.variant,
        batch=batch,
    )
    columns: dict[str, list[Any]] = {name: [] for name in wanted.names}
    tally = Tally(wanted)
    for number in range(sweep.parts):
        with Work(allowed=current().allowed):
            part = sweep.part(number)
        tally.add(part)
        for name, values in part.columns.items():
            columns[name] += values
    return SweepResult(sweep.name, wanted, columns, tally)


def _factor(name: str, values: Any) -> Factor:
    """Return what is swept: values, or a text as on the command line."""
    if isinstance(values, str):
        return factor(f"{name}={values}")
    if isinstance(values, int | float):
        return listed(name, [values])
    return listed(name, [list(each) if isinstance(each, tuple) else each for each in values])
