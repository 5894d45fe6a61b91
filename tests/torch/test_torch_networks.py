"""The shipped networks that torchvision has too, module by module and product by product."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis import analyse
from convcalc.library import shipped_names
from convcalc.network import read_network
from convcalc.report import Report


def torchvision_models() -> Any:
    """torchvision's models, also where its compiled operators do not fit this PyTorch.

    Then two operators must be declared for the import to succeed; no classifier uses them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from torchvision import models
        except RuntimeError:
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
            for name in ("nms", "qnms"):
                LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            from torchvision import models
    return models


LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
MODELS = torchvision_models()

# How torchvision's builder is asked for the network that ships, where its default is another.
OPTIONS: dict[str, dict[str, Any]] = {}

SHARED = sorted(set(shipped_names()) & set(MODELS.list_models()))


@cache
def model(name: str) -> nn.Module:
    """torchvision's network without memory for its weights."""
    with torch.device("meta"):
        return MODELS.get_model(name, weights=None, **OPTIONS.get(name, {})).eval()


@cache
def report(name: str) -> Report:
    return analyse(read_network(shipped_names()[name]))


def test_there_are_networks_to_compare() -> None:
    assert len(SHARED) >= 30


@pytest.mark.parametrize("name", SHARED)
def test_a_network_has_torchvisions_parameters_tensor_by_tensor(name: str) -> None:
    theirs = sorted(tuple(p.shape) for p in model(name).parameters())
    shapes = [shape for x in report(name).layers if not x.shares for shape in x.weights.values()]
    assert sorted(shapes) == theirs
    assert report(name).totals.params == sum(p.numel() for p in model(name).parameters())


@pytest.mark.parametrize("name", SHARED)
def test_a_network_has_torchvisions_running_statistics(name: str) -> None:
    counts = {key: b.numel() for key, b in model(name).named_buffers()}
    stored = sum(n for key, n in counts.items() if not key.endswith("num_batches_tracked"))
    assert report(name).totals.buffers == stored


@pytest.mark.parametrize("name", SHARED)
def test_a_network_multiplies_as_often_as_torchvisions(name: str) -> None:
    (x,) = report(name).inputs.values()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(name)(torch.empty(x.dims, device="meta"))
    assert counter.get_total_flops() == report(name).totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in report(name).outputs.values()]
