"""The shipped networks that torchvision has too, module by module and product by product.

Classifiers and segmentation networks; the latter with the auxiliary head with which torchvision
publishes them, and as ``…_noaux`` without it.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache
from math import prod
from typing import Any

import pytest
import torch
from sized import Size, at_sizes, report
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.operators.contract import WEIGHTS


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
WITHOUT_HEADS = {"aux_logits": False, "init_weights": False}
OPTIONS: dict[str, dict[str, Any]] = {"googlenet": WITHOUT_HEADS, "inception_v3": WITHOUT_HEADS}
for segmentation in MODELS.list_models(MODELS.segmentation):
    own = {"weights_backbone": None}
    if segmentation.startswith("lraspp"):
        OPTIONS[segmentation] = own
    else:
        OPTIONS[segmentation] = {**own, "aux_loss": True}
        OPTIONS[f"{segmentation}_noaux"] = {**own, "aux_loss": False}

# RegNet's builder computes widths with tensors, which must hold numbers.
WIDTH_RULE = MODELS.regnet.BlockParams.from_init_params


def with_numbers(*args: Any, **kwargs: Any) -> Any:
    with torch.device("cpu"):
        return WIDTH_RULE(*args, **kwargs)


MODELS.regnet.BlockParams.from_init_params = with_numbers

SHARED = sorted(set(shipped_names()) & {*MODELS.list_models(MODELS), *OPTIONS})
# Attention calls functions with its weights, so that no module is seen at work; it stores which
# pairs have which offset; and positions that are learned stand the other way round there.
ATTENDING = [name for name in SHARED if name.startswith(("vit_", "swin_", "maxvit_"))]
OF_MODULES = sorted(set(SHARED) - set(ATTENDING))
# Their learned positions are those of one size.
OF_ANY_SIZE = [name for name in SHARED if not name.startswith(("vit_", "maxvit_"))]
OF_ONE_SIZE = sorted(set(SHARED) - set(OF_ANY_SIZE))
VIDEO = sorted(set(shipped_names()) & set(MODELS.list_models(MODELS.video)))


@cache
def model(name: str) -> nn.Module:
    """torchvision's network without memory for its weights."""
    with torch.device("meta"):
        theirs = name.removesuffix("_noaux")
        return MODELS.get_model(theirs, weights=None, **OPTIONS.get(name, {})).eval()


def test_there_are_networks_to_compare() -> None:
    assert len(SHARED) >= 30
    assert set(OPTIONS) < set(SHARED)


def trimmed(*shape: int) -> tuple[int, ...]:
    """Without the sizes 1 at the end: ConvNeXt has linear layers for 1x1 convolutions."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


@pytest.mark.parametrize("name", [*OF_MODULES, *VIDEO])
def test_a_network_has_torchvisions_parameters_tensor_by_tensor(name: str) -> None:
    theirs = sorted(trimmed(*p.shape) for p in model(name).parameters())
    layers = [x for x in report(name).layers if not x.shares]
    shapes = [trimmed(*shape) for x in layers for shape in x.weights.values()]
    assert sorted(shapes) == theirs
    assert report(name).totals.params == sum(p.numel() for p in model(name).parameters())


@pytest.mark.parametrize("name", ATTENDING)
def test_a_network_of_attention_has_tensors_as_large_as_torchvisions(name: str) -> None:
    theirs = sorted(p.numel() for p in model(name).parameters())
    layers = [x for x in report(name).layers if not x.shares]
    assert sorted(prod(shape) for x in layers for shape in x.weights.values()) == theirs


@pytest.mark.parametrize("name", [*OF_MODULES, *VIDEO])
def test_a_network_has_torchvisions_running_statistics(name: str) -> None:
    counts = {key: b.numel() for key, b in model(name).named_buffers()}
    stored = sum(n for key, n in counts.items() if not key.endswith("num_batches_tracked"))
    assert report(name).totals.buffers == stored


@at_sizes(OF_ANY_SIZE)
def test_a_network_multiplies_as_often_as_torchvisions(name: str, size: Size) -> None:
    compare(name, size)


@pytest.mark.parametrize("name", OF_ONE_SIZE)
def test_a_network_of_one_size_multiplies_as_often_as_torchvisions(name: str) -> None:
    compare(name, None)


@at_sizes(VIDEO, [(9, 75, 101), (11, 64, 90)])
def test_a_network_for_video_multiplies_as_often_as_torchvisions(name: str, size: Size) -> None:
    compare(name, size)


def compare(name: str, size: Size) -> None:
    (x,) = report(name, size).inputs.values()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(name)(torch.empty(x.dims, device="meta"))
    if isinstance(output, dict):  # of segmentation; the scores of an auxiliary head are beside
        output = output["out"]
    ours = report(name, size)
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(output.shape)] == [shape.dims for shape in ours.outputs.values()]


@pytest.mark.parametrize("name", [*OF_MODULES, *VIDEO])
def test_a_network_multiplies_as_often_layer_by_layer(name: str) -> None:
    (x,) = report(name).inputs.values()
    assert sorted(ours(report(name))) == sorted(theirs(model(name), x.dims))


def ours(result: Report) -> list[int]:
    """The products of every convolution and linear layer, also within composites."""
    terms = (term for layer in result.layers for term in layer.terms)
    return [term.amount for term in terms if term.kind == WEIGHTS and term.amount]


def theirs(network: nn.Module, dims: tuple[int, ...]) -> list[int]:
    """The same by the shapes that PyTorch's layers meet while they run."""
    found = []

    def count(layer: nn.Module, _: Any, output: torch.Tensor) -> None:
        found.append(output.numel() * layer.weight[0].numel())

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        network(torch.empty(dims, device="meta"))
    for hook in hooks:
        hook.remove()
    return found


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
