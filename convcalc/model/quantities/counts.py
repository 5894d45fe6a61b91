"""All counts in a report, each declared once.

A count is a number of a layer that adds up over layers: over those of a block, of an operator or
of the network. Reports, tables, JSON, JSON Schemas, ``get``, budgets and ``diff`` are made from the
declarations in :class:`Counts`. To add a count, declare it there and compute it in
``analysis/analyse.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, overload

BYTES = "B"  # the unit of counts of bytes


class DeclaredCount:
    """The declaration of one count, and a descriptor: on a layer, row or totals it reads the value.

    ``doc`` says in one line what is counted. ``title`` heads its column, and ``json`` is its key
    in the JSON report; both are the attribute's name unless given. ``unit`` is ``B`` for bytes.
    A narrow terminal hides the column with the highest ``priority`` first and never hides 0.
    Exceeding its budget breaks ``rule``; without a rule it cannot have a budget.
    ``of_tools``: other tools count it too. ``part_of`` names the count that includes it.
    ``derived``: it follows from shapes and other counts, so that the list of unknown numbers and
    the tables of ``diff`` leave it out.
    """

    __slots__ = (
        "derived",
        "doc",
        "json",
        "key",
        "of_tools",
        "part_of",
        "priority",
        "rule",
        "title",
        "unit",
    )

    def __init__(
        self,
        doc: str,
        *,
        title: str = "",
        json: str = "",
        unit: str = "",
        priority: int = 7,
        rule: str = "",
        of_tools: bool = False,
        part_of: str = "",
        derived: bool = False,
    ) -> None:
        self.doc = doc
        self.title = title
        self.json = json
        self.unit = unit
        self.priority = priority
        self.rule = rule
        self.of_tools = of_tools
        self.part_of = part_of
        self.derived = derived

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = name
        self.title = self.title or name
        self.json = self.json or name

    @overload
    def __get__(self, holder: None, owner: type) -> DeclaredCount: ...
    @overload
    def __get__(self, holder: object, owner: type) -> int: ...
    def __get__(self, holder: Any, owner: type) -> DeclaredCount | int:
        if holder is None:
            return self
        amount: int = holder.counts[self.key]
        return amount


class Counts:
    """Gives an object with ``counts`` an attribute for each: ``x.macs`` is ``x.counts["macs"]``."""

    __slots__ = ()

    params = DeclaredCount(
        "learned numbers; shared weights count on first use",
        priority=0,
        rule="params-over-budget",
        of_tools=True,
    )
    trainable = DeclaredCount(
        "parameters that training changes",
        priority=6,
        rule="params-over-budget",
        part_of="params",
    )
    buffers = DeclaredCount(
        "stored numbers that are not learned (running statistics)", rule="params-over-budget"
    )
    macs = DeclaredCount(
        "multiply-accumulates of the kinds that are counted",
        title="MACs",
        priority=0,
        rule="work-over-budget",
        of_tools=True,
    )
    flops = DeclaredCount(
        "2 × MACs",
        title="FLOPs",
        priority=5,
        rule="work-over-budget",
        of_tools=True,
        derived=True,
    )
    sampling = DeclaredCount("interpolation arithmetic", rule="work-over-budget")
    elementwise = DeclaredCount(
        "all other arithmetic: bias, norm, activation, …", rule="work-over-budget"
    )
    activations = DeclaredCount(
        "output elements of layers that multiply by weights",
        priority=6,
        rule="memory-over-budget",
        of_tools=True,
    )
    moved = DeclaredCount(
        "bytes read and written, every tensor once",
        json="moved_bytes",
        unit=BYTES,
        priority=4,
        rule="memory-over-budget",
        derived=True,
    )
    training = DeclaredCount(
        "FLOPs of one training step: forward and both gradients",
        json="training_flops",
        rule="work-over-budget",
        derived=True,
    )


COUNTS: Mapping[str, DeclaredCount] = {
    key: value for key, value in vars(Counts).items() if isinstance(value, DeclaredCount)
}


def sum_counts(parts: Collection[Mapping[str, int]]) -> dict[str, int]:
    """The sum of each count over several parts; unknown where any part's is unknown."""
    distinct = {id(part): part for part in parts}  # layers that are alike have the same object
    times = Counter(map(id, parts))
    return {key: sum([distinct[i][key] * n for i, n in times.items()]) for key in COUNTS}
