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
OPTIONS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
}

# RegNet's builder computes widths with tensors, which must hold numbers.
WIDTH_RULE = MODELS.regnet.BlockParams.from_init_params


def with_numbers(*args: Any, **kwargs: Any) -> Any:
    with torch.device("cpu"):
        return WIDTH_RULE(*args, **kwargs)


MODELS.regnet.BlockParams.from_init_params = with_numbers

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


def trimmed(*shape: int) -> tuple[int, ...]:
    """Without the sizes 1 at the end: ConvNeXt has linear layers for 1x1 convolutions."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


@pytest.mark.parametrize("name", SHARED)
def test_a_network_has_torchvisions_parameters_tensor_by_tensor(name: str) -> None:
    theirs = sorted(trimmed(*p.shape) for p in model(name).parameters())
    layers = [x for x in report(name).layers if not x.shares]
    shapes = [trimmed(*shape) for x in layers for shape in x.weights.values()]
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


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_torchvisions_while_training(name: str) -> None:
    result = analyse(read_network(shipped_names()[f"{name}_aux"], batch=2))
    (x,) = result.inputs.values()
    with torch.device("meta"):
        theirs = MODELS.get_model(name, weights=None, aux_logits=True, init_weights=False).train()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        theirs(torch.empty(x.dims, device="meta"))
    assert counter.get_total_flops() == result.totals.flops
    shapes = [shape for x in result.layers for shape in x.weights.values()]
    assert sorted(shapes) == sorted(tuple(p.shape) for p in theirs.parameters())
