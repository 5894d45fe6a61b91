"""Whether two networks are the same one: a design and a model, and where they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.analysis.agreement.alignment import Alignment, aligned
from convcalc.analysis.agreement.differing import (
    ADDED,
    CHANGED,
    MISSING,
    Difference,
    Tolerance,
    differences,
)
from convcalc.analysis.agreement.explaining import Finding, findings
from convcalc.analysis.agreement.reaching import idle, only_for
from convcalc.analysis.agreement.tables import UNKNOWN_OF_TABLES, Table, is_table
from convcalc.analysis.agreement.totals import Sides, Total, totals
from convcalc.analysis.agreement.unit import Unit
from convcalc.analysis.agreement.units import Units
from convcalc.analysis.analyse import analyse
from convcalc.diagnostics.work import current, limited
from convcalc.model.graph.network import Network
from convcalc.model.quantities.presented import Saved, Shown, number_of, short

AUTO, YES, NO = "auto", "yes", "no"
FOLDING = (AUTO, YES, NO)  # whether batch norms are looked through
KINDS = (CHANGED, MISSING, ADDED)  # of what differs
_LEFT_OUT = "exported by pytorch"  # to ONNX: biases that are zero have no place in the file


class _Fields(NamedTuple):
    old: Network
    new: Network
    findings: tuple[Finding, ...]
    totals: tuple[Total, ...]
    layers: tuple[int, int]
    agreeing: int
    folded: bool = False
    notes: tuple[str, ...] = ()


class Agreement(Shown, Saved, _Fields):
    """Two networks, what differs, and their totals.

    ``layers`` are how many units each side has, ``agreeing`` how many pairs agree. ``folded`` says
    that batch norms were looked through. ``notes`` are what was assumed, or cannot be known.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        names = f"{short(self.old.name)} and {short(self.new.name)}"
        count = len(self.findings) + len(self.unexplained)
        found = number_of(count, "difference") if count else "they agree"
        return f"<Agreement of {names}: {found}, {number_of(self.agreeing, 'layer')} agreeing>"

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.findings and not self.unexplained

    @property
    def unexplained(self) -> tuple[Total, ...]:
        """Totals that differ although no layer does."""
        if self.findings:
            return ()
        return tuple(
            each for each in self.totals if each.key in _HELD and each.is_other and not each.why
        )


_HELD = ("macs", "outputs")


@limited
def agreement(old: Network, new: Network, *, fold_norms: str = AUTO) -> Agreement:
    """Align two networks and tell what differs.

    With ``fold_norms`` "auto", batch norms are looked through if one side has some that can be
    folded and the other has none.
    """
    current().spend(40 * (len(old.layers) + len(new.layers)), "layers that are compared")
    if is_table(old) or is_table(new):
        return _of_tables(old, new)
    sides = Units(old), Units(new)
    has = [side.has_foldable for side in sides]
    folded = fold_norms == YES or (fold_norms == AUTO and has[0] != has[1])
    units = sides[0].made(fold=folded), sides[1].made(fold=folded)
    found = aligned(*units)
    ends = sides[0].ends(units[0]), sides[1].ends(units[1])
    unused = (
        idle(units[0], ends[0]) - found.partner.keys(),
        idle(units[1], ends[1]) - found.taken.keys(),
    )
    tolerance = Tolerance(biases=getattr(new, "remark", "").startswith(_LEFT_OUT))
    alone = _only_for(found, ends)
    told = [_with_reason(each, alone) for each in differences(found, tolerance, unused)]
    reports = [analyse(network, fuse_batch_norm=folded) for network in (old, new)]
    changed = {each.old[0].number for each in told if each.old and each.new}
    skipped = _paths(units[0], unused[0]), _paths(units[1], unused[1])
    return Agreement(
        old,
        new,
        tuple(findings(told)),
        totals(Sides(reports[0], reports[1], skipped, folded), found),
        (len(units[0]), len(units[1])),
        len(found.partner) - len(changed & found.partner.keys()),
        folded,
        (*_notes(folded, has, skipped), *_unread(old, new)),
    )


def _of_tables(old: Network, new: Network) -> Agreement:
    """The agreement with a table of tensors without a graph, of which only sizes are known."""
    sides = Table(old), Table(new)
    told, agreeing = sides[0].against(sides[1])
    reports = [analyse(network, parts=()) for network in (old, new)]
    before, after = (report.totals.counts["params"] for report in reports)
    params = Total("params", before, after)
    layers = len(sides[0].units), len(sides[1].units)
    return Agreement(
        old, new, tuple(findings(told)), (params,), layers, agreeing, False, (UNKNOWN_OF_TABLES,)
    )


def _paths(units: Sequence[Unit], numbers: Collection[int]) -> list[str]:
    """The layers of some units, and of the norms that are folded into them."""
    found = [unit for unit in units if unit.number in numbers]
    norms = [unit.norm for unit in found if unit.norm is not None]
    return list(dict.fromkeys(unit.layer.path for unit in (*found, *norms)))


def _notes(folded: bool, has: Sequence[bool], unused: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield what was looked through."""
    if folded and has[0] != has[1]:
        name, other = _SIDES if has[0] else _SIDES[::-1]
        yield f"batch norms of {name} are folded in {other}, and looked through"
    elif folded:
        yield "batch norms are looked through"
    for name, paths in zip(_SIDES, unused, strict=True):
        if paths:
            layers = "layer" if len(paths) == 1 else "layers"
            yield (
                f"{len(paths)} {layers} of {name} lead to no output and are left out, "
                f"from {paths[0]} on"
            )


def _unread(*networks: Network) -> Iterator[str]:
    """Yield what has no rule, and is compared as one layer."""
    for name, network in zip(_SIDES, networks, strict=True):
        count = sum(problem.name == "unmapped-operator" for problem in network.problems)
        if count:
            parts = "1 part" if count == 1 else f"{count} parts"
            yield f"{parts} of {name} without a rule; what is computed there is not compared"


_SIDES = "the design", "the model"


def _only_for(
    found: Alignment, ends: tuple[Mapping[str, int], Mapping[str, int]]
) -> Mapping[int, str]:
    """The old units that lead only to outputs that the new network lacks, with such an output."""
    theirs = set(ends[1].values())
    shared = {name for name, number in ends[0].items() if found.partner.get(number) in theirs}
    return only_for(found.old, ends[0], shared) if shared else {}


def _with_reason(told: Difference, alone: Mapping[int, str]) -> Difference:
    """A difference; of layers that only the old side has, the output that they only lead to."""
    if told.kind != MISSING or told.why:
        return told
    names = {alone.get(unit.number, "") for unit in told.old}
    if "" in names:
        return told
    return told._replace(why=f"it only leads to the output {', '.join(sorted(names))}")
