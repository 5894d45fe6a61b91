"""Brings the elements of a view into the order in which an operator needs them.

Mostly they are; where not, the layers that are added are those that a person would write:
``flatten``, ``reshape``, ``permute``, ``channel_shuffle``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from convcalc.importing.views import Atom, Group, Groups, View, size_of
from convcalc.model.graph.assembly import Tensor, Value

Add = Callable[..., Value]  # adds a layer: operator, inputs, fields
MOST_AXES = 4  # of a tensor: channels and three spatial axes


def settle(view: View, target: Groups, add: Add) -> Value:
    """The tensor whose channels and spatial axes are ``target``, groups of the view's atoms.

    None if a layer could not be added; raises Unsettled if elements of the batch would move.
    """
    held = [atom for group in target for atom in group]
    stored = [atom for group in view.stored for atom in group]
    if len(held) != len(stored) or set(held) != set(stored):
        raise Unsettled("samples of the batch would become channels or positions")
    if not target:
        raise Unsettled("it has no channels")
    if view.stored == target:
        return view.tensor
    if held == stored:
        return _regroup(view.tensor, target, add)
    if _is_shuffle(view.stored, target):
        return add("channel_shuffle", view.tensor, groups=view.stored[0][0].size)
    return _move(view.tensor, view.stored, target, add)


class Unsettled(Exception):
    """The elements cannot be brought into that order."""


def _regroup(tensor: Tensor, target: Groups, add: Add) -> Value:
    """Axes merged or split, elements where they are."""
    if len(target) == 1:
        return add("flatten", tensor)
    return add("reshape", tensor, shape=[size_of(group) for group in target])


def _is_shuffle(stored: Groups, target: Groups) -> bool:
    """Whether only the two parts of the channels change their order."""
    return (
        stored[1:] == target[1:]
        and len(stored[0]) == len(target[0]) == 2
        and stored[0] == target[0][::-1]
    )


def _move(tensor: Tensor, stored: Groups, target: Groups, add: Add) -> Value:
    """Axes taken apart, permuted, and put together."""
    runs = _runs([atom for group in stored for atom in group], target)
    if len(runs) > MOST_AXES:
        shape: list[Any] = [size_of(group) for group in target]
        return add("opaque", tensor, output=shape, params=0, macs=0)
    order = [run for group in target for run in _of(group, runs)]
    found: Value = tensor
    if [size_of(run) for run in runs] != [size_of(group) for group in stored]:
        found = add("reshape", found, shape=[size_of(run) for run in runs])
    dims = [1 + runs.index(run) for run in order]
    if found is not None:
        found = add("permute", found, dims=dims)
    if found is not None and [size_of(run) for run in order] != [size_of(g) for g in target]:
        found = add("reshape", found, shape=[size_of(group) for group in target])
    return found


def _runs(atoms: Sequence[Atom], target: Groups) -> list[Group]:
    """The atoms in the order of the tensor, together as long as they stay neighbours."""
    after = {a: b for group in target for a, b in pairwise(group)}
    found: list[list[Atom]] = []
    for atom in atoms:
        if found and after.get(found[-1][-1]) is atom:
            found[-1].append(atom)
        else:
            found.append([atom])
    return [tuple(run) for run in found]


def _of(group: Group, runs: Sequence[Group]) -> list[Group]:
    """The runs that make up a group, in its order."""
    first = {run[0]: run for run in runs}
    return [first[atom] for atom in group if atom in first]
