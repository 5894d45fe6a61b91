"""Operators that programs write out as their steps.

x + w·x·n + b, n = g / mean(g)       global response norm
softmax(q·kᵀ + positions)·v          attention
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.analysis.agreement.draft import Draft
from convcalc.analysis.agreement.kinds import ATTENTION
from convcalc.analysis.agreement.unit import Unit


def response_norms(draft: Draft) -> None:
    """The global response norm by its steps, from the ratio on."""
    for number, unit in list(draft.units.items()):
        steps = _response_norm(draft, unit) if unit.kind == "div" else []
        if steps:
            *inner, last = steps
            (x,) = draft.units[unit.reads[0]].reads
            kind = "global_response_norm"
            draft.units[last.number] = last._replace(
                kind=kind, family="norm", traits={}, reads=(x,), has_weights=True
            )
            drops = [number, *unit.reads, *(each.number for each in inner)]
            draft.instead |= dict.fromkeys(drops, last.number)


def _response_norm(draft: Draft, ratio: Unit) -> list[Unit]:
    """The product, the scale, the shift and the sum that follow a ratio; empty if it is none."""
    if len(ratio.reads) != 2:
        return []
    energy, mean = (draft.units.get(number) for number in ratio.reads)
    if energy is None or mean is None or mean.reads != (energy.number,) or len(energy.reads) != 1:
        return []
    (x,) = energy.reads
    found: list[Unit] = []
    at = ratio.number
    wanted: Sequence[tuple[str, bool]] = (
        ("mul", True),
        ("scale", False),
        ("shift", False),
        ("add", True),
    )
    for kind, reads_x in wanted:
        unit = draft.reader(at)
        if unit is None or unit.kind != kind or (reads_x and x not in unit.reads):
            return []
        found.append(unit)
        at = unit.number
    return found


# What may stand between the maps of attention and its products.
_BETWEEN = {
    *("add", "sub", "mul", "div", "scale", "shift", "clamp", "sqrt", "square", "pow", "maximum"),
    *("reduce_sum", "reduce_mean", "exp"),
}


def attention(draft: Draft) -> None:
    """Products with a softmax between, and all that only they read, are one unit."""
    free = _free(draft)
    for number, unit in list(draft.units.items()):
        product = draft.reader(number) if unit.kind == "softmax" else None
        if product is None or product.kind != "matmul":
            continue
        inner = {number}
        scores = [each for each in _upstream(draft, unit, free, inner) if each is not None]
        if len(scores) != 1 or scores[0].kind != "matmul":
            continue
        inner.add(scores[0].number)
        sources = [
            each
            for one in (scores[0], product)
            for each in _sources(draft, one, free, inner)
            if each not in inner
        ]
        members = {*inner, product.number}
        if not all(members.issuperset(draft.readers.get(each, ())) for each in inner):
            continue
        reads = tuple(sorted(set(sources)))
        draft.units[product.number] = product._replace(
            kind=ATTENTION, family=ATTENTION, traits={}, reads=reads
        )
        for each in inner:
            draft.instead[each] = product.number


def _free(draft: Draft) -> set[int]:
    """Units that are made of learned tensors alone, such as tables of positions."""
    found: set[int] = set()
    for number, unit in draft.units.items():
        if all(read in found for read in unit.reads):
            found.add(number)
    return found


def _upstream(draft: Draft, unit: Unit, free: set[int], inner: set[int]) -> list[Unit | None]:
    """What is read through functions of single elements; what lies between joins ``inner``."""
    found: list[Unit | None] = []
    todo = [*unit.reads]
    while todo:
        number = todo.pop()
        if number in inner:
            continue
        read = draft.units.get(number)
        if read is None or not (read.kind in _BETWEEN or number in free):
            found.append(read)
            continue
        inner.add(number)
        todo += read.reads
    return found


def _sources(draft: Draft, unit: Unit, free: set[int], inner: set[int]) -> list[int]:
    """The numbers of what a product multiplies, before functions of single elements."""
    found: list[int] = []
    todo = [*unit.reads]
    while todo:
        number = todo.pop()
        if number in inner:
            continue
        read = draft.units.get(number)
        if read is None or not (read.kind in _BETWEEN or number in free):
            found.append(number)
            continue
        inner.add(number)
        todo += read.reads
    return found
