"""After one change in a model, that is what differs, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from agreeing import design, models
from mutants import KINDS, Change, one_change

from convcalc.analysis.agreement.agreement import Agreement, agreement
from convcalc.analysis.agreement.alignment import aligned
from convcalc.analysis.agreement.differing import CHANGED, MISSING, Difference
from convcalc.analysis.agreement.unit import Unit
from convcalc.analysis.agreement.units import Units
from convcalc.model.graph.network import Network

FEW, MANY = 20, 200
MOST_MISSED = 0.1


def told(found: Agreement) -> list[tuple[object, ...]]:
    """Each difference with its layers and what differs in them, one by one."""
    return [
        (each.kind, paths(each)[0], paths(each)[1], change)
        for finding in found.findings
        for each in finding.differences
        for change in (each.changes or (None,))
    ]


def paths(found: Difference) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths of the layers of both sides."""
    old, new = ([unit.path for unit in units] for units in (found.old, found.new))
    return tuple(old), tuple(new)


def names_only(new: list[tuple[object, ...]], change: Change, path: str, ours: str) -> bool:
    """Whether one difference is new: the change of the layer at a path, which is ``ours``."""
    if len(new) != 1:
        return False
    ((kind, old, other, what),) = new
    if change.kind == "dropped":
        return (kind, old, other) == (MISSING, (ours,), ())
    key = {"width": "out_channels", "stride": "stride"}.get(change.kind, "operator")
    where = f"{path}.then" if change.then is not None else path
    is_there = kind == CHANGED and other == (where,)
    return is_there and getattr(what, "key", "") == key


def partners(ours: Network, theirs: Network) -> dict[str, Unit]:
    """The layer of the design that each layer of the model belongs to."""
    sides = Units(ours), Units(theirs)
    fold = sides[0].has_foldable != sides[1].has_foldable
    found = aligned(sides[0].made(fold=fold), sides[1].made(fold=fold))
    return {found.new[new].path: found.old[old] for old, new in found.partner.items()}


def missed(count: int, first: int = 0) -> tuple[Counter[str], list[str]]:
    """How many changes of each kind were made, and those that were not told alone."""
    made: Counter[str] = Counter()
    wrong: list[str] = []
    seed = first
    while made.total() < count:
        seed += 1
        kind = KINDS[seed % len(KINDS)]
        model = models()[seed * 37 % len(models())]
        theirs = model.read()
        ours = design(model.shipped, theirs)
        where = partners(ours, theirs)
        folded = {path for path, unit in where.items() if unit.norm is not None}
        found = one_change(theirs, kind, seed, folded)
        if found is None:
            continue
        change, network = found
        path = theirs.layers[change.index].path
        before = set(map(str, told(agreement(ours, theirs))))
        new = [each for each in told(agreement(ours, network)) if str(each) not in before]
        made[kind] += 1
        if not names_only(new, change, path, where[path].path if path in where else ""):
            wrong.append(f"{model.name} {kind} {path}: {new[:2]}")
    return made, wrong


def test_a_few_changes() -> None:
    made, wrong = missed(FEW)
    assert set(made) == set(KINDS)
    assert len(wrong) <= MOST_MISSED * FEW, "\n".join(wrong)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(1000, 1000 + MANY, 20))
def test_many_changes(first: int) -> None:
    _, wrong = missed(20, first)
    assert len(wrong) <= 2, "\n".join(wrong)  # nine in ten at least
