"""Conditions on the rows of a sweep: ``params <= 5M and macs <= 300M``.

They are expressions of the language, over the metrics, the swept values and the sizes of the input.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from convcalc.analysis.sweeps.arrays import HAS_NUMPY, np
from convcalc.analysis.sweeps.lanes import Split, choose, lanes_of
from convcalc.analysis.sweeps.space import SpaceError
from convcalc.diagnostics.suggestion import advise
from convcalc.language.syntax.expressions import ExpressionError, compile_expression
from convcalc.language.syntax.sizes import CHANNELS, SIZES, describe_input
from convcalc.model.quantities.number_text import FACTORS
from convcalc.model.quantities.shape import Shape

OF_INPUT = frozenset((CHANNELS, *SIZES))
FEWEST = 32  # rows that are worth lanes
_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?([kMGT]|[KMGT]iB)(?!\w)", re.ASCII)
Columns = Mapping[str, Sequence[Any]]


class BadCondition(SpaceError):
    """A condition on the rows of a sweep cannot be read or computed."""

    rule = "bad-expression"


class Condition:
    """A condition; ``names`` are those of columns that it looks at, ``of_input`` whether it looks
    at sizes of the input."""

    def __init__(self, text: str, known: Collection[str], fixed: Collection[str] = ()) -> None:
        """Compiles a condition on columns that are ``known``; raises BadCondition.

        ``fixed`` are params that are not swept, so that no size of the input is meant by their
        names.
        """
        self.text = text
        try:
            self.expression = compile_expression(_NUMBER.sub(_written_out, text))
        except ExpressionError as error:
            raise self._error(error) from None
        used = self.expression.names
        self.names = [name for name in known if name in used]
        sizes = {name for name in used - set(self.names) if name in OF_INPUT and name not in fixed}
        self.of_input = bool(sizes)
        for name in sorted(used - set(self.names) - sizes):
            what = f"the name '{name}' is not known"
            if name.endswith("()"):
                what = f"there is no function '{name[:-2]}'"
            elif name in fixed:
                what = f"the param '{name}' is not swept"
            raise BadCondition(f"where '{text}': {what}", advise(name, known, "known here:"))

    def kept(self, columns: Columns, shapes: Sequence[Shape] | None, count: int) -> list[bool]:
        """For each row whether the condition holds; it does not where a number is unknown.

        ``shapes`` are those of the input, if the condition asks for them. Raises BadCondition if it
        cannot be computed.
        """
        used = [columns[name] for name in self.names]
        known = [True] * count
        for values in used:
            if None in values:
                known = [
                    is_known and v is not None for is_known, v in zip(known, values, strict=True)
                ]
        rows = [row for row in range(count) if known[row]]
        try:
            if HAS_NUMPY and len(rows) >= FEWEST and not self.of_input and _are_numbers(used, rows):
                holding = self._of_lanes(columns, rows)
            else:
                holding = self._one_by_one(columns, shapes, rows)
        except ExpressionError as error:
            raise self._error(error) from None
        found = [False] * count
        for row in holding:
            found[row] = True
        return found

    def _one_by_one(
        self, columns: Columns, shapes: Sequence[Shape] | None, rows: Sequence[int]
    ) -> Iterable[int]:
        used = {name: columns[name] for name in self.names}
        holding = []
        for row in rows:
            scope = {name: values[row] for name, values in used.items()}
            if self.of_input and shapes is not None:
                describe_input(scope, shapes[row])
            if self._holds(scope):
                holding.append(row)
        return holding

    def _of_lanes(self, columns: Columns, rows: Sequence[int]) -> Iterable[int]:
        """The same for many rows at once, in groups that part where the condition does."""
        lanes = {name: lanes_of([columns[name][row] for row in rows]) for name in self.names}
        holding = np.zeros(len(rows), bool)
        waiting = [np.arange(len(rows))]
        while waiting:
            group = waiting.pop()
            try:
                scope = {name: choose(each, group) for name, each in lanes.items()}
                holding[group] = self._holds(scope)
            except Split as split:
                waiting += [group[~split.mask], group[split.mask]]
        return [rows[place] for place in np.flatnonzero(holding).tolist()]

    def _holds(self, scope: Mapping[str, Any]) -> bool:
        found = self.expression.evaluate(scope)
        if found is True or found is False:
            return found
        raise BadCondition(f"where '{self.text}' is not a condition", "compare: params <= 5M")

    def _error(self, error: ExpressionError) -> BadCondition:
        return BadCondition(f"where '{self.text}': {error.message}", error.help)


def _written_out(found: re.Match[str]) -> str:
    """A number with a suffix as the language writes it."""
    value = Fraction(found[1]) * FACTORS[found[2]]
    return str(int(value)) if value.denominator == 1 else repr(float(value))


def _are_numbers(columns: Sequence[Sequence[Any]], rows: Sequence[int]) -> bool:
    """Whether each column has numbers of one kind."""
    for values in columns:
        kinds = {type(values[row]) for row in rows}
        if len(kinds) > 1 or not kinds <= {int, float}:
            return False
    return True
