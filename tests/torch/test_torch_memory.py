"""Memory against eager PyTorch on a processor: which storages live, and which autograd keeps."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from small import network_of_text
from test_torch_networks import MODELS
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import convcalc
from convcalc.analysis.analyse import analyse


class Live(TorchDispatchMode):
    """Follows the storages that are alive, without those of the model; ``peak`` is in bytes."""

    def __init__(self, model: nn.Module, x: torch.Tensor) -> None:
        super().__init__()
        self.stored = stored(model)
        self.alive: dict[int, int] = {}
        self.peak = 0
        self.note(x)

    def note(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self.stored and key not in self.alive:
            self.alive[key] = storage.nbytes()
            weakref.finalize(storage, self.alive.pop, key)
            self.peak = max(self.peak, sum(self.alive.values()))

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self.note(tensor)
        return out


def stored(model: nn.Module) -> set[int]:
    tensors = [*model.parameters(), *model.buffers()]
    return {tensor.untyped_storage()._cdata for tensor in tensors}


def eager_peak(model: nn.Module, x: torch.Tensor) -> int:
    model.eval()
    live = Live(model, x)
    with torch.no_grad(), live:
        model(x)
    return live.peak


def kept_bytes(model: nn.Module, x: torch.Tensor) -> int:
    """Bytes of the storages that autograd saves, without those of the model."""
    model.train()
    own, seen = stored(model), {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            seen[storage._cdata] = storage  # holds it, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = model(x)
    del output
    return sum(storage.nbytes() for storage in seen.values())


NETWORKS = ["resnet18", "resnet50", "resnext50_32x4d", "mobilenet_v2", "vgg16", "densenet121"]
# torchvision's relu and += write over their input. Its blocks are functions, which hold what they
# read; so are those within a layer of DenseNet, but a convolution with its norm is none in ResNet.
DEPTHS = {"densenet121": 9}


@pytest.mark.torch
@pytest.mark.parametrize("size", [(224, 224), (131, 97)])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_peak_is_that_of_eager_pytorch(name: str, size: tuple[int, int]) -> None:
    model = getattr(MODELS, name)()
    network = convcalc.load(name, inputs=[3, *size], batch=2)
    peak = analyse(
        network, memory=("in-place", f"held-inputs={DEPTHS.get(name, 2)}")
    ).totals.memory.activations_peak
    assert peak == eager_peak(model, torch.zeros(2, 3, *size))


@pytest.mark.torch
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_kept_is_what_autograd_saves(name: str) -> None:
    model = getattr(MODELS, name)()
    network = convcalc.load(name, batch=2)
    for options in (("training", "in-place"), ("training",)):
        for module in model.modules():
            if isinstance(module, nn.ReLU | nn.ReLU6):
                module.inplace = "in-place" in options
        # On a processor the mask of a dropout has four bytes per element, not one.
        masks = sum(
            layer.output.numel for layer in analyse(network).layers if layer.operator == "dropout"
        )
        kept = analyse(network, memory=options).totals.memory.kept + 3 * masks
        assert kept == kept_bytes(model, torch.zeros(2, 3, 224, 224)), options


class Attention(nn.Module):
    """Plain attention of one head, as in the paper."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).chunk(3, 2)
        return (q @ k.mT).softmax(-1) @ v

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.attend(x))


LAYERS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "relu": ("relu", nn.ReLU),
    "leaky_relu": ("leaky_relu", nn.LeakyReLU),
    "elu": ("elu", nn.ELU),
    "silu": ("silu", nn.SiLU),
    "gelu": ("gelu", nn.GELU),
    "hardswish": ("hardswish", nn.Hardswish),
    "sigmoid": ("sigmoid", nn.Sigmoid),
    "tanh": ("tanh", nn.Tanh),
    "softplus": ("softplus", nn.Softplus),
    "softsign": ("softsign", nn.Softsign),
    "prelu": ("prelu", nn.PReLU),
    "glu": ("glu", lambda: nn.GLU(1)),
    "softmax": ("softmax", lambda: nn.Softmax(1)),
    "batch_norm": ("batch_norm", lambda: nn.BatchNorm2d(8)),
    "group_norm": ("{group_norm: {g: 2}}", lambda: nn.GroupNorm(2, 8)),
    "instance_norm": ("instance_norm", lambda: nn.InstanceNorm2d(8)),
    "local_response_norm": (
        "{local_response_norm: {size: 3}}",
        lambda: nn.LocalResponseNorm(3),
    ),
    "max_pool": ("{max_pool: {k: 2}}", lambda: nn.MaxPool2d(2)),
    "avg_pool": ("{avg_pool: {k: 2}}", lambda: nn.AvgPool2d(2)),
    "adaptive_max_pool": ("{adaptive_max_pool: {output_size: 3}}", lambda: nn.AdaptiveMaxPool2d(3)),
    "global_avg_pool": ("{global_avg_pool: {keepdim: true}}", lambda: nn.AdaptiveAvgPool2d(1)),
    "upsample": ("{upsample: {scale: 2}}", lambda: nn.Upsample(scale_factor=2)),
    "pixel_shuffle": ("{pixel_shuffle: {factor: 2}}", lambda: nn.PixelShuffle(2)),
    "conv": ("{conv: {out: 4, k: 3}}", lambda: nn.Conv2d(8, 4, 3)),
    "conv_transpose": ("{conv_transpose: {out: 4, k: 3}}", lambda: nn.ConvTranspose2d(8, 4, 3)),
    "separable_conv": (
        "{separable_conv: {out: 4, k: 3, depth_multiplier: 2}}",
        lambda: nn.Sequential(nn.Conv2d(8, 16, 3, groups=8), nn.Conv2d(16, 4, 1)),
    ),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_keeps_what_autograd_saves(name: str) -> None:
    layer, module = LAYERS[name]
    text = f"input: [8, 12, 12]\nlayers: [{{conv: {{out: 8, k: 1}}}}, {layer}]\n"
    network = network_of_text(text, batch=2)
    model = nn.Sequential(nn.Conv2d(8, 8, 1), module())
    kept = analyse(network, memory=["training"]).totals.memory.kept
    assert kept == kept_bytes(model, torch.zeros(2, 8, 12, 12))


@pytest.mark.torch
def test_plain_attention_has_its_matrix_twice() -> None:
    network = network_of_text("input: [16, 40]\nlayers: [{attention: {heads: 1}}]\n")
    peak = analyse(network, memory=["held-inputs"]).totals.memory.activations_peak
    matrix, tensor = 40 * 40, 16 * 40
    assert peak == eager_peak(Attention(16), torch.zeros(1, 40, 16))
    assert peak == 4 * (2 * matrix + 4 * tensor)
