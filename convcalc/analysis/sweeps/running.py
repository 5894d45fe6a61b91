"""Runs many configurations of a network: as lanes where they agree, apart where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.analysis.sweeps.arrays import Array, np
from convcalc.analysis.sweeps.lanes import Split, column, lanes_of
from convcalc.analysis.sweeps.measuring import Assumptions, measure
from convcalc.analysis.sweeps.metrics import FIELD_METRICS
from convcalc.analysis.sweeps.operators import LaneKept
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import Work, current
from convcalc.errors import Error
from convcalc.language.head.inputs import Inputs
from convcalc.language.parse.tree import Param
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.target import TargetError
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import UNKNOWN

Configuration = Mapping[str, Any]  # the value of each factor, by name
Columns = Mapping[str, Sequence[Any]]  # the values of each factor in many configurations
INPUT = "input"  # the factor that is the network's input; all others are params

PROBLEM = "problem"  # the column that says why a row has no numbers


class Differs(Error):
    """The numbers of a configuration are not those of the ordinary path: a fault of convcalc."""


class Runner:
    """Measures configurations of one network.

    ``opened`` opens the file again: what networks of one run share is dropped with it. ``runs``
    counts the networks that were expanded, ``halved`` how often code could not take many numbers
    as one; ``apart`` names operators whose formulas ran once for each case, not for all lanes.
    """

    def __init__(
        self,
        opened: Callable[[], NetworkSource],
        metrics: Sequence[str],
        how: Assumptions,
        *,
        variant: str | None = None,
        batch: int = 1,
        fixed: Configuration | None = None,
    ) -> None:
        self.opened = opened
        self.metrics = metrics
        self.how = how
        self.variant = variant
        self.batch = batch
        self.fixed = dict(fixed or {})
        self.runs = self.halved = 0
        self.apart: set[str] = set()
        self._ordinary: NetworkSource | None = None
        self._own: tuple[int, ...] | None = None  # the sizes of the network's own input

    def run(self, columns: Columns) -> dict[str, list[Any]]:
        """The metrics of all configurations, None where unknown, and the column PROBLEM.

        A row with a problem has no numbers. The values of ``columns`` are of equal number.
        """
        count = len(next(iter(columns.values()), [None]))
        found: dict[str, list[Any]] = {name: [None] * count for name in self.metrics}
        found[PROBLEM] = [""] * count
        # What fields depend on parts more configurations than what sums depend on.
        sums = [name for name in self.metrics if name not in FIELD_METRICS]
        fields = [name for name in self.metrics if name in FIELD_METRICS]
        for metrics in filter(None, (sums, fields)):
            self._run(columns, metrics, found, count)
        return found

    def _run(
        self, columns: Columns, metrics: Sequence[str], found: dict[str, list[Any]], count: int
    ) -> None:
        """Puts metrics of all configurations into the columns that are found."""
        source, kept = self.opened(), LaneKept(fields=metrics[0] in FIELD_METRICS)
        if source.document is not None:
            source.document.kept = kept
        waiting: list[Array] = [np.arange(count)]
        while waiting:
            rows = waiting.pop()
            try:
                numbers, problem = self._measured(source, self._values(columns, rows), metrics)
            except Exception as error:
                if len(rows) == 1:  # what the ordinary path does not take is a fault
                    raise
                waiting += self._parted(rows, error)
                continue
            for name, number in numbers.items():
                _put(found[name], rows, number)
            if problem:
                _put(found[PROBLEM], rows, problem)
        self.apart |= kept.apart

    def _parted(self, rows: Array, error: Exception) -> list[Array]:
        """Both sides of rows that part, the first one last; their halves if code cannot take many
        numbers as one and does not say where they differ."""
        if isinstance(error, Split) and len(error.mask) == len(rows):
            sides = [rows[~error.mask], rows[error.mask]]
            if all(map(len, sides)):
                return sides
        self.halved += 1
        return [rows[len(rows) // 2 :], rows[: len(rows) // 2]]

    def param(self, name: str) -> Param:
        """The declaration of a param; raises TargetError if there is none of that name."""
        document = self.opened().document
        params = document.unit.params if document else {}
        if name not in params:
            raise TargetError(f"unknown param '{name}'", advise(name, [*params, INPUT], "params:"))
        return params[name]

    def numbers(self) -> list[str]:
        """The names of the params that are numbers."""
        document = self.opened().document
        params = document.unit.params if document else {}
        return [name for name, param in params.items() if param.kind in ("int", "float")]

    def ordinary(self, configuration: Configuration) -> dict[str, Any]:
        """The numbers of one configuration by the ordinary path, without lanes."""
        self._ordinary = self._ordinary or self.opened()
        numbers, problem = self._measured(self._ordinary, configuration, self.metrics)
        return {name: _plain(numbers.get(name)) for name in self.metrics} | {PROBLEM: problem}

    def require_equal(self, columns: Columns, found: Mapping[str, Sequence[Any]], row: int) -> None:
        """Raises Differs unless a row is what the ordinary path gives."""
        configuration = {name: values[row] for name, values in columns.items()}
        expected = self.ordinary(configuration)
        have = {name: found[name][row] for name in expected}
        if {**have, PROBLEM: bool(have[PROBLEM])} != {
            **expected,
            PROBLEM: bool(expected[PROBLEM]),
        }:
            named = ", ".join(f"{name}={value}" for name, value in configuration.items())
            raise Differs(
                f"a sweep gave {have} for {named}, the ordinary path {expected}",
                "this is a bug; please report it with the network",
            )

    # --- one run --------------------------------------------------------------------------------

    @staticmethod
    def _values(columns: Columns, rows: Array) -> Configuration:
        """The value of each factor in these rows: one, or lanes; Split if non-numbers differ."""
        return {
            name: _value([values[row] for row in rows.tolist()]) for name, values in columns.items()
        }

    def _measured(
        self, source: NetworkSource, values: Configuration, metrics: Sequence[str]
    ) -> tuple[dict[str, Any], str]:
        """The numbers of the configurations, or their problem."""
        self.runs += 1
        with Work(allowed=current().allowed):  # as much as if there were no others
            try:
                return self._numbers(source, values, metrics)
            except Split:
                raise
            except Error as error:
                return {}, error.message

    def _numbers(
        self, source: NetworkSource, values: Configuration, metrics: Sequence[str]
    ) -> tuple[dict[str, Any], str]:
        values = {**self.fixed, **values}
        params = {name: value for name, value in values.items() if name != INPUT}
        inputs = self._inputs(source, values)
        network = source.network(self.variant, inputs, params, batch=self.batch)
        problem = _problem(network)
        return ({}, problem) if problem else (measure(network, metrics, self.how), "")

    def _inputs(self, source: NetworkSource, values: Configuration) -> Inputs:
        """The input: all its sizes, or one for each of its axes."""
        size = values.get(INPUT)
        if size is None or isinstance(size, list | tuple):
            return size
        return self.input_sizes(size)

    def input_sizes(self, size: Any) -> list[Any]:
        """All sizes of the input that is ``size`` along each of its spatial axes."""
        if self._own is None:
            network = self.opened().network(self.variant, None, self.fixed, batch=self.batch)
            shapes = list(network.inputs.values())
            self._own = shapes[0].dims[1:] if len(shapes) == 1 else ()
        if not self._own:
            raise Error("the network has several inputs", "vary its params instead")
        return [self._own[0], *[size] * (len(self._own) - 1)]


def _problem(network: Network) -> str:
    """The first error of a network, by its code and place; empty without one."""
    for problem in network.problems:
        if problem.severity == "error":
            place = problem.place
            return f"{problem.code} {problem.name} at {place.file}:{place.line}"
    return ""


def _value(values: Sequence[Any]) -> Any:
    first = values[0]
    if all(value is first for value in values):
        return first
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= {int, float}:
        alike = all(value == first for value in values)
        return first if alike else lanes_of(values)
    if len(kinds) == 1 and isinstance(first, list | tuple):
        _require([len(value) for value in values])
        return type(first)(_value(part) for part in zip(*values, strict=True))
    _require([(type(value), repr(value)) for value in values])
    return first


def _require(keys: Sequence[Any]) -> None:
    """Raises Split unless all keys are equal."""
    mask = np.array([key == keys[0] for key in keys], bool)
    if not mask.all():
        raise Split(mask)


def _put(column_: list[Any], rows: Array, value: Any) -> None:
    for row, each in zip(rows.tolist(), column(value, len(rows)), strict=True):
        column_[row] = _plain(each)


def _plain(value: Any) -> Any:
    return None if value is UNKNOWN else value
