"""The cost of a text to its reader: its words, roughly. Fewer lines alone are not a gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.exporting.source.lines import Line, all_lines
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.templates import Template, same
from convcalc.exporting.source.terms import Body, Call, Fork, Loop, Op, Term
from convcalc.exporting.source.values import Expr


def cost_of_body(body: Body, scene: Scene) -> int:
    """The cost of a body that is written as it is."""
    return sum(cost_of_term(term, scene) for term in body)


def cost_of_term(term: Term, scene: Scene) -> int:
    """The cost of one term."""
    if isinstance(term, Op):
        defaults = scene.defaults(term)
        given = [v for k, v in term.fields.items() if not same(v, defaults.get(k))]
        return 1 + 2 * len(given) + 2 * len(term.beside) + max(0, len(term.inputs) - 1)
    if isinstance(term, Call):
        params = term.template.values.params
        given = [
            value
            for name, value in term.args.items()
            if not (params[name].has_default and same(value, params[name].default))
        ]
        return 1 + 2 * len(given) + 2 * len(term.further)
    if isinstance(term, Loop):
        return 2 + cost_of_body(term.rounds[0], scene)
    inner = sum(cost_of_body(part, scene) for part in term.parts)
    return inner + (_cost_of_fork(term) if isinstance(term, Fork) else 0)


def _cost_of_fork(fork: Fork) -> int:
    """The cost of a fork without its branches."""
    return 5 if fork.cuts else 1


def cost_of_lines(lines: Sequence[Line]) -> int:
    """The cost of lines whose values are known."""
    return sum(map(_cost_of_line, all_lines(lines)))


def _cost_of_line(line: Line) -> int:
    values: list[Any] = [*line.fields.values(), *line.beside.values()]
    first = line.first
    cost = _cost_of_fork(first) if isinstance(first, Fork) else 1
    cost += sum(2 if not isinstance(v, Expr) else 1 + len(v.text.split()) for v in values)
    cost += max(0, len(line.sources) - 1)
    cost += sum(2 for condition in (line.condition, *line.conditions) if condition is not True)
    cost += sum(1 + (len(c) if isinstance(c, tuple) else 1) for c in line.columns.values())
    return cost + (2 if line.count is not None else 0)


def cost_of_template(template: Template) -> int:
    """The cost of a block without its calls."""
    return 3 + 2 * len(template.values.params) + cost_of_lines(template.lines)
