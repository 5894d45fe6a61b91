"""The lines of a block: what bodies that do the same have in common, each with its cases.

A *case* is one body that a block was made of. In a loop a line stands for every round of every
case; such a place is a *context*. Bodies are laid beside each other by the kinds of their terms; a
term that only some have becomes a line with a condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

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
from convcalc.model.operators.registry import families

MOST_OPTIONAL = 3  # lines with a condition, in a block


class Misfit(Exception):
    """Bodies cannot be written as one block, or a tensor cannot be named where it is read.

    ``block`` is the name of the block in which that is so, if it is known.
    """

    block = ""


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
        if all(_is_activation(key_of(line.first)) for line in (one, other)):
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
    for number in range(len(first.branches)):
        held = [
            (index, context, term)
            for index, context, term in forks
            if isinstance(term, Fork) and term.there[number]
        ]
        bodies = [term.branches[number] for _, _, term in held if isinstance(term, Fork)]
        inner = [Context(c.case, c.frame, c.turns) for _, c, _ in held]
        lines = _lines(inner, bodies, [term.source for _, _, term in held])
        for each in lines:
            each.is_shortcut = number == 1 and first.join == "add"
        parents = [index for index, _, _ in held]
        there = [index in parents for index in range(len(line.terms))]
        line.parts.append(Part(lines, inner, parents, there))


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


# --- laying bodies beside each other -------------------------------------------------------------


def key_of(term: Term) -> tuple[Any, ...]:
    """What terms have in common that may be one line."""
    if isinstance(term, Op):
        return ("op", term.name, len(term.ports), len(term.layers), isinstance(term, Grown))
    if isinstance(term, Call):
        return ("call", term.template.key)
    if isinstance(term, Fork):
        return ("fork", term.join, len(term.branches))
    assert isinstance(term, Loop)
    (first, *rest) = term.rounds[0]
    return key_of(first) if not rest else ("loop", *map(key_of, term.rounds[0]))


Keys = tuple[tuple[Any, ...], ...]


def keys_of(body: Body) -> Keys:
    """The keys of a body's terms."""
    return tuple(map(key_of, body))


def aligned(bodies: Sequence[Body]) -> list[list[Term | None]]:
    """One row for each line: the term of each body, or None. Raises Misfit if they differ much."""
    if not any(bodies):
        return []
    bodies = _with_missing_joins(bodies)
    rows = _superset(list(dict.fromkeys(map(keys_of, bodies))))
    found: list[list[Term | None]] = [[] for _ in rows]
    for body in bodies:
        places = _places(rows, keys_of(body))
        terms = dict(zip(places, body, strict=True))
        for index, row in enumerate(found):
            row.append(terms.get(index))
    return found


def _superset(sequences: Sequence[Keys]) -> Keys:
    """The keys of all lines: those of the longest sequence, and what others have besides."""
    longest = max(sequences, key=len)
    for keys in sequences:
        longest = _merged(longest, keys)
    least = max(map(len, sequences)) + _alternatives(longest, sequences)
    if len(longest) > least:
        raise Misfit("the bodies differ")
    if any(len(longest) - len(keys) > max(2, len(longest) // 3) for keys in sequences if keys):
        raise Misfit("the bodies differ")
    return longest


def _alternatives(rows: Keys, sequences: Sequence[Keys]) -> int:
    """How many lines stand for another: an activation after which another is, never both."""
    return sum(
        _is_activation(one)
        and _is_activation(other)
        and not any(one in keys and other in keys for keys in sequences)
        for one, other in pairwise(rows)
    )


def _is_activation(key: tuple[Any, ...]) -> bool:
    return key[0] == "op" and families().get(key[1]) == "activation"


def _merged(a: Keys, b: Keys) -> Keys:
    """The shortest sequence that holds two, in order."""
    if a == b:
        return a
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            same = a[i] == b[j]
            lengths[i][j] = (
                lengths[i + 1][j + 1] + 1 if same else max(lengths[i + 1][j], lengths[i][j + 1])
            )
    found = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            found.append(a[i])
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            found.append(a[i])
            i += 1
        else:
            found.append(b[j])
            j += 1
    return (*found, *a[i:], *b[j:])


def _places(rows: Keys, keys: Keys) -> list[int]:
    """Where the keys of one body stand among all, as late as possible at the end of a body."""
    found: list[int] = []
    at = len(rows)
    for key in reversed(keys):
        at -= 1
        while at >= 0 and rows[at] != key:
            at -= 1
        if at < 0:
            raise Misfit("the bodies differ")
        found.append(at)
    return found[::-1]


def _with_missing_joins(bodies: Sequence[Body]) -> Sequence[Body]:
    """The bodies, each with a fork where others have one whose join is left out here."""
    forks = [
        (body, index, term)
        for body in bodies
        for index, term in enumerate(body)
        if isinstance(term, Fork) and _body_of(term) >= 0
    ]
    if not forks:
        return bodies
    body, index, fork = forks[0]
    key = key_of(fork)
    head, tail = keys_of(body[:index]), keys_of(body[index + 1 :])
    found: list[Body] = []
    for each in bodies:
        keys = keys_of(each)
        end = len(each) - len(tail)
        if key not in keys and keys[:index] == head and keys[end:] == tail and end > index:
            run = each[index:end]
            made = Fork.without_join(fork.join, run, _body_of(fork), len(fork.branches))
            found.append([*each[:index], made, *each[end:]])
        else:
            found.append(each)
    return found


def _body_of(fork: Fork) -> int:
    """The only branch of a fork that is not empty; -1 if there are more."""
    full = [index for index, branch in enumerate(fork.branches) if branch]
    return full[0] if len(full) == 1 and len(fork.branches) == 2 else -1


def spliced(body: Body) -> list[Term]:
    """A body in which the parts of modules stand for themselves."""
    found: list[Term] = []
    for term in body:
        found += spliced(term.items) if isinstance(term, Group) else [term]
    return found
