"""Growing concatenations: every round reads what all rounds before it made, as in DenseNet.

The first round reads a tensor x; each later one begins with the concatenation of x and of the
results of all rounds so far, and one more concatenation may follow the last. In a file these read
``[input, "layer[*]"]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from convcalc.exporting.source.signatures import signature
from convcalc.exporting.source.terms import Body, Group, Grown, Loop, Op, Term, all_terms, entry_of

_LEAST = 3  # rounds


def hoisted(body: Body) -> list[Term]:
    """A body in which the concatenations that modules begin with stand before these modules, where
    one grows from module to module."""
    items = [
        Group(hoisted(term.items), term.path, term.kind) if isinstance(term, Group) else term
        for term in body
    ]
    firsts = [term.items[0] for term in items if isinstance(term, Group)]
    joins = [first for first in firsts if isinstance(first, Op) and first.name == "concat"]
    growing = {
        id(op)
        for index, op in enumerate(joins)
        if any(op.inputs[:-1] == o.inputs or o.inputs[:-1] == op.inputs for o in joins[: index + 2])
    }
    found: list[Term] = []
    for term in items:
        if isinstance(term, Group) and id(term.items[0]) in growing and len(term.items) > 1:
            found += [term.items[0], Group(term.items[1:], term.path, term.kind)]
        else:
            found.append(term)
    return found


def has_growth(body: Body) -> bool:
    """Whether a body reads all rounds of a loop."""
    return any(isinstance(term, Grown) for term in all_terms(body))


def with_growth(body: Body) -> list[Term]:
    """A body in which rounds that read all before them are loops."""
    found = list(body)
    at = 0
    while at < len(found):
        made = _loop(found, at)
        if made is not None:
            start, stop, terms = made
            found[start:stop] = terms
            at = start
        at += 1
    return found


def _loop(body: Sequence[Term], at: int) -> tuple[int, int, list[Term]] | None:
    """The rounds whose first concatenation is at an index: where they begin and end, and the
    terms in their place."""
    joins = _joins(body, at)
    if len(joins) < _LEAST:
        return None
    first = body[at]
    assert isinstance(first, Op)
    length = joins[1] - joins[0] - 1
    if any(b - a - 1 != length for a, b in pairwise(joins)) or length < 1:
        return None
    start = at - length
    rounds: list[list[Term]] = [list(body[start:at])] if start >= 0 else []
    rounds += [list(body[a + 1 : b]) for a, b in pairwise(joins)]
    results = [each[-1].out for each in rounds]
    last = body[joins[-1]]
    assert isinstance(last, Op)
    if len(first.inputs) != 2 or list(last.inputs) != [first.inputs[0], *results]:
        return None
    texts = {signature(each) for each in rounds}
    if len(texts) > 1 or entry_of(rounds[0]) != first.inputs[0]:
        return None
    whole: list[Body] = [rounds[0]]
    for join, each in zip(joins, rounds[1:], strict=False):
        op = body[join]
        assert isinstance(op, Op)
        whole.append([Grown(op), *each])
    loop = Loop(whole)
    return start, joins[-1] + 1, [loop, Grown(last)]


def _joins(body: Sequence[Term], at: int) -> list[int]:
    """The indices of concatenations from one on, each of what the one before has and one more."""
    first = body[at]
    if not isinstance(first, Op) or not _is_plain(first):
        return []
    found = [at]
    inputs = first.inputs
    for index in range(at + 1, len(body)):
        term = body[index]
        if isinstance(term, Op) and _is_plain(term) and term.inputs[:-1] == inputs:
            if term.inputs[-1] != body[index - 1].out:
                break
            found.append(index)
            inputs = term.inputs
    return found


def _is_plain(op: Op) -> bool:
    return op.name == "concat" and op.fields.get("axis") == "channels"
