"""Views against plain index arithmetic: which element of the tensor stands where, one by one.

A foreign tensor is simulated as a list of the numbers of its elements in row-major order; reshaping
leaves the list alone, a transposition reorders it. A view says the same by its atoms. Where an
operator needs elements in an order, the layers that ``settle`` adds must bring them there.
"""

from __future__ import annotations

import random
from itertools import product as every
from math import prod
from typing import Any

import pytest

from convcalc.importing.settling import settle
from convcalc.importing.views import BATCH, Group, Groups, View, aligned, fresh, regrouped, size_of
from convcalc.model.graph.assembly import Tensor
from convcalc.model.graph.builder import Builder

Elements = list[int]  # what stands at each place of a tensor, in row-major order


def numbered(sizes: list[int]) -> tuple[View, Builder]:
    """A tensor of these sizes behind a batch of one, as a view."""
    builder = Builder()
    tensor = builder.input("x", sizes)
    return fresh(tensor, (), sizes), builder


def transposed(elements: Elements, sizes: list[int], order: list[int]) -> Elements:
    """The elements with axes in another order, element by element."""
    strides = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    places = every(*(range(sizes[axis]) for axis in order))
    return [
        elements[sum(i * strides[axis] for i, axis in zip(place, order, strict=True))]
        for place in places
    ]


def shown(view: View) -> Elements:
    """Which element of the view's tensor stands at each place of the view."""
    atoms = [atom for group in view.axes for atom in group]
    stored = [atom for group in view.stored for atom in group]
    assert set(atoms) == set(stored)
    assert len(set(atoms)) == len(atoms)
    strides = {atom: prod(a.size for a in stored[i + 1 :]) for i, atom in enumerate(stored)}
    return [
        sum(i * strides[atom] for i, atom in zip(place, atoms, strict=True))
        for place in every(*(range(atom.size) for atom in atoms))
    ]


def factors(chance: random.Random, number: int) -> list[int]:
    """Some sizes whose product is a number."""
    found, left = [], number
    while left > 1 and len(found) < 4:
        divisors = [n for n in range(2, left + 1) if left % n == 0]
        found.append(chance.choice(divisors))
        left //= found[-1]
    found += [left] if left > 1 else []
    for _ in range(chance.randrange(2)):
        found.insert(chance.randrange(len(found) + 1), 1)
    return found or [1]


def moved(chance: random.Random, steps: int) -> tuple[View, Elements, Builder]:
    """A view after random reshapes and transpositions, and the same by index arithmetic."""
    sizes = [chance.choice((2, 3, 4, 6, 8)) for _ in range(chance.randrange(2, 5))]
    view, builder = numbered(sizes)
    elements = list(range(prod(sizes)))
    for _ in range(steps):
        own = list(view.sizes)
        if chance.random() < 0.5:
            order = chance.sample(range(len(own)), len(own))
            view = view.with_axes(tuple(view.axes[axis] for axis in order))
            elements = transposed(elements, own, order)
        else:
            found = regrouped(view, factors(chance, prod(sizes)))
            view = view if found is None else found  # elements stay where they are
    return view, elements, builder


@pytest.mark.parametrize("seed", range(300))
def test_reshapes_and_transpositions_move_elements_as_index_arithmetic_does(seed: int) -> None:
    chance = random.Random(seed)
    view, elements, _ = moved(chance, chance.randrange(1, 9))
    assert shown(view) == elements


@pytest.mark.parametrize("seed", range(200))
def test_a_reshape_and_back_is_nothing(seed: int) -> None:
    view, elements, _ = moved(random.Random(seed), 4)
    for sizes in ([prod(view.sizes)], list(view.sizes)):
        found = regrouped(view, sizes)
        assert found is not None
        view = found
    assert shown(view) == elements


def test_a_reshape_across_borders_of_one_axis_that_was_split_otherwise() -> None:
    """Height in 8 windows of 7, then in 7 of 8: nothing moved in between."""
    view, _ = numbered([3, 56, 2])
    halves = regrouped(view, [3, 8, 7, 2])
    assert halves is not None
    again = regrouped(halves, [3, 7, 8, 2])
    assert again is not None
    assert shown(again) == list(range(3 * 56 * 2))


def test_a_reshape_that_cuts_an_axis_where_it_has_no_border_is_none() -> None:
    view, _ = numbered([4, 6, 5])
    turned = view.with_axes((view.axes[0], view.axes[1], view.axes[3], view.axes[2]))
    assert regrouped(turned, [1, 4, 3, 10]) is None
    assert regrouped(turned, [1, 4, 29]) is None


class _Played:
    """The layers that ``settle`` adds, played on elements."""

    def __init__(self, builder: Builder, elements: Elements) -> None:
        self.builder = builder
        self.elements = elements
        self.layers: list[str] = []

    def add(self, operator: str, tensor: Tensor, **fields: Any) -> Tensor | None:
        """Add a layer, and move the elements as its definition says."""
        sizes = [int(n) for n in tensor.shape.dims[1:]]
        self.layers.append(operator)
        if operator == "permute":
            self.elements = transposed(self.elements, sizes, [d - 1 for d in fields["dims"]])
        elif operator == "channel_shuffle":
            groups = fields["groups"]
            split = [groups, sizes[0] // groups, *sizes[1:]]
            order = [1, 0, *range(2, len(split))]
            self.elements = transposed(self.elements, split, order)
        else:
            assert operator in ("reshape", "flatten")
        return self.builder.add(operator, tensor, **fields)


@pytest.mark.parametrize("seed", range(300))
def test_settling_brings_elements_into_the_order_of_the_view(seed: int) -> None:
    chance = random.Random(seed)
    view, elements, builder = moved(chance, chance.randrange(1, 7))
    axes = [group for group in view.axes if group]
    while len(axes) > 4:
        axes[-2:] = [(*axes[-2], *axes[-1])]
    target: Groups = tuple(axes)
    played = _Played(builder, list(range(len(elements))))
    moves: list[str] = []

    def add(operator: str, tensor: Tensor, **fields: Any) -> Tensor | None:
        moves.append(operator)
        if operator == "opaque":
            return builder.add(operator, tensor, **fields)
        return played.add(operator, tensor, **fields)

    made = settle(view, target, add)
    assert made is not None
    assert list(made.shape.dims[1:]) == [size_of(group) for group in target]
    if "opaque" not in moves:  # a move of more axes than a tensor has is one layer
        assert played.elements == elements


@pytest.mark.parametrize("seed", range(200))
def test_aligned_views_are_the_same_tensors_with_parts_of_the_same_sizes(seed: int) -> None:
    chance = random.Random(seed)
    one, ours, _ = moved(chance, 3)
    other, theirs, _ = moved(chance, 3)
    found = regrouped(other, list(one.sizes)) if prod(one.sizes) == prod(other.sizes) else None
    pair = aligned(one, found or one)
    if pair is None:
        return
    a, b = pair
    assert shown(a) == ours
    assert shown(b) == (theirs if found else ours)
    for x, y in zip(a.axes, b.axes, strict=True):
        assert [atom.size for atom in x] == [atom.size for atom in y]


def test_atoms_of_the_batch_have_no_axis_of_the_tensor() -> None:
    view, _ = numbered([4, 6])
    batch: Group = view.stored[0]
    sampled = View(view.tensor, batch, view.stored[1:], (batch, *view.stored[1:]))
    assert sampled.role(batch[0]) == BATCH
    assert sampled.role(view.stored[1][0]) == 0
