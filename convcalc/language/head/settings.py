"""The params that a caller sets, as nodes of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.suggestion import advise
from convcalc.language.head.head import Head
from convcalc.language.sources.target import TargetError
from convcalc.language.syntax import nodes
from convcalc.model.operators.values import format_value


def settings(
    head: Head, params: Mapping[str, Any], sources: dict[str, str]
) -> dict[str, nodes.Node]:
    """The params that the caller sets, as nodes; TargetError if there is no such param.

    ``sources`` takes the texts of their values.
    """
    found: dict[str, nodes.Node] = {}
    for name, value in params.items():
        if name not in head.unit.params:
            advice = advise(name, head.unit.params, "params:")
            raise TargetError(f"{head.name} has no param '{name}'", advice)
        if isinstance(value, nodes.Scalar | nodes.Sequence):
            found[name] = value
            continue
        source = f"<{name}={value if isinstance(value, str) else format_value(value)}>"
        sources[source] = source[len(name) + 2 : -1]
        if isinstance(value, str):
            found[name] = _parse(name, value, source)
        else:
            found[name] = nodes.node_of(value, Place(source, 1, 1, len(source) - len(name) - 2))
    return found


def _parse(name: str, text: str, source: str) -> nodes.Node:
    """The node of a param's value given as text; TargetError if it cannot be read."""
    from convcalc.language.syntax import reader  # few runs set a param

    node, problems = reader.read(text, source)
    if node is None or problems:
        reason = problems[0].message if problems else "no value"
        raise TargetError(f"cannot read {name}={text}: {reason}")
    return node
