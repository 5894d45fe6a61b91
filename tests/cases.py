"""The tables in ``tests/cases``: what an operator gives, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import yaml
from places import TESTS

from convcalc.model.operators.registry import operator_names

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it exists: faster
TABLES = TESTS / "cases"
OPERATORS = operator_names()


@cache
def table(operator: str) -> list[dict[str, Any]]:
    """The rows of one operator; a missing file has none."""
    path = TABLES / f"{operator}.yaml"
    return (yaml.load(path.read_text("utf-8"), LOADER) or []) if path.is_file() else []


class Row(NamedTuple):
    """One row, with the network file that says the same."""

    operator: str
    number: int
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.operator}-{self.number}-{self.content.get('reason', '')}"

    @property
    def works(self) -> bool:
        """Whether the row describes a layer, and not a mistake."""
        return "problem" not in self.content

    @property
    def batch(self) -> int:
        return int(self.content.get("batch", 1))

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.content.get("fields") or {}

    @property
    def text(self) -> str:
        """A network file of one layer, every field on a line of its own."""
        several = self.content.get("inputs")
        inputs = dict(zip("abcdefgh", several, strict=False)) if several else {}
        lines = ["convcalc: 1", "name: case"]
        lines += (
            [f"inputs: {json.dumps(inputs)}"]
            if several
            else [f"input: {json.dumps(self.content['input'])}"]
        )
        lines += ["layers:", f"  - {self.operator}:" + ("" if self.fields else " {}")]
        lines += [f"      {name}: {json.dumps(value)}" for name, value in self.fields.items()]
        lines += ["    id: case"]
        lines += [f"    from: [{', '.join(inputs)}]"] if several else []
        return "\n".join([*lines, ""])


def rows(operator: str) -> Iterator[Row]:
    """The rows of one operator's table."""
    for number, content in enumerate(table(operator)):
        yield Row(operator, number, content)


def working_rows(operator: str) -> Iterator[Row]:
    """Those that describe a layer."""
    return (row for row in rows(operator) if row.works)
