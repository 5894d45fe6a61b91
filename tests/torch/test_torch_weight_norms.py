"""Weights that are normalised before they multiply, against PyTorch's parametrizations and timm."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from against import Case, agreed
from deformable import torchvision_ops
from torch import nn
from torch.nn.utils import parametrizations

NORMS: dict[str, Any] = {
    "weight": parametrizations.weight_norm,
    "spectral": parametrizations.spectral_norm,
}
NAMES = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight",
    "parametrizations.weight.original": "weight",
    "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v",
}
KINDS: dict[str, tuple[Any, ...]] = {
    "conv": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    "conv_transpose": (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
}


class Named(nn.Module):
    """A normalised layer, its tensors by the names that they have here."""

    def __init__(self, made: nn.Module, norm: str) -> None:
        super().__init__()
        NORMS[norm](made)
        self.made = [made]
        for name, weight in made.named_parameters():
            self.register_parameter(NAMES.get(name, name), nn.Parameter(weight.data))
        for name, buffer in made.named_buffers():
            self.register_buffer(NAMES[name], buffer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (made,) = self.made
        found: torch.Tensor = made(x)
        return found


def cases(norm: str) -> Iterator[Case]:
    for out, c, g, bias, rank in product((2, 4), (2, 6), (1, 2), (True, False), (1, 2, 3)):
        size = ((2, c, *[5] * rank),)
        fields = {"kernel_size": 3, "groups": g, "bias": bias}
        for name, kinds in KINDS.items():
            yield Case(
                name,
                {**fields, "out": out, "weight_norm": norm},
                size,
                lambda k=kinds[rank - 1], a=(c, out), f=fields: Named(k(*a, **f), norm),
            )
    for out, c, bias in product((1, 5), (1, 7), (True, False)):
        yield Case(
            "linear",
            {"out": out, "bias": bias, "weight_norm": norm},
            ((2, c),),
            lambda a=(c, out, bias): Named(nn.Linear(*a), norm),
        )


@pytest.mark.parametrize("norm", NORMS)
def test_normalised_weights_are_stored_as_by_pytorch(norm: str) -> None:
    agreed(cases(norm), working=100)


@pytest.mark.parametrize(
    ("norm", "name"), [("standard", "StdConv2d"), ("scaled", "ScaledStdConv2d")]
)
def test_standardised_weights_are_stored_as_by_timm(norm: str, name: str) -> None:
    torchvision_ops()  # which timm imports too
    layers = pytest.importorskip("timm.layers")

    def standardised() -> Iterator[Case]:
        for out, c, g, bias in product((2, 4), (2, 6), (1, 2), (True, False)):
            fields = {"kernel_size": 3, "groups": g, "bias": bias}
            yield Case(
                "conv",
                {**fields, "out": out, "weight_norm": norm},
                ((2, c, 5, 5),),
                lambda a=(c, out), f=fields: getattr(layers, name)(*a, **f, padding=0),
            )

    agreed(standardised(), working=16)
