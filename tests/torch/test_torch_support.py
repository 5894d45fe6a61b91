"""Exact supports against the pattern of non-zero gradients, at every output position.

PyTorch computes the network from the fields of its layers, in double precision and with positive
weights, so that nothing cancels (cubic interpolation has negative ones; there the weights are
random). Position m of the output is read off sample m of a batch of equal inputs, so that one
backward pass gives the gradients of all positions.

Stand-ins: a maximum passes its gradient to one tap only, so max pooling is a weighted sum over the
same windows, and has a test of its own; nearest interpolation is an indexing by the positions that
PyTorch reads. A published network is computed with one channel per tensor (``thin``), since
receptive fields do not tell channels apart.
"""

from __future__ import annotations

import random
from itertools import product
from math import prod

import pytest
import torch
from gradients import Way, computed, gradients, name_of, patterns
from graphs import (
    CHANNELS,
    GLOBAL,
    MAXIMA,
    described,
    interior,
    last_sight,
    places_of,
    random_network,
    read,
    starts,
)
from regions import members

from convcalc.analysis.receptive_field.domains import SUPPORTS
from convcalc.analysis.receptive_field.reach import seen_together
from convcalc.analysis.receptive_field.read_back import last_spatial_tensor
from convcalc.analysis.receptive_field.study import unread
from convcalc.model.graph.network import Network

Tensor = torch.Tensor
Position = tuple[int, ...]


def agreeing(network: Network, way: Way, seed: int, **how: bool) -> list[set[Position]]:
    """What each position of the last tensor reads, by PyTorch and by convcalc alike."""
    number, places = len(network.layers), places_of(network, len(network.layers))
    found = patterns(gradients(network, number, places, way, seed))
    for place, expected in zip(places, found, strict=True):
        got = read(network, number, place, bordered=True, **how)
        assert got == expected, described(network, place)
    return found


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_output_depends_on_the_positions_that_it_is_said_to_read(rank: int) -> None:
    rng = random.Random(rank)
    compared = 0
    used = set[str]()
    while compared < 5000:
        network = random_network(rng, starts(rng, rank))
        compared += len(agreeing(network, Way(), compared))
        used.update(name_of(layer) for layer in network.layers)
    assert used >= (USED | FLAT if rank == 2 else USED)


USED = {
    *("adaptive_avg_pool", "adaptive_max_pool", "add", "avg_pool", "concat", "conv"),
    *("conv_transpose", "crop", "depthwise_conv", "large_kernel_attention", "max_pool", "mul"),
    *("pad", "pointwise_conv", "separable_conv", "upsample"),
}
FLAT = {"pixel_shuffle", "pixel_unshuffle", "spatially_separable_conv"}  # not on one axis


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_where_no_padding_is_read_the_endless_axis_says_the_same(rank: int) -> None:
    """Both the walk forward, axis by axis, and the walk back on all axes together."""
    rng = random.Random(rank)
    compared = hollow = 0
    while compared < 1000:
        network = random_network(rng, starts(rng, rank))
        places = list(product(*(sorted(interior(network, axis)) for axis in range(rank))))
        if not places:
            continue
        found = patterns(gradients(network, len(network.layers), places, Way(), seed=compared))
        sight = last_sight(network, SUPPORTS)
        for place, expected in zip(places, found, strict=True):
            assert read(network, len(network.layers), place) == expected, described(network, place)
            for axis, (y, reaches) in enumerate(zip(place, sight, strict=True)):
                if any(reach.reason for reach in reaches):
                    continue
                shadow = {x[axis] for x in expected}
                seen = members(seen_together(reaches, y, SUPPORTS))
                # A path that reads nothing on one axis still counts on the others.
                if rank > 1 and seen > shadow:
                    assert "conv_transpose" in map(name_of, network.layers)
                    hollow += 1
                else:
                    assert seen == shadow, described(network, place)
        compared += len(places)
    assert hollow < compared / 4


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_what_is_unread_has_no_gradient_of_all_outputs_together(rank: int) -> None:
    rng = random.Random(rank)
    some = 0
    for seed in range(120):
        network = random_network(rng, starts(rng, rank))
        sizes = network.shape(0).spatial
        x = torch.rand(1, CHANNELS, *sizes, dtype=torch.double).add(0.5).requires_grad_()
        tensors = computed(network, x, len(network.layers), Way(), seed)
        total = sum(tensors[number].sum() for number in network.outputs.values())
        (gradient,) = torch.autograd.grad(total, x)
        ((*reached,),) = patterns(gradient.abs().sum(1))
        left = unread(network, "input")
        assert left is not None
        assert left.total - left.number == len(reached), described(network)
        for axis, lines in enumerate(left.lines):
            assert set(lines) == set(range(sizes[axis])) - {x[axis] for x in reached}
        some += left.number > 0
    assert some > 20


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layers_that_see_the_whole_axis_are_followed_or_held_constant(rank: int) -> None:
    """``strict`` is all that PyTorch's output depends on; without it, what is left when gates and
    statistics are constants."""
    rng = random.Random(rank)
    strict = local = everything = 0
    while strict < 1500 or local < 500:
        network = random_network(rng, starts(rng, rank), GLOBAL)
        found = agreeing(network, Way(), strict, strict=True)
        everything += sum(len(each) == network.shape(0).positions for each in found)
        strict += len(found)
        if last_spatial_tensor(network, len(network.layers)) == len(network.layers):
            local += len(agreeing(network, Way(local=True), strict))
    assert everything > 500


@pytest.mark.parametrize("rank", [1, 2])
def test_true_maxima_pass_on_a_single_position_that_stands_out(rank: int) -> None:
    """No gradients: where the input is 0 but for one position, outputs above 0 read that one."""
    rng = random.Random(rank)
    compared = 0
    while compared < 2000:
        start = starts(rng, rank)
        network = random_network(rng, start, MAXIMA, ("add", "concat", "maximum"))
        number, places = len(network.layers), places_of(network, len(network.layers))
        one = torch.eye(prod(start), dtype=torch.double).reshape(-1, 1, *start)
        output = computed(network, one, number, Way(thin=True, maxima=True), compared)[number]
        influence = output[:, 0].flatten(1).T.reshape(-1, *start)  # by output, then by input
        for place, expected in zip(places, patterns(influence), strict=True):
            got = read(network, number, place, bordered=True)
            assert got == expected, described(network, place)
        compared += len(places)
