"""Unites what a tree demands of a network with what the policy demands: each demand once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.checking.budgets.strictness import by_subject, demands, subject
from convcalc.diagnostics.diagnostic import Place
from convcalc.language.assertions.vocabulary import CHANGES, Assertion, Budget, Compare


def united(own: Sequence[Budget], held: Sequence[Budget], home: Place) -> list[Budget]:
    """Return budgets that demand all that ``own`` and ``held`` do.

    What only ``held`` demands points at the place in ``own`` where something else stands now, or
    at ``home``, and names its origin.
    """
    mine = {budget.name: budget for budget in own}
    found: list[Budget] = []
    for budget in held:
        there = mine.get(budget.name)
        kept, more = _split(there, budget, there.place if there else home)
        if there is not None:
            mine[budget.name] = there._replace(
                assertions=kept, locked=there.locked or budget.locked
            )
        if more:
            found.append(_moved(budget, there, more, there.place if there else home))
    return [*mine.values(), *found]


def _split(
    own: Budget | None, held: Budget, home: Place
) -> tuple[tuple[Assertion, ...], tuple[Assertion, ...]]:
    """Return the own assertions that are left, and those of ``held`` that they do not cover."""
    mine = by_subject(own.assertions if own else ())
    is_comparable = own is not None and same_base(own.compare, held.compare)

    def cover(some: Mapping[object, Sequence[Assertion]], one: Assertion) -> bool:
        is_met = demands(some.get(subject(one), ()), one)
        return is_met and (is_comparable or not _changes(one))

    more = [each for each in held.assertions if not cover(mine, each)]
    theirs = by_subject(more)
    kept = tuple(each for each in (own.assertions if own else ()) if not cover(theirs, each))
    return kept, tuple(_relocated(each, mine.get(subject(each), ()), home) for each in more)


def same_base(one: Compare | None, other: Compare | None) -> bool:
    """Whether two budgets compare with the same base, in the same way."""
    return (one and (one.base, one.missing)) == (other and (other.base, other.missing))


def _changes(assertion: Assertion) -> bool:
    return any(bound.kind in CHANGES for bound in assertion.bounds)


def _relocated(assertion: Assertion, same: Sequence[Assertion], home: Place) -> Assertion:
    """Return an assertion that points at those that stand in its place."""
    place = same[0].place if same else home
    kinds = {bound.kind: bound.place for each in same for bound in each.bounds}
    bounds = tuple(b._replace(place=kinds.get(b.kind, place)) for b in assertion.bounds)
    return assertion._replace(bounds=bounds, place=place, origin=str(assertion.place))


def _moved(
    held: Budget, own: Budget | None, assertions: tuple[Assertion, ...], home: Place
) -> Budget:
    compare = held.compare
    if compare is not None:
        place = own.compare.place if own and own.compare else home
        compare = compare._replace(place=place)
    return held._replace(assertions=assertions, place=home, compare=compare)
