"""The plan of a sweep: which rows, which numbers of them, and which of the rows are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.conditions import Condition
from convcalc.analysis.sweeps.metrics import METRICS, require_metrics
from convcalc.analysis.sweeps.pareto import Objective, objectives
from convcalc.analysis.sweeps.running import PROBLEM
from convcalc.analysis.sweeps.space import Factor, Rows, Space, SpaceError
from convcalc.analysis.sweeps.words import different

CHUNK = 65_536  # rows that are computed and written at once
TOP = 20  # rows that are shown
DEFAULT_METRICS = ("params", "macs", "activations", "memory", "receptive_field")
MOST_ROWS = 10**10


class Plan(NamedTuple):
    """A sweep. ``top`` is how many rows are shown, None for all, and ``by`` sorts them."""

    factors: tuple[Factor, ...]
    metrics: tuple[str, ...]
    where: tuple[str, ...]
    pareto: tuple[Objective, ...]
    by: Objective
    top: int | None = TOP
    sample: int | None = None
    seed: int = 0
    chunk: int = CHUNK

    @property
    def names(self) -> tuple[str, ...]:
        """The columns: what is swept, the metrics, and the problem."""
        return (*(factor.name for factor in self.factors), *self.metrics, PROBLEM)

    def rows(self) -> Rows:
        """The rows; raises SpaceError for too many."""
        found = Rows(Space(self.factors), self.sample, self.seed)
        if found.count > MOST_ROWS:
            raise SpaceError(
                f"the sweep has {found.count:.4g} rows", "draw some of them: --sample 1000000"
            )
        return found


def plan(
    factors: Sequence[Factor],
    *,
    metrics: Sequence[str] = (),
    where: Sequence[str] = (),
    pareto: Sequence[str] = (),
    by: str = "",
    top: int | None = TOP,
    sample: int | None = None,
    seed: int = 0,
    chunk: int = CHUNK,
) -> Plan:
    """A plan of words; raises SpaceError or UnknownName for one that makes no sense.

    Metrics that are only sorted by or judged are measured too.
    """
    if not factors:
        raise SpaceError("nothing is swept", "name what: --over input=96:320:32")
    different(list(factors))
    own = [factor.name for factor in factors]
    known = [*own, *METRICS]
    goals = objectives(pareto, known)
    sorted_by = objectives([by] if by else [], known)
    metrics = [*dict.fromkeys(metrics or DEFAULT_METRICS)]
    require_metrics(metrics)
    used = [each.name for each in (*goals, *sorted_by)]
    judged = [name for text in where for name in Condition(text, known).names]
    more = dict.fromkeys((*used, *judged))
    metrics += [name for name in more if name not in metrics and name not in own]
    for name in own:
        if name in metrics or name == PROBLEM:
            raise SpaceError(f"the param '{name}' has the name of a column", "rename the param")
    _require_numbers(factors, used)
    order = (*sorted_by, *goals, Objective(metrics[0]))[0]
    return Plan(
        tuple(factors), tuple(metrics), tuple(where), goals, order, top, sample, seed, chunk
    )


def _require_numbers(factors: Sequence[Factor], used: Sequence[str]) -> None:
    for factor in factors:
        values = factor.parts[0]
        is_number = isinstance(values[0], int | float) and not factor.is_list
        if factor.name in used and not is_number:
            raise SpaceError(f"the values of '{factor.name}' are not numbers, so none is better")


def described(found: Plan) -> dict[str, Any]:
    """A plan in JSON types: the same for the same sweep, whatever it was written like."""
    return {
        "over": {factor.name: _values(factor) for factor in found.factors},
        "where": list(found.where),
        "metrics": list(found.metrics),
        "pareto": list(map(str, found.pareto)),
        "by": str(found.by),
        "top": found.top,
        "sample": found.sample,
        "seed": found.seed,
        "chunk": found.chunk,
    }


def _values(factor: Factor) -> Any:
    parts: list[Any] = [list(part) for part in factor.parts]
    return {"product": parts} if factor.is_list else parts[0]
