"""Units that programs write in several ways, brought to one of them.

x + (y + z)                        one sum; concatenations alike
f(x) computed twice                once, if f has no weights
a sum over what was stacked        one sum
concat of convolutions of parts    one convolution in groups
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from convcalc.analysis.agreement.draft import Draft
from convcalc.analysis.agreement.idioms import attention, deformable, response_norms, square_norms
from convcalc.analysis.agreement.kinds import CONV, EACH
from convcalc.analysis.agreement.unit import Unit, exact
from convcalc.diagnostics.work import current
from convcalc.model.quantities.unknown import known

NESTED = ("add", "concat")


def simplified(units: Sequence[Unit], returned: set[int], *, fold: bool) -> list[Unit]:
    """The units in one way of writing, numbered again.

    ``returned`` are those that the network returns. With ``fold``, batch norms that follow a layer
    with weights are a part of it.
    """
    draft = Draft(units, returned)
    for rule in (*_RULES, *[_folded][:fold]):
        rule(draft)
        draft.settle()
    return draft.numbered()


def folded_pairs(units: Sequence[Unit], returned: set[int]) -> list[tuple[Unit, Unit]]:
    """Each layer with weights whose only reader is a batch norm, and that norm."""
    return _foldable(Draft(units, returned))


def _unread(draft: Draft) -> None:
    """A learned tensor that nothing reads, since what reads it is a part of something else."""
    for number, unit in list(draft.units.items()):
        if unit.kind == "parameter" and not draft.is_read(number):
            draft.drop(number)


def _computed_once(draft: Draft) -> None:
    """Merge units that compute the same from the same inputs, without weights."""
    first: dict[Hashable, int] = {}
    for number, unit in draft.units.items():
        if not unit.has_weights:
            owner = first.setdefault((exact(unit), draft.reads(unit)), number)
            if owner != number:
                draft.instead[number] = owner


def _one_sum(draft: Draft) -> None:
    """A sum of sums is a sum of all, if nothing else reads the inner ones; a concatenation of such
    is one of all in any case, as in networks whose layers read all before them."""
    for number, unit in list(draft.units.items()):
        if unit.kind not in NESTED:
            continue
        reads: list[int] = []
        for read in unit.reads:
            inner = draft.units.get(read)
            if inner is None or inner.kind != unit.kind:
                reads.append(read)
            elif draft.reader(read) is not None:
                reads += inner.reads
                draft.instead[read] = number
            elif unit.kind == "concat":
                reads += inner.reads
            else:
                reads.append(read)
        current().spend(len(reads), "concatenations that are compared")
        draft.units[number] = unit._replace(reads=tuple(reads))


def _stacked_sum(draft: Draft) -> None:
    """A sum over an axis along which tensors of its own size were stacked is a sum of these."""
    for number, unit in list(draft.units.items()):
        source = draft.units.get(unit.reads[0]) if unit.reads else None
        if source is None or not known((unit.output.numel, source.output.numel)):
            continue
        size, whole = unit.output.numel, source.output.numel
        if unit.kind == "add" and len(unit.reads) == 1 and whole > size:
            traits = {"axis": "channels"}  # of the parts of one tensor
            draft.units[number] = unit._replace(kind="reduce_sum", traits=traits)
        is_alone = source.kind == "concat" and draft.reader(source.number) is not None
        if unit.kind == "reduce_sum" and is_alone and whole == size * len(source.reads):
            draft.units[number] = unit._replace(
                kind="add", family=source.family, traits={}, reads=source.reads
            )
            draft.instead[source.number] = number


def _in_groups(draft: Draft) -> None:
    """Convolutions of the equal parts of a tensor, concatenated, are one in groups."""
    for number, unit in list(draft.units.items()):
        parts = [draft.units.get(read) for read in unit.reads]
        found = [part for part in parts if part is not None and part.kind == CONV]
        if unit.kind != "concat" or len(found) < 2 or len(found) != len(parts):
            continue
        first = found[0]
        alike = all(exact(part) == exact(first) and part.reads == first.reads for part in found)
        source = draft.units.get(first.reads[0])
        alone = all(draft.reader(part.number) is not None for part in found)
        if not (alike and alone and source is not None and "out_channels" in first.traits):
            continue
        if all(part.layer.shares >= 0 for part in found[1:]):  # one map, applied to each part
            draft.units[number] = first._replace(number=number, output=unit.output)
            draft.instead |= {part.number: number for part in found}
            continue
        if first.input.channels * len(found) != source.output.channels or EACH in first.traits:
            continue
        groups = first.traits.get("groups", 1) * len(found)
        out = first.traits["out_channels"] * len(found)
        traits = {**first.traits, "out_channels": out, "groups": groups}
        meets = None if first.meets is None else first.meets * len(found)
        draft.units[number] = first._replace(
            number=number, traits=traits, output=unit.output, meets=meets
        )
        draft.instead |= {part.number: number for part in found}


def _foldable(draft: Draft) -> list[tuple[Unit, Unit]]:
    found = []
    for unit in draft.units.values():
        reader = draft.reader(unit.number) if unit.kind in (CONV, "conv_transpose") else None
        if reader is not None and reader.kind == "batch_norm" and reader.traits["tracked"]:
            found.append((unit, reader))
    return found


def _folded(draft: Draft) -> None:
    """A norm with running statistics is a part of the layer whose only reader it is."""
    for unit, norm in _foldable(draft):
        traits = {**unit.traits, "bias": True}
        draft.units[unit.number] = unit._replace(traits=traits, norm=norm)
        draft.instead[norm.number] = unit.number


_RULES = (
    _unread,
    _computed_once,
    _stacked_sum,
    _one_sum,
    _in_groups,
    square_norms,
    response_norms,
    deformable,
    attention,
)
