"""Forks: where branches that read one tensor are joined again.

At each join one goes back from every operand along the tensors that terms read first. The latest
tensor that all operands come from is where the branches part, if what stands between is these
branches and nothing else, one after another. The innermost forks come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from convcalc.exporting.source.terms import Body, Fork, Grown, Op, Term, all_terms, ops_in

JOINS = {"add": "add", "mul": "mul", "concat": "concat", "maximum": "max"}


def with_forks(
    body: Body, readers: Mapping[int, int], most: int = 10**6, *, nested: bool = True
) -> list[Term]:
    """A body in which joins and the branches before them are forks.

    ``readers`` counts those of each tensor: what a branch makes is read in it, or is its result.
    ``most`` are the layers of a fork one of whose branches is the identity; ``nested``: branches
    may part again.
    """
    found: list[Term] = []
    for term in body:
        fork = _fork(found, term, readers, most) if _is_join(term) else None
        if fork is None or (not nested and any(map(_parts, fork[1].parts))):
            found.append(term)
        else:
            start, made = fork
            found[start:] = [made]
    return found


def _parts(body: Body) -> bool:
    """Whether branches part in a body."""
    return any(isinstance(term, Fork) for term in body)


def _is_join(op: Term) -> TypeGuard[Op]:
    if not isinstance(op, Op) or isinstance(op, Grown):
        return False
    if op.name not in JOINS or op.beside or len(op.inputs) < 2:
        return False
    if op.name == "concat":
        return op.fields.get("axis") == "channels"
    return all(not value or isinstance(value, bool) for value in op.fields.values())


def _fork(
    before: list[Term], join: Op, readers: Mapping[int, int], most: int
) -> tuple[int, Fork] | None:
    """Where the branches of a join begin, and the fork that they are."""
    made = {term.out: index for index, term in enumerate(before)}
    chains = [_chain(before, made, tensor) for tensor in join.inputs]
    common = set(chains[0]).intersection(*chains[1:])
    if not common or len(set(join.inputs)) < len(join.inputs):
        return None
    source = max(common)
    firsts = [_first(chain, source, made) for chain in chains]
    ends = [made[tensor] if tensor != source else -1 for tensor in join.inputs]
    branches = _ranges(firsts, ends, len(before))
    if branches is None:
        return None
    start = min(first for first in firsts if first >= 0)
    ordered = _in_order(join, branches)
    inside = before[start:]
    is_large = not all(branches) and sum(term.size for term in inside) > most
    if ordered is None or is_large or _is_read_outside([*inside, join], readers):
        return None
    bodies: Sequence[Body] = [[before[index] for index in branch] for branch in ordered]
    return start, Fork(JOINS[join.name], bodies, source, join.out, join.path)


def _is_read_outside(inside: Body, readers: Mapping[int, int]) -> bool:
    """Whether anything else reads what is made inside, apart from the last result."""
    reads = Counter(tensor for term in inside for op in ops_in(term) for tensor in op.reads)
    reads.update(tensor for term in all_terms(inside) for tensor in _joined(term))
    made = {op.out for term in inside[:-1] for op in ops_in(term)}
    return any(readers.get(tensor, 0) > reads[tensor] for tensor in made)


def _joined(term: Term) -> list[int]:
    """The tensors that the join of a fork reads."""
    if not isinstance(term, Fork):
        return []
    return [branch[-1].out if branch else term.source for branch in term.branches]


def _first(chain: Sequence[int], source: int, made: Mapping[int, int]) -> int:
    """The index of the term that begins a branch; -1 if it is empty."""
    at = chain.index(source)
    return made[chain[at - 1]] if at else -1


def _ranges(firsts: Sequence[int], ends: Sequence[int], stop: int) -> list[list[int]] | None:
    """The indices of the terms of each branch, from its first to the one whose result it is, if
    nothing else stands between the first of all and the join; what is beside the way of a branch
    belongs to it. None if that is not so."""
    found: list[list[int]] = [
        list(range(first, end + 1)) if first >= 0 else []
        for first, end in zip(firsts, ends, strict=True)
    ]
    taken = sorted(index for branch in found for index in branch)
    return found if taken and taken == list(range(taken[0], stop)) else None


def _chain(before: Sequence[Term], made: Mapping[int, int], tensor: int) -> list[int]:
    """A tensor, and those that it comes from by way of what each term reads first."""
    found = [tensor]
    while tensor in made:
        tensor = before[made[tensor]].source
        found.append(tensor)
    return found


def _in_order(join: Op, branches: Sequence[list[int]]) -> Sequence[list[int]] | None:
    """The branches in the order in which they run, if the join allows it.

    The operands of a sum, a product and a maximum may change places, those of a concatenation may
    not. An empty branch stays where it is, or comes last.
    """
    running = sorted((branch for branch in branches if branch), key=lambda branch: branch[0])
    if running == [branch for branch in branches if branch]:
        return branches
    if join.name == "concat":
        return None
    return [*running, *[branch for branch in branches if not branch]]
