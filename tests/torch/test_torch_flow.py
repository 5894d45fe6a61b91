"""Optical flow: torchvision's RAFT, parameters tensor by tensor, and work at several sizes."""

from __future__ import annotations

from functools import cache
from math import prod

import pytest
import torch
from sized import Size, at_sizes, report
from test_torch_networks import MODELS
from test_torch_segmentation import trimmed
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names

NETWORKS = ("raft_large", "raft_small")
LEVELS = range(4)


@cache
def model(name: str) -> nn.Module:
    with torch.device("meta"):
        return MODELS.get_model(name, weights=None).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_torchvisions_parameters_tensor_by_tensor(name: str) -> None:
    theirs = sorted(trimmed(p.shape) for p in model(name).parameters())
    layers = [layer for layer in report(name).layers if not layer.shares]
    assert sorted(trimmed(s) for layer in layers for s in layer.weights.values()) == theirs
    assert report(name).totals.params == sum(map(prod, theirs))
    stored = [b.numel() for k, b in model(name).named_buffers() if not k.endswith("tracked")]
    assert report(name).totals.buffers == sum(stored)


@at_sizes(NETWORKS, [(128, 192), (184, 136)])
def test_a_network_multiplies_as_often_as_torchvisions(name: str, size: Size) -> None:
    ours = report(name, size)
    images = [torch.empty(x.dims, device="meta") for x in ours.inputs.values()]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        flow = model(name)(*images)[-1]
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(flow.shape)] == [shape.dims for shape in ours.outputs.values()]


@pytest.mark.parametrize(("name", "updates"), [("raft_large", 3), ("raft_small", 20)])
def test_more_updates_multiply_more_with_the_same_weights(name: str, updates: int) -> None:
    target = shipped_names()[name]
    ours = analyse(
        read_network(
            target,
            params={"updates": updates},
            inputs={"left": (3, 128, 128), "right": (3, 128, 128)},
        )
    )
    images = [torch.empty(1, 3, 128, 128, device="meta")] * 2
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(name)(*images, num_flow_updates=updates)
    assert counter.get_total_flops() == ours.totals.flops
    assert ours.totals.params == report(name).totals.params


@pytest.mark.parametrize(("name", "gflops"), [("raft_large", 211.007), ("raft_small", 47.655)])
def test_torchvisions_published_gflops_are_macs_of_a_smaller_image(
    name: str, gflops: float
) -> None:
    published = MODELS.get_model_weights(name).DEFAULT.meta["_ops"]
    assert published == gflops == round(report(name, (512, 512)).totals.macs / 1e9, 3)


@pytest.mark.parametrize(("name", "radius"), [("raft_large", 4), ("raft_small", 3)])
def test_each_level_is_sampled_once_per_place_of_each_window(name: str, radius: int) -> None:
    looked = [x for x in report(name, (128, 192)).layers if x.operator == "grid_sample"]
    places = 16 * 24 * (2 * radius + 1) ** 2
    assert [x.counts["sampling"] for x in looked] == [4 * places] * 12 * len(LEVELS)
