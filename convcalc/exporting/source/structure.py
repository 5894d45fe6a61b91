"""Modules of a network that names none: what lies between a fork and its join.

Where a file says nothing of modules, branches that are joined again are the nearest thing to them:
the units of a residual network, an attention to channels, a module of Inception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.exporting.source.forks import with_forks
from convcalc.exporting.source.terms import Body, Fork, Group, Op, Term
from convcalc.model.operators.registry import families

_KINDS = {"add": "Residual", "mul": "Gate", "concat": "Join", "max": "Maximum"}
_MOST = 60  # layers of a fork with an empty branch


def with_structure(ops: Sequence[Op], readers: Mapping[int, int], *, nested: bool) -> list[Term]:
    """The layers of a network, in groups for each fork, with the activation that follows it.

    ``nested``: branches may part again.
    """
    return _grouped(with_forks(ops, readers, _MOST, nested=nested), {op.out: op for op in ops})


def _grouped(body: Body, ops: Mapping[int, Op]) -> list[Term]:
    found: list[Term] = []
    items = list(body)
    at = 0
    while at < len(items):
        term = items[at]
        at += 1
        if not isinstance(term, Fork):
            found.append(term)
            continue
        parts = [each for branch in term.branches for each in _grouped(branch, ops)]
        parts.append(ops[term.out])
        after = items[at] if at < len(items) else None
        if isinstance(after, Op) and families().get(after.name) == "activation":
            parts.append(after)
            at += 1
        found.append(Group(parts, _path(parts), _KINDS[term.join]))
    return found


def _path(parts: Sequence[Term]) -> str:
    return parts[-1].path
