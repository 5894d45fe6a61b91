"""Operators that programs write out as their steps.

x / √mean(x²)                        root mean square norm
x + w·x·n + b, n = g / mean(g)       global response norm
softmax(q·kᵀ + positions)·v          attention
w·(m·samples of x) + b               deformable convolution
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod

from convcalc.analysis.agreement.draft import Draft
from convcalc.analysis.agreement.kinds import ATTENTION, CONV, conv_traits
from convcalc.analysis.agreement.unit import Unit
from convcalc.model.quantities.unknown import known


def response_norms(draft: Draft) -> None:
    """The global response norm by its steps, from the ratio on."""
    for number, unit in list(draft.units.items()):
        if unit.kind != "div" or len(unit.reads) != 2:
            continue
        energy, mean = (draft.units.get(read) for read in unit.reads)
        if energy is None or mean is None or mean.reads != (energy.number,):
            continue
        inner = [number, mean.number, *_energy(draft, energy)]
        reads = draft.units[inner[-1]].reads
        steps = _response_norm(draft, number, reads[0]) if len(reads) == 1 else []
        if steps:
            last = steps.pop()
            draft.units[last.number] = last._replace(
                kind="global_response_norm", family="norm", traits={}, reads=reads, has_weights=True
            )
            drops = [*inner, *(each.number for each in steps)]
            draft.instead |= dict.fromkeys(drops, last.number)


def square_norms(draft: Draft) -> None:
    """A division by the root of the mean square over channels."""
    for number, unit in list(draft.units.items()):
        if unit.kind != "div" or len(unit.reads) != 2:
            continue
        x, root = unit.reads
        steps = [root]
        for kind in ("sqrt", "reduce_mean", "square"):
            step = draft.units.get(steps[-1])
            if step is None or step.kind != kind or draft.reader(step.number) is None:
                break
            steps.append(step.reads[0])
        if len(steps) == 4 and steps.pop() == x:
            draft.units[number] = unit._replace(
                kind="rms_norm", family="norm", traits={"affine": False}, reads=(x,)
            )
            draft.instead |= dict.fromkeys(steps, number)


def _energy(draft: Draft, energy: Unit) -> list[int]:
    """The steps of a Euclidean norm, the last one first: one, or a root of a sum of squares."""
    found = [energy.number]
    for kind in ("reduce_sum", "square") if energy.kind == "sqrt" else ():
        inner = draft.units.get(draft.units[found[-1]].reads[0])
        if inner is None or inner.kind != kind:
            return found[:1]
        found.append(inner.number)
    return found


def _response_norm(draft: Draft, ratio: int, x: int) -> list[Unit]:
    """The product, the scale, the shift and the sum that follow a ratio; empty if it is none.

    The shift may also be added to x, before both are added.
    """
    product = draft.reader(ratio)
    scale = draft.reader(product.number) if product is not None else None
    after = draft.reader(scale.number) if scale is not None else None
    if product is None or scale is None or after is None:
        return []
    shift, last = after, draft.reader(after.number)
    if after.kind == "add":
        others = [draft.units.get(read) for read in after.reads if read != scale.number]
        if len(others) != 1 or others[0] is None or others[0].reads != (x,):
            return []
        shift, last = others[0], after
    kinds = (product.kind, scale.kind, shift.kind, last.kind if last is not None else "")
    if kinds != ("mul", "scale", "shift", "add") or x not in product.reads or last is None:
        return []
    return [product, scale, shift, last] if x in (*last.reads, *shift.reads) else []


def deformable(draft: Draft) -> None:
    """Samples times factors, and their product with a learned tensor: a convolution that is
    deformed; with computed factors, an aggregation."""
    for number, unit in list(draft.units.items()):
        if unit.kind != "grid_sample":
            continue
        inner, reads = [number], [*unit.reads]
        product = draft.reader(number)
        if product is not None and product.kind == "mul":
            reads += [read for read in product.reads if read != inner[-1]]
            inner.append(product.number)
            product = draft.reader(product.number)
        if product is None or product.kind != "matmul":
            continue
        others = [read for read in product.reads if read != inner[-1]]
        weight = draft.units.get(others[0]) if len(others) == 1 else None
        if weight is None or not set(reads).isdisjoint(others):
            continue
        if weight.kind == "parameter":
            _convolution(draft, unit, (*inner, product.number), weight, reads)
        else:
            kind = "aggregation"
            draft.units[product.number] = product._replace(
                kind=kind, family=kind, traits={}, reads=(*reads, *others)
            )
            draft.instead |= dict.fromkeys(inner, product.number)


def _convolution(
    draft: Draft, samples: Unit, inner: Sequence[int], weight: Unit, reads: Sequence[int]
) -> None:
    """Put one convolution in the place of samples, their products and perhaps the bias after."""
    last = draft.units[inner[-1]]
    taps, channels = samples.output.spatial[:1], samples.output.channels
    if not known((*taps, channels)) or weight.traits["elements"] % (prod(taps) * channels):
        return
    side = isqrt(prod(taps))
    kernel = (side, side) if side * side == prod(taps) else taps
    out = weight.traits["elements"] // (prod(taps) * channels)
    drops = [*inner[:-1], weight.number]
    shift = draft.reader(last.number)
    bias = [draft.units.get(read) for read in shift.reads if read != last.number] if shift else []
    if shift is not None and shift.kind in ("add", "shift") and all(_is_bias(b, out) for b in bias):
        drops += [last.number, *(each.number for each in bias if each is not None)]
        last = shift
    draft.units[last.number] = last._replace(
        kind=CONV,
        family=CONV,
        traits=conv_traits(out, kernel),
        reads=tuple(reads),
        has_weights=True,
        meets=channels,
    )
    draft.instead |= dict.fromkeys(drops, last.number)


def _is_bias(unit: Unit | None, count: int) -> bool:
    """Whether a unit is a learned tensor of so many elements, read here alone."""
    return unit is not None and unit.kind == "parameter" and unit.traits["elements"] == count


# What may stand between the maps of attention and its products.
_BETWEEN = {
    *("add", "sub", "mul", "div", "scale", "shift", "clamp", "sqrt", "square", "pow", "maximum"),
    *("reduce_sum", "reduce_mean", "exp"),
}


def attention(draft: Draft) -> None:
    """Products with a softmax between, and all that only they read, are one unit."""
    free = _free(draft)
    plain = {each for each in free if _is_plain(draft.units[each])}
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
            for each in _sources(draft, one, plain, inner)
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


def _is_plain(unit: Unit) -> bool:
    """Whether a unit is a learned tensor, or computes without weights."""
    return unit.kind == "parameter" or not unit.has_weights


def _upstream(draft: Draft, unit: Unit, free: set[int], inner: set[int]) -> list[Unit | None]:
    """Return what is read through functions of single elements, which are added to ``inner``."""
    found: list[Unit | None] = []
    todo = [*unit.reads]
    while todo:
        number = todo.pop()
        if number in inner:
            continue
        read = draft.units.get(number)
        is_inner = read is not None and read.kind != "matmul" and number in free
        if read is None or not (read.kind in _BETWEEN or is_inner):
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
