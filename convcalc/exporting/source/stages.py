"""Stages: neighbours that do the same with other numbers become rounds of a ``for``.

Rounds are modules that stand side by side, or terms of one body; they never cut a module in two.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.source.addresses import Outside
from convcalc.exporting.source.alignment import Misfit, keys_of
from convcalc.exporting.source.costs import cost_of_lines
from convcalc.exporting.source.forks import with_forks
from convcalc.exporting.source.growth import has_growth, with_growth
from convcalc.exporting.source.lines import Line, all_lines, lines_of, spliced
from convcalc.exporting.source.repeats import pairs, with_first_rounds, with_readers, with_repeats
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.splits import with_splits
from convcalc.exporting.source.templates import RESERVED, resolve
from convcalc.exporting.source.terms import Body, Fork, Group, Loop, Term, entry_of
from convcalc.exporting.source.values import Values

MOST_COLUMNS = 5
MOST_CHARACTERS = 74  # of the columns of a loop
_MOST_TERMS = 4  # in a round, among terms of one body


def finished(body: Body, scene: Scene, most: int, *, is_module: bool = False) -> list[Term]:
    """The body of the network, or of a module that is not a block: stages, forks and loops."""
    items = [_finished_group(term, scene, most) for term in body]
    items = _with_stages(items, scene, _rounds_of_modules)
    terms = with_growth(spliced(items))
    forked = with_forks(terms, scene.readers, most, nested=scene.way.nests_forks)
    found = with_first_rounds(with_repeats(with_splits(forked, scene)))
    found = pairs(found) if is_module else found
    return with_readers(_with_stages_inside(found, scene))


def _with_stages_inside(body: Body, scene: Scene, worth: int = 0) -> list[Term]:
    """A body with stages, and branches with stages; ``worth`` is the gain of a line less."""
    inner = [
        term.with_branches([_with_stages_inside(branch, scene, 1) for branch in term.branches])
        if isinstance(term, Fork)
        else term
        for term in body
    ]
    return _with_stages(inner, scene, _rounds_of_terms, worth)


def _finished_group(term: Term, scene: Scene, most: int) -> Term:
    if not isinstance(term, Group):
        return term
    items = finished(term.items, scene, most, is_module=True)
    return Group(items, term.path, term.kind, term.height)


Rounds = list[Body]


def _with_stages(body: Body, scene: Scene, rounds_of: object, worth: int = 0) -> list[Term]:
    found: list[Term] = []
    at = 0
    while at < len(body):
        best: tuple[int, int, Loop] | None = None  # gain, terms, loop
        for length in range(1, _MOST_TERMS + 1):
            made = _stage(body, at, length, scene, rounds_of, worth)
            if made is not None and (best is None or made[0] > best[0]):
                best = made
        if best is None:
            found.append(body[at])
            at += 1
        else:
            found.append(best[2])
            at += best[1]
    return found


def _stage(
    body: Body, at: int, length: int, scene: Scene, rounds_of: object, worth: int
) -> tuple[int, int, Loop] | None:
    """The loop of the most rounds that begins at a term, with its gain and its terms."""
    rounds: Rounds = []
    best: tuple[int, int, Loop] | None = None
    while True:
        start = at + len(rounds) * length
        chunk = body[start : start + length]
        if len(chunk) < length or not rounds_of(chunk):  # type: ignore[operator]
            return best
        if rounds and entry_of(chunk) != body[start - 1].out:
            return best
        rounds.append(spliced(chunk))
        if len(rounds) < 2:
            continue
        if not _are_alike(rounds[-2], rounds[-1]):
            return best
        loop = Loop(list(rounds), is_for=True)
        gain = gain_of(loop, scene, worth)
        if gain is None:
            loop = Loop(list(rounds))
            gain = gain_of(loop, scene, worth)
        if gain is None:
            return best
        if gain > 0 and (best is None or gain > best[0]):
            best = (gain, len(rounds) * length, loop)


def gain_of(loop: Loop, scene: Scene, worth: int = 0) -> int | None:
    """Return what a loop saves; None if it cannot be written, or has rounds within that are all
    read: their numbers would go on from round to round. With a list each line less is worth
    something too.
    """
    if any(map(has_growth, loop.rounds)):
        return None
    try:
        lines, _ = lines_of([[loop]])
        resolve(lines, Outside(), Values(RESERVED), scene)
    except Misfit:
        return None
    if not _is_regular(lines[0]):
        return 0  # which more rounds may change
    columns = lines[0].columns
    if loop.is_for and not columns:
        return None
    if len(columns) > MOST_COLUMNS or _width(columns) > MOST_CHARACTERS:
        return None
    plain = _plain_lines(loop, scene)
    fewer = len(list(all_lines(plain))) - len(list(all_lines(lines))) if loop.is_for else 0
    return cost_of_lines(plain) - cost_of_lines(lines) + worth * fewer


def _are_alike(a: Body, b: Body) -> bool:
    """Whether one of two rounds is made of terms like the other's, and of two more at most."""
    short, long = sorted((keys_of(a), keys_of(b)), key=len)
    rest = iter(long)
    return len(long) - len(short) <= 2 and all(key in rest for key in short)


def _is_regular(loop: Line) -> bool:
    """Whether every line of a loop is there in most rounds, and in two at least."""
    rounds = len(loop.parts[0].contexts)
    least = max(2, (rounds + 1) // 2)
    return all(
        sum(term is not None for term in line.terms) >= least for line in loop.parts[0].lines
    )


def _plain_lines(loop: Loop, scene: Scene) -> Sequence[Line]:
    """The rounds of a loop, written one after another."""
    lines, _ = lines_of([[term for body in loop.rounds for term in body]])
    resolve(lines, Outside(), Values(RESERVED), scene)
    return lines


def _width(columns: dict[str, object]) -> int:
    return sum(len(name) + 4 + _length(column) for name, column in columns.items())


def _length(column: object) -> int:
    return sum(len(str(value)) + 2 for value in column) if isinstance(column, tuple) else 10


def _rounds_of_modules(chunk: Body) -> bool:
    return any(isinstance(term, Group) for term in chunk)


def _rounds_of_terms(chunk: Body) -> bool:
    return len(chunk) == 1 or len(set(keys_of(chunk))) > 1
