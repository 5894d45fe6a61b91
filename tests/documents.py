"""YAML texts as nodes, and the spots of their problems."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.syntax.nodes import Mapping, Node, Sequence
from convcalc.language.syntax.reader import read


def plain(node: Node | None) -> Any:
    """A tree as Python values."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value if node else None


def value(text: str) -> Any:
    """The values of a file that must have no problem."""
    node, problems = read(text, "f.yaml")
    assert problems == []
    return plain(node)


def spots(problems: list[Diagnostic]) -> list[tuple[str, int, int]]:
    return [(d.name, d.place.line, d.place.column) for d in problems]


def only(text: str | bytes) -> Diagnostic:
    """The single problem of a file."""
    _, problems = read(text, "f.yaml")
    assert len(problems) == 1, problems
    return problems[0]
