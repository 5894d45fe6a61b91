"""Branches that divide the channels, and branches that are made of the same with other numbers."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.source.addresses import Outside
from convcalc.exporting.source.alignment import Misfit, keys_of
from convcalc.exporting.source.lines import lines_of
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.signatures import signature
from convcalc.exporting.source.templates import RESERVED, resolve
from convcalc.exporting.source.terms import Body, Fork, Op, Term
from convcalc.exporting.source.values import Values

_LEAST = 3  # branches that are made of the same


def with_splits(body: Body, scene: Scene) -> list[Term]:
    """A body in which forks say how they divide channels, and what their branches walk."""
    return [_split(term, scene) if isinstance(term, Fork) else term for term in body]


def _split(fork: Fork, scene: Scene) -> Fork:
    branches: Sequence[Body] = [with_splits(branch, scene) for branch in fork.branches]
    if fork.cuts or fork.is_spread:
        return fork.with_branches(branches)
    cuts = _cuts(fork, scene)
    if cuts:
        branches = [branch[1:] for branch in branches]
    made = Fork(fork.join, branches, fork.source, fork.out, fork.path, cuts=cuts)
    made.there = fork.there
    return _spread(made, scene)


def _cuts(fork: Fork, scene: Scene) -> Sequence[Op]:
    """The slices that the branches begin with, if these divide all channels in order."""
    firsts = [branch[0] for branch in fork.branches if branch]
    cuts = [first for first in firsts if isinstance(first, Op) and first.name == "channel_slice"]
    if len(cuts) < max(2, len(fork.branches)):
        return ()
    at = 0
    for cut in cuts:
        is_plain = cut.source == fork.source and not cut.beside and scene.readers[cut.out] == 1
        if not is_plain or cut.fields["start"] != at or type(cut.fields["stop"]) is not int:
            return ()
        at = cut.fields["stop"]
    return cuts if at == scene.channels(fork.source) else ()


def _spread(fork: Fork, scene: Scene) -> Fork:
    """The fork with a list that its branches walk, if they differ in numbers alone."""
    branches = fork.branches
    if not all(branches) or len({keys_of(branch) for branch in branches}) > 1:
        return fork
    if not fork.cuts and len(branches) < _LEAST:
        return fork
    texts = {signature(branch, entry=fork.entry(number)) for number, branch in enumerate(branches)}
    if len(texts) == 1:
        return fork
    made = Fork(
        fork.join, branches, fork.source, fork.out, fork.path, cuts=fork.cuts, is_spread=True
    )
    try:
        lines, _ = lines_of([[made]])
        resolve(lines, Outside(), Values(RESERVED), scene)
    except Misfit:
        return fork
    return made if lines[0].columns else fork
