"""Whether assertions demand at least what others demand, by the values that they accept.

A bound is weaker than another if there is a value that it lets pass and the other does not: an
unknown number too, which every limit refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.checking.budgets.judging import warns_below
from convcalc.language.assertions.vocabulary import CHANGES, METRICS, Assertion, Bound


class Weaker(NamedTuple):
    """A bound that is not demanded any more, and the one that stands in its place, if any."""

    bound: Bound
    instead: Bound | None = None

    @property
    def text(self) -> str:
        """The change in words: ``max rose from 5M to 9M``."""
        old, new = self.bound, self.instead
        if new is None:
            return f"{old.kind} {old.text} is not demanded any more"
        if old.kind != new.kind:
            return f"{old.kind} {old.text} became {new.kind} {new.text}"
        verb = "changed"
        if not isinstance(old.value, tuple) and not isinstance(new.value, tuple):
            is_same_form = old.relative == new.relative
            verb = ("rose" if new.value > old.value else "fell") if is_same_form else verb
        return f"{old.kind} {verb} from {old.text} to {new.text}"


def subject(assertion: Assertion) -> tuple[object, ...]:
    """Return what an assertion measures; bounds on the same are comparable."""
    bare = assertion._replace(bounds=(), message="", origin="", is_typed=False)
    return bare._replace(place=None)  # type: ignore[arg-type]


def by_subject(assertions: Iterable[Assertion]) -> dict[object, list[Assertion]]:
    """The assertions by what they measure."""
    found: dict[object, list[Assertion]] = {}
    for each in assertions:
        found.setdefault(subject(each), []).append(each)
    return found


def weaker_bounds(held: Sequence[Assertion], own: Sequence[Assertion]) -> Iterator[Weaker]:
    """Yield the bounds of ``held`` that ``own`` does not demand; all are about the same number."""
    limits = [(a, b) for a in held for b in a.bounds if b.kind not in CHANGES]
    mine = [(a, b) for a in own for b in a.bounds if b.kind not in CHANGES]
    if limits and METRICS[held[0].metric].kind == "shape":
        yield from _weaker_shapes([b for _, b in limits], [b for _, b in mine])
    elif limits and not mine:
        yield from (Weaker(bound) for _, bound in limits)
    elif limits:
        yield from _weaker_limits(limits, mine)
    for kind in CHANGES:
        changes = [b for a in own for b in a.bounds if b.kind == kind]
        for bound in (b for a in held for b in a.bounds if b.kind == kind):
            if not any(_allows_no_more(each, bound) for each in changes):
                yield Weaker(bound, next(iter(changes), None))


def demands(own: Sequence[Assertion], held: Assertion) -> bool:
    """Whether assertions about the same number demand all of ``held``."""
    return next(weaker_bounds([held], own), None) is None


# --- shapes and changes --------------------------------------------------------------------------


def _weaker_shapes(held: Sequence[Bound], own: Sequence[Bound]) -> Iterator[Weaker]:
    for bound in held:
        if not any(_is_within_shape(each.value, bound.value) for each in own):
            yield Weaker(bound, next(iter(own), None))


def _is_within_shape(own: Any, held: Any) -> bool:
    """Whether a shape is one that another allows; null stands for every size."""
    return len(own) == len(held) and all(
        h is None or o == h for o, h in zip(own, held, strict=True)
    )


def _allows_no_more(own: Bound, held: Bound) -> bool:
    """Whether a change is allowed only where the other allows it, whatever the base."""
    return not own.value or (own.relative == held.relative and own.value <= held.value)


# --- limits --------------------------------------------------------------------------------------

_Limit = tuple[Assertion, Bound]


def _weaker_limits(held: Sequence[_Limit], own: Sequence[_Limit]) -> Iterator[Weaker]:
    """Yield the limits whose values, accepted or passed without a warning, became more."""
    axes = max(len(_parts(bound.value)) for _, bound in (*held, *own))
    accepted = [limit for limit in own if limit[1].kind != "warn"]
    if _is_empty(accepted, axes):
        return  # nothing satisfies it
    warns_always = _is_empty(own, axes)
    for assertion, bound in held:
        if bound.kind == "warn" and warns_always:
            continue
        others = own if bound.kind == "warn" else accepted
        for is_low in _directions(assertion, bound):
            reached = [b for a, b in others if is_low in _directions(a, b)]
            if not _covers(reached, bound, axes, is_low, assertion.metric):
                same = [b for b in reached if b.kind == bound.kind]
                yield Weaker(bound, next(iter(same or reached), None))
                break


def _directions(assertion: Assertion, bound: Bound) -> tuple[bool, ...]:
    """Whether a bound is a lower one (True), an upper one (False), or both."""
    if bound.kind == "equals":
        return (False, True)
    return (bound.kind == "min" or (bound.kind == "warn" and warns_below(assertion)),)


def _covers(own: Iterable[Bound], held: Bound, axes: int, is_low: bool, metric: str) -> bool:
    """Whether bounds of one direction exclude all that a bound of that direction excludes."""
    wanted = _spread(held.value, axes)
    if wanted is None:
        return any(each.value == held.value for each in own)
    found = [spread for each in own if (spread := _spread(each.value, axes)) is not None]
    for index, want in enumerate(wanted):
        values = [each[index] for each in found]
        if is_low and want > max(values, default=0):
            return False
        least = min(values, default=1 if METRICS[metric].kind == "ratio" else None)
        if not is_low and (least is None or least > want):
            return False
    return True


def _is_empty(own: Sequence[_Limit], axes: int) -> bool:
    """Whether no value satisfies all limits."""
    sides: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for assertion, bound in own:
        for is_low in _directions(assertion, bound):
            if (spread := _spread(bound.value, axes)) is not None:
                sides[is_low].append(spread)
    pairs = zip(map(max, zip(*sides[True])), map(min, zip(*sides[False])))  # noqa: B905
    return any(low > high for low, high in pairs)


def _spread(value: Any, axes: int) -> tuple[Any, ...] | None:
    """A value for each axis; None if it is for another number of axes."""
    parts = _parts(value)
    return parts * axes if len(parts) == 1 else parts if len(parts) == axes else None


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
