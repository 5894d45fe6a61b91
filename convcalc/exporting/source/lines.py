"""The lines of a block: what bodies that do the same have in common, each with its cases.

A *case* is one body that a block was made of. In a loop a line stands for every round of every
case; such a place is a *context*. Bodies are laid beside each other by the kinds of their terms; a
term that only some have becomes a line with a condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from convcalc.exporting.source.alignment import Misfit, aligned, is_activation, key_of
from convcalc.exporting.source.terms import (
    Body,
    Call,
    Fork,
    Group,
    Grown,
    Loop,
    Op,
    Term,
    entry_of,
)

MOST_OPTIONAL = 3  # lines with a condition, in a block


class Turn(NamedTuple):
    """A round of a loop: the loop's line, the round, and how many there are."""

    loop: Line
    round: int
    rounds: int


class Context:
    """A place that a line stands for: a case, and the rounds of the loops around it."""

    __slots__ = ("case", "frame", "turns")

    def __init__(self, case: int, frame: Frame, turns: tuple[Turn, ...] = ()) -> None:
        self.case = case
        self.frame = frame
        self.turns = turns


class Spot(NamedTuple):
    """Where a tensor is made: a line, the rounds of the loops around it, the term."""

    line: Line
    turns: tuple[Turn, ...]
    term: Term


class Frame:
    """One case of a block: what enters it, and where its tensors are made."""

    __slots__ = ("entry", "made")

    def __init__(self, entry: int) -> None:
        self.entry = entry
        self.made: dict[int, Spot] = {}


class Line:
    """A line of a block: an operator, a call, a fork or a loop.

    ``terms`` and ``contexts`` are parallel; a term is None where the line is left out. ``before``
    is the tensor above the line in each context. ``parts`` are the bodies inside.
    """

    def __init__(
        self, kind: str, name: str, contexts: Sequence[Context], terms: Sequence[Term | None]
    ) -> None:
        self.kind = kind
        self.name = name
        self.contexts = contexts
        self.terms = terms
        self.before: list[int] = []
        self.parts: list[Part] = []
        self.id = ""
        self.is_for = False
        self.is_apart = False  # each round reads a tensor from afar
        self.is_alternative = False  # it is there where the one above or below is not
        self.is_shortcut = False  # it stands in the second branch of a sum
        # What the passes after this one find out.
        self.fields: dict[str, Any] = {}
        self.beside: dict[str, Any] = {}
        self.condition: Any = True
        self.conditions: list[Any] = []  # of branches
        self.sources: list[Any] = []
        self.columns: dict[str, Any] = {}
        self.apart: list[Any] = []  # what the rounds of a loop read, if each reads from afar
        self.count: Any = None
        self.split: Any = None  # how a fork divides channels

    @property
    def there(self) -> Iterator[tuple[int, Context, Term]]:
        """The contexts in which the line is there, each with its index and its term."""
        for index, (context, term) in enumerate(zip(self.contexts, self.terms, strict=True)):
            if term is not None:
                yield index, context, term

    @property
    def first(self) -> Term:
        """The term of the first context that has one."""
        return next(term for term in self.terms if term is not None)


class Part(NamedTuple):
    """A body inside a line: its lines, its contexts, and which of the line's contexts have it."""

    lines: list[Line]
    contexts: Sequence[Context]
    parents: Sequence[int]  # the index of the line's context that each context belongs to
    there: Sequence[bool]  # by the line's contexts


def lines_of(
    bodies: Sequence[Body], entries: Sequence[int] | None = None, most: int = MOST_OPTIONAL
) -> tuple[list[Line], list[Frame]]:
    """The lines of a block of which each body is a case; raises Misfit if there are none."""
    frames = [Frame(entry_of(body)) for body in bodies]
    for frame, entry in zip(frames, entries or (), strict=False):
        frame.entry = entry
    contexts = [Context(index, frame) for index, frame in enumerate(frames)]
    found = _lines(contexts, bodies, [frame.entry for frame in frames])
    optional = [line for line in all_lines(found) if None in line.terms]
    if sum(not isinstance(line.first, Grown) for line in optional) > most:
        raise Misfit("too many lines have a condition")
    return found, frames


def all_lines(lines: Sequence[Line]) -> Iterator[Line]:
    """All lines, and those within, in order."""
    for line in lines:
        yield line
        for part in line.parts:
            yield from all_lines(part.lines)


def _lines(
    contexts: Sequence[Context], bodies: Sequence[Body], entries: Sequence[int]
) -> list[Line]:
    rows = aligned(bodies)
    above = list(entries)
    found = []
    for terms in rows:
        line = _line(contexts, terms, above)
        found.append(line)
        for index, term in enumerate(terms):
            if term is not None:
                above[index] = term.out
    for one, other in pairwise(found):
        if all(is_activation(key_of(line.first)) for line in (one, other)):
            exclusive = all(None in pair for pair in zip(one.terms, other.terms, strict=True))
            one.is_alternative = other.is_alternative = exclusive
    return found


def _line(contexts: Sequence[Context], terms: Sequence[Term | None], above: Sequence[int]) -> Line:
    if any(isinstance(term, Loop) for term in terms):
        terms = [
            Loop([[term]]) if term is not None and not isinstance(term, Loop) else term
            for term in terms
        ]
    first = next(term for term in terms if term is not None)
    line = Line(_kind(first), _name(first), contexts, terms)
    line.before = list(above)
    if isinstance(first, Fork):
        _fork_parts(line)
    elif isinstance(first, Loop):
        _loop_part(line)
    for _, context, term in line.there:
        made = term.makes if line.kind in ("op", "call") else {term.out}
        for tensor in made:
            inner = context.frame.made.get(tensor)
            if inner is None:
                context.frame.made[tensor] = Spot(line, context.turns, term)
    return line


def _fork_parts(line: Line) -> None:
    forks = [(index, context, term) for index, context, term in line.there]
    first = line.first
    assert isinstance(first, Fork)
    if first.is_spread:
        _spread_part(line)
        return
    for number in range(len(first.branches)):
        held = [
            (index, context, term)
            for index, context, term in forks
            if isinstance(term, Fork) and term.there[number]
        ]
        bodies = [term.branches[number] for _, _, term in held if isinstance(term, Fork)]
        inner = [Context(c.case, c.frame, c.turns) for _, c, _ in held]
        lines = _lines(inner, bodies, [_entry(term, number) for _, _, term in held])
        for each in lines:
            each.is_shortcut = number == 1 and first.join == "add"
        parents = [index for index, _, _ in held]
        there = [index in parents for index in range(len(line.terms))]
        line.parts.append(Part(lines, inner, parents, there))


def _entry(fork: Term, number: int) -> int:
    assert isinstance(fork, Fork)
    return fork.entry(number)


def _spread_part(line: Line) -> None:
    """The only part of a fork whose branches are made of the same, each a round of a list."""
    contexts: list[Context] = []
    bodies: list[Body] = []
    entries: list[int] = []
    parents: list[int] = []
    counts: dict[int, int] = {}
    for index, context, term in line.there:
        assert isinstance(term, Fork)
        count = len(term.branches)
        if counts.setdefault(context.case, count) != count:
            raise Misfit("branches for lists of other lengths")
        for number, body in enumerate(term.branches):
            turns = (*context.turns, Turn(line, number, count))
            contexts.append(Context(context.case, context.frame, turns))
            bodies.append(body)
            entries.append(term.entry(number))
            parents.append(index)
    line.is_for = True
    lines = _lines(contexts, bodies, entries)
    line.parts.append(Part(lines, contexts, parents, [True] * len(line.terms)))


def _loop_part(line: Line) -> None:
    contexts: list[Context] = []
    bodies: list[Body] = []
    entries: list[int] = []
    parents: list[int] = []
    for index, context, term in line.there:
        assert isinstance(term, Loop)
        entry = term.source
        for number, body in enumerate(term.rounds):
            turns = (*context.turns, Turn(line, number, len(term.rounds)))
            contexts.append(Context(context.case, context.frame, turns))
            bodies.append(body)
            entries.append(entry)
            parents.append(index)
            entry = body[-1].out
    if any(isinstance(term, Loop) and term.is_apart for term in line.terms):
        line.is_apart = True
        entries = [entry_of(body) for body in bodies]
    loops = [term for term in line.terms if isinstance(term, Loop)]
    line.is_for = any(loop.is_for for loop in loops)
    if line.is_for and len({len(loop.rounds) for loop in loops}) > 1:
        raise Misfit("loops over lists of other lengths")
    lines = _lines(contexts, bodies, entries)
    line.parts.append(Part(lines, contexts, parents, [True] * len(line.terms)))


def _kind(term: Term) -> str:
    return {Op: "op", Grown: "op", Call: "call", Fork: "fork", Loop: "loop"}[type(term)]


def _name(term: Term) -> str:
    if isinstance(term, Op):
        return term.name
    if isinstance(term, Call):
        return term.template.key
    return term.join if isinstance(term, Fork) else ""


def spliced(body: Body) -> list[Term]:
    """A body in which the parts of modules stand for themselves."""
    found: list[Term] = []
    for term in body:
        found += spliced(term.items) if isinstance(term, Group) else [term]
    return found
