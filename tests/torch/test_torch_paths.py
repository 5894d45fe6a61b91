"""Path counts, published networks and known differences, by the gradients of PyTorch."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from gradients import Way, gradients, name_of, patterns
from graphs import (
    CHANNELS,
    COUNTED,
    Items,
    described,
    interior,
    last_sight,
    places_of,
    random_network,
    read,
    stamp,
)
from small import network_of
from torch.nn import functional

from convcalc.analysis.receptive_field.domains import TOTALS, Paths
from convcalc.analysis.receptive_field.reach import Reaches, seen_together
from convcalc.analysis.receptive_field.read_back import last_spatial_tensor
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.receptive_field.weights import Weights
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve

Tensor = torch.Tensor
Position = tuple[int, ...]

# --- how many paths ------------------------------------------------------------------------------

COUNTING = Way(thin=True, ones=True)
PATHS = Paths(64)


def row_of(first: int, counts: Sequence[Any], size: int) -> list[Any]:
    """Numbers by position of the whole input, zeros around them."""
    return [counts[x - first] if 0 <= x - first < len(counts) else 0 for x in range(size)]


def paths_of(reaches: Reaches, y: int, size: int) -> list[int]:
    """The path counts of one position, on one axis."""
    seen = seen_together(reaches, y, PATHS)
    return [0] * size if seen is None else row_of(seen[0], PATHS.counts(seen), size)


def test_a_gradient_of_ones_is_the_number_of_paths() -> None:
    """Chains and sums of branches; exact, since doubles are below 2^53."""
    rng = random.Random(1)
    compared = joined = 0
    while compared < 5000:
        start = (rng.randint(20, 60),)
        network = random_network(rng, start, COUNTED, ("add", "concat"))
        kept = sorted(interior(network, 0))
        (reaches,), (totals,) = last_sight(network, PATHS), last_sight(network, TOTALS)
        if not kept or any(reach.reason for reach in reaches):
            continue
        found = gradients(network, len(network.layers), [(y,) for y in kept], COUNTING)
        for y, row in zip(kept, found.tolist(), strict=True):
            assert paths_of(reaches, y, len(row)) == row, described(network, y)
            assert (seen_together(totals, y, TOTALS) or 0) == sum(row)
        compared += len(kept)
        joined += any(name_of(layer) in ("add", "concat") for layer in network.layers)
    assert joined > 30


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_of_many_layers_are_exact(seed: int) -> None:
    """Many layers, residual blocks among them: billions of paths to one position."""
    rng = random.Random(seed)
    layers: Items = []
    for index in range(24):
        k, d = rng.choice((2, 3, 4)), rng.choice((1, 2, 3))
        body = {"conv": {"out": 1, "k": k, "d": d, "p": "same"}}
        layers.append({"residual": [body]} if index % 3 == 0 else body)
    network = network_of(layers, [1, 301])
    assert 150 in interior(network, 0)
    (row,) = gradients(network, len(network.layers), [(150,)], COUNTING).tolist()
    (reaches,) = last_sight(network, PATHS)
    assert paths_of(reaches, 150, 301) == row
    assert 1e9 < max(row) < sum(row) < 2**53


@pytest.mark.parametrize("rank", [2, 3])
def test_the_counts_of_a_chain_are_the_products_of_its_axes(rank: int) -> None:
    rng = random.Random(rank)
    compared = 0
    while compared < 600:
        start = tuple(rng.randint(6, (20, 10)[rank - 2]) for _ in range(rank))
        network = random_network(rng, start, COUNTED, (), most=400)
        places = list(product(*(sorted(interior(network, axis)) for axis in range(rank))))
        places = rng.sample(places, min(len(places), 20))
        if not places:
            continue
        found = gradients(network, len(network.layers), places, COUNTING)
        sight = last_sight(network, PATHS)
        for place, numbers in zip(places, found, strict=True):
            each = list(map(paths_of, sight, place, start))
            expected = torch.tensor([prod(of) for of in product(*each)], dtype=torch.double)
            assert torch.equal(numbers.flatten(), expected), described(network, place)
        compared += len(places)


def test_a_gradient_of_means_is_the_share_of_each_position() -> None:
    rng = random.Random(1)
    compared = 0
    makers = [maker for maker in COUNTED if maker is not stamp]  # that weighs phases unevenly
    while compared < 2000:
        network = random_network(rng, (rng.randint(20, 60),), makers, ("add",))
        kept = sorted(interior(network, 0))
        weights = Weights()
        walk = Walk(network, weights)
        sights = [walk.together(seen)["input"].axes[0] for _, seen in walk.layers()]
        if not kept or any(len(reaches) > 1 or reaches[0].reason for reaches in sights):
            continue
        way = COUNTING._replace(means=True)
        found = gradients(network, len(network.layers), [(y,) for y in kept], way)
        for y, row in zip(kept, found.tolist(), strict=True):
            seen = seen_together(sights[-1], y, weights)
            assert seen is not None
            assert row_of(*seen, len(row)) == pytest.approx(row, rel=1e-12, abs=1e-14)
        compared += len(kept)


# --- published networks --------------------------------------------------------------------------

SHIPPED: Mapping[str, Mapping[str, Any]] = {
    "resnet50": {"inputs": [3, 97, 97]},
    "densenet121": {"inputs": [3, 65, 65]},
    "googlenet": {"inputs": [3, 97, 97]},
    "inception_v3": {"inputs": [3, 107, 107]},
    "mobilenet_v2": {"inputs": [3, 65, 97]},
    "efficientnet_b0": {"inputs": [3, 65, 65]},
    "mixnet_s": {"inputs": [3, 65, 65]},
    "xception": {"inputs": [3, 97, 97]},
    "shufflenet_v2_x1_0": {"inputs": [3, 65, 65]},
    "convnext_tiny": {"inputs": [3, 96, 64]},
    "van_b0": {"inputs": [3, 64, 96]},
    "drn_c_26": {"inputs": [3, 65, 65]},
    "deeplabv3_resnet50_noaux": {"inputs": [3, 65, 65]},
    "resnet_duc_hdc": {"inputs": [3, 64, 64]},
    "fcn8s": {"inputs": [3, 64, 64]},
    "patchgan": {"inputs": [6, 96, 96]},
    "context_module": {"inputs": [21, 70, 70]},
    "unet": {"params": {"size": 64, "base": 8}},
    "wavenet_1024": {"inputs": [256, 1100]},
    "tcn": {},
}


@pytest.mark.parametrize("name", list(SHIPPED))
def test_published_networks_read_what_their_gradients_say(name: str) -> None:
    """At some positions of four tensors from input to output, paths that keep their place."""
    network = read_network(resolve(name), **SHIPPED[name])
    assert not [problem for problem in network.problems if problem.severity == "error"]
    rng = random.Random(name)
    placed = [n for n in range(1, len(network.layers) + 1) if network.shape(n).rank]
    placed = [n for n in placed if last_spatial_tensor(network, n) == n]
    way = Way(thin=True, local=True)
    for number in [placed[len(placed) * part // 4 - 1] for part in (1, 2, 3, 4)]:
        places = places_of(network, number)
        places = rng.sample(places, min(len(places), 8))
        found = patterns(gradients(network, number, places, way), rounded=0)
        for place, expected in zip(places, found, strict=True):
            assert read(network, number, place, bordered=True) == expected, (number, place)


def test_the_original_unet_at_every_phase() -> None:
    """No padding at all: 188 positions per axis at 4 of 16 phases, 204 at the others."""
    network = read_network(resolve("unet_original"), params={"size": 204, "base": 8})
    number = len(network.layers)
    places = [(phase, 5 * phase % 16) for phase in range(16)]
    found = patterns(gradients(network, number, places, Way(thin=True)), rounded=0)
    extents = []
    for place, expected in zip(places, found, strict=True):
        assert read(network, number, place) == expected, place
        assert read(network, number, place, bordered=True) == expected, place
        rows = {row for row, _ in expected}
        extents.append(max(rows) - min(rows) + 1)
    assert Counter(extents) == {188: 4, 204: 12}


# --- where convcalc and PyTorch differ -----------------------------------------------------------


def test_the_gate_of_a_large_kernel_is_multiplied_with_the_input_itself() -> None:
    """With an even number of dilated taps none of them lies on the position itself: of a single
    position only padding is left for the gate."""
    for k, d in ((3, 2), (7, 2)):
        network = network_of([{"large_kernel_attention": {"k": k, "d": d}}], [CHANNELS, 1])
        assert patterns(gradients(network, 1, [(0,)], Way())) == [{(0,)}]
        assert read(network, 1, (0,), bordered=True) == {(0,)}


def test_pytorch_does_not_agree_with_itself_on_a_scale_that_keeps_the_size() -> None:
    """Three positions times 1.25 are three: convcalc copies them. So does PyTorch by linear
    interpolation, and by nearest on two axes, but not on one, and never by cubic."""
    x = torch.arange(3, dtype=torch.double)[None, None]
    flat = functional.interpolate(x, scale_factor=1.25, mode="nearest")
    assert flat.flatten().tolist() == [0, 0, 1]
    assert torch.equal(functional.interpolate(x, scale_factor=1.25, mode="linear"), x)
    x = x[..., None].expand(1, 1, 3, 3)
    assert torch.equal(functional.interpolate(x, scale_factor=1.25, mode="nearest"), x)
    assert not torch.allclose(functional.interpolate(x, scale_factor=1.25, mode="bicubic"), x)
