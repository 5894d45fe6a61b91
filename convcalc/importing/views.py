"""Tensors in another program's layout, as tensors of convcalc whose axes are taken apart.

Another program moves axes about to say which of them an operator works on: ``transpose``,
``reshape`` and the like cost nothing, and in convcalc most of them are not needed. So a foreign
tensor is a :class:`View`: a tensor of convcalc, and its axes as groups of *atoms*. An atom is a
part of an axis of the tensor, such as the heads and the channels of a head in its channels, or the
windows and the positions within one in its height. A reshape that splits an axis splits an atom; a
transposition reorders groups. Operators look whether what they work on is an axis of the tensor,
and work on that. Only where it is none, a layer that moves the elements is added
(:mod:`convcalc.importing.settling`).

Axes of size 1 hold no atom. So the batch of a model for one sample holds none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple

from convcalc.model.graph.assembly import Tensor
from convcalc.model.quantities.unknown import UNKNOWN, known

BATCH = -1  # the role of an atom that is (a part of) the batch; others: 0 channels, 1… spatial axes


class Atom:
    """A part of an axis: how many there are. Two atoms are equal only if they are one object."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size

    def __repr__(self) -> str:
        return f"<{self.size}>"


Group = tuple[Atom, ...]  # the atoms of an axis, the slowest first
Groups = tuple[Group, ...]
Parts = Mapping[Atom, Sequence[Atom]]  # what atoms were taken apart into


class View(NamedTuple):
    """A foreign tensor.

    ``batch`` are the atoms of the tensor's batch, ``stored`` those of its channels and of each
    spatial axis; ``axes`` are the foreign tensor's axes.
    """

    tensor: Tensor
    batch: Group
    stored: Groups
    axes: Groups

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the foreign tensor."""
        return tuple(map(size_of, self.axes))

    def role(self, atom: Atom) -> int:
        """Which axis of the tensor an atom is a part of: 0 the channels, then the spatial axes."""
        return next((i for i, group in enumerate(self.stored) if atom in group), BATCH)

    def axis_of(self, group: Group) -> int:
        """The axis of the tensor that a group is, whole and in order; BATCH if it is none."""
        return self.stored.index(group) if group and group in self.stored else BATCH

    def with_axes(self, axes: Groups) -> View:
        """The same elements with other axes; atoms that are neighbours everywhere become one."""
        return merged(self._replace(axes=axes))


def size_of(group: Group) -> int:
    """The size of an axis."""
    return prod(atom.size for atom in group)


def atoms_of(size: int) -> Group:
    """A new axis: one atom, or none if its size is 1."""
    return () if size is not UNKNOWN and size == 1 else (Atom(size),)


def copied(group: Group) -> Group:
    """New atoms of the same sizes: of an axis of another tensor, which may have the same atoms."""
    return tuple(Atom(atom.size) for atom in group)


def fresh(tensor: Tensor, batch: Group, sizes: Sequence[int]) -> View:
    """A tensor of convcalc in PyTorch's order, with axes that were not taken apart.

    ``sizes`` are those of channels and positions.
    """
    stored = tuple(map(atoms_of, sizes))
    return View(tensor, batch, stored, (batch, *stored))


def refined(view: View, parts: Parts) -> View:
    """A view in which some atoms are taken apart, and their parts perhaps as well."""

    def of(atom: Atom) -> Iterator[Atom]:
        if atom not in parts:
            yield atom
        for part in parts.get(atom, ()):
            yield from of(part)

    def all_of(group: Group) -> Group:
        return tuple(part for atom in group for part in of(atom))

    if not parts:
        return view
    stored, axes = (tuple(map(all_of, groups)) for groups in (view.stored, view.axes))
    return View(view.tensor, all_of(view.batch), stored, axes)


def merged(view: View) -> View:
    """A view in which atoms that follow one another, in the tensor and in the view, are one."""
    if all(len(group) < 2 for group in view.axes):
        return view
    after = {a: b for group in (view.batch, *view.stored) for a, b in pairwise(group)}
    joined = {b for group in view.axes for a, b in pairwise(group) if after.get(a) is b}
    if not joined:
        return view
    whole: dict[Atom, Atom] = {}

    def runs(group: Group) -> Group:
        found: list[list[Atom]] = []
        for atom in group:
            if atom in joined and found:
                found[-1].append(atom)
            else:
                found.append([atom])
        for first, *rest in found:
            if rest and first not in whole:
                whole[first] = Atom(size_of((first, *rest)))
        return tuple(whole.get(run[0], run[0]) for run in found)

    axes = tuple(map(runs, view.axes))
    return View(view.tensor, runs(view.batch), tuple(map(runs, view.stored)), axes)


def regrouped(view: View, sizes: Sequence[int]) -> View | None:
    """The view reshaped to other sizes, in the order of its elements.

    None where the sizes do not allow it: an atom would be cut where it has no border.
    """
    whole = tuple(atom for group in view.axes for atom in group)
    view = merged(view._replace(axes=(whole,)))  # borders that another reshape made are none
    left = list(view.axes[0])
    parts: dict[Atom, Sequence[Atom]] = {}
    axes: list[Group] = []
    for size in sizes:
        group: list[Atom] = []
        missing = size
        while missing is UNKNOWN or missing != 1:
            if not left:
                return None
            atom = left.pop(0)
            if atom.size is missing or (known((atom.size, missing)) and atom.size == missing):
                group.append(atom)
                break
            if not known((atom.size, missing)):
                return None
            if missing % atom.size == 0:
                group.append(atom)
                missing //= atom.size
            elif atom.size % missing == 0:
                outer, inner = parts[atom] = Atom(missing), Atom(atom.size // missing)
                group.append(outer)
                left.insert(0, inner)
                break
            else:
                return None
        axes.append(tuple(group))
    return None if left else merged(refined(view, parts)._replace(axes=tuple(axes)))


def aligned(one: View, other: View) -> tuple[View, View] | None:
    """Two views taken apart until each axis of both has parts of the same sizes.

    Axes are compared from the last, as in broadcasting; one of size 1 fits anything. None if their
    sizes differ.
    """
    ours: dict[Atom, Sequence[Atom]] = {}
    theirs: dict[Atom, Sequence[Atom]] = {}
    for a, b in zip(reversed(one.axes), reversed(other.axes), strict=False):
        if a and b and not _cut_alike(a, b, ours, theirs):
            return None
    return refined(one, ours), refined(other, theirs)


def _cut_alike(
    one: Group, other: Group, ours: dict[Atom, Sequence[Atom]], theirs: dict[Atom, Sequence[Atom]]
) -> bool:
    """Take two groups apart into parts of the same sizes; False if that is impossible."""
    left, right = list(one), list(other)
    while left and right:
        a, b = left.pop(0), right.pop(0)
        if a.size is b.size:
            continue
        if not known((a.size, b.size)):
            return False
        if a.size == b.size:
            continue
        small, large = sorted((a.size, b.size))
        if large % small:
            return False
        cut, parts, rest = (a, ours, left) if a.size > b.size else (b, theirs, right)
        pieces = parts[cut] = Atom(small), Atom(large // small)
        rest.insert(0, pieces[1])
    return not left and not right
