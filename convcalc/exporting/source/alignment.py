"""Lays bodies beside each other: which terms of each are one line.

Bodies are compared by the keys of their terms, the kinds of what is done. The longest has all,
of others some may be missing, and where two activations exclude each other both are lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from convcalc.exporting.source.terms import Body, Call, Fork, Grown, Loop, Op, Term
from convcalc.model.operators.registry import families


class Misfit(Exception):
    """Bodies cannot be written as one block, or a tensor cannot be named where it is read.

    ``block`` is the name of the block in which that is so, if it is known.
    """

    block = ""


def key_of(term: Term) -> tuple[Any, ...]:
    """Return what terms have in common that may be one line."""
    if isinstance(term, Op):
        return ("op", term.name, len(term.ports), len(term.layers), isinstance(term, Grown))
    if isinstance(term, Call):
        return ("call", term.template.key)
    if isinstance(term, Fork):
        count = 0 if term.is_spread else len(term.branches)
        return ("fork", term.join, count, bool(term.cuts))
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
        is_activation(one)
        and is_activation(other)
        and not any(one in keys and other in keys for keys in sequences)
        for one, other in pairwise(rows)
    )


def is_activation(key: tuple[Any, ...]) -> bool:
    """Whether a key is that of an activation."""
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
    if fork.cuts or fork.is_spread:
        return -1
    full = [index for index, branch in enumerate(fork.branches) if branch]
    return full[0] if len(full) == 1 and len(fork.branches) == 2 else -1
