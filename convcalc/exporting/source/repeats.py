"""Repeats: neighbours that do the same, and the tensors of which go from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.source.idioms import IDIOM
from convcalc.exporting.source.signatures import signature
from convcalc.exporting.source.terms import Body, Call, Fork, Loop, Op, Term, entry_of

_MOST_OTHERS = 2  # values that the first round has of its own
MOST = 4  # terms that are repeated together


def with_repeats(body: Body) -> list[Term]:
    """A body in which equal neighbours are loops; parts of forks too."""
    found: list[Term] = []
    at = 0
    while at < len(body):
        length, count = _longest(body, at)
        if count < 2:
            found.append(_inside(body[at]))
            at += 1
            continue
        shift = _phase(body, at, length, count)
        found += map(_inside, body[at : at + shift])
        at += shift
        rounds = [body[at + k * length : at + (k + 1) * length] for k in range(count)]
        found.append(Loop([[_inside(term) for term in each] for each in rounds]))
        at += length * count
    return found


def _inside(term: Term) -> Term:
    if not isinstance(term, Fork):
        return term
    return term.with_branches([with_repeats(branch) for branch in term.branches])


def _longest(body: Body, at: int) -> tuple[int, int]:
    """The length of what is repeated from a term on, and how often; the most layers win."""
    best = (1, 1)
    for length in range(1, MOST + 1):
        count = _rounds(body, at, length)
        if count > 1 and length * count > best[0] * best[1]:
            best = (length, count)
    return best


def _rounds(body: Body, at: int, length: int) -> int:
    """How often the terms from one on come in equal runs, each entered by the one before."""
    first = body[at : at + length]
    if len(first) < length or _reads_again(first, entry_of(first), entry_of(first)):
        return 0
    text = signature(first)
    count = 1
    while True:
        start = at + count * length
        run = body[start : start + length]
        if len(run) < length or entry_of(run) != body[start - 1].out or signature(run) != text:
            return count
        count += 1


def _reads_again(run: Body, entry: int, above: int) -> bool:
    """Whether a term reads what enters the round from anywhere but right below it, where it has
    no name; ``above`` is what is above the first term."""
    for term in run:
        if isinstance(term, Fork):
            if term.source == entry != above:
                return True
            if any(_reads_again(branch, entry, term.source) for branch in term.branches):
                return True
        elif isinstance(term, Call):
            if (term.source == entry != above) or (entry in term.further and entry != term.source):
                return True
        elif entry in term.reads and (above != entry or not isinstance(term, Op)):
            return True
        above = term.out
    return False


def _phase(body: Body, at: int, length: int, count: int) -> int:
    """How many terms to leave to what is above, so that a round begins with a fork."""
    for shift in range(1, length):
        start = at + shift
        begins = isinstance(body[start], Fork) and not isinstance(body[at], Fork)
        if begins and _rounds(body, start, length) >= count:
            return shift
    return 0


def with_first_rounds(body: Body) -> list[Term]:
    """A body in which calls of one block are loops where only the first differs."""
    found: list[Term] = []
    for index, term in enumerate(body):
        before = found[-1] if found else None
        after = body[index + 1] if index + 1 < len(body) else None
        if (
            not (isinstance(before, Call) and isinstance(after, Call) and _are_alike(before, after))
            and isinstance(term, Loop)
            and isinstance(before, Call)
            and len(term.rounds[0]) == 1
            and _are_equal(term)
            and _follows(before, term.rounds[0][0])
        ):
            found[-1] = Loop([[before], *term.rounds])
        else:
            found.append(term)
    return found


def _are_equal(loop: Loop) -> bool:
    return not loop.is_for and len({signature(body) for body in loop.rounds}) == 1


def _are_alike(a: Call, b: Call) -> bool:
    return a.template is b.template


def _follows(first: Call, then: Term) -> bool:
    return (
        isinstance(then, Call)
        and then.template is first.template
        and then.source == first.out
        and list(then.further) == list(first.further)
        and not first.group.kind.startswith(IDIOM)
        and sum(then.args[name] != value for name, value in first.args.items()) <= _MOST_OTHERS
    )


def with_readers(body: Body) -> list[Term]:
    """A body in which neighbouring calls that are alike and read tensors from afar are loops."""
    found: list[Term] = []
    at = 0
    while at < len(body):
        run = _readers(body, at)
        found.append(Loop([[term] for term in run], is_apart=True) if len(run) > 1 else body[at])
        at += max(1, len(run))
    return found


def _readers(body: Body, at: int) -> Body:
    """The calls from an index on that are alike, and none of which reads the one before."""
    first = body[at]
    run: list[Term] = []
    for term in body[at:]:
        if (
            not isinstance(term, Call)
            or not isinstance(first, Call)
            or term.template is not first.template
            or dict(term.args) != dict(first.args)
            or term.further
            or any(term.source in each.makes for each in run)
        ):
            break
        run.append(term)
    return run


def pairs(body: Sequence[Term]) -> list[Term]:
    """As :func:`with_first_rounds`, for two calls alone that are all of a module."""
    if len(body) == 2 and isinstance(body[0], Call) and _follows(body[0], body[1]):
        return [Loop([[body[0]], [body[1]]])]
    return list(body)
