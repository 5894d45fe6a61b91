"""DETR, layer by layer, as the definition that the spec names has it.

Norms of the ResNet are constants and are left out: they have no parameters and no FLOPs here.
"""

from __future__ import annotations

from functools import partial
from math import ceil, prod

import pytest
import torch
from sized import at_sizes, report
from test_torch_segmentation import Tape, trimmed
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names

Tensor = torch.Tensor
relu = functional.relu


def bottleneck(tape: Tape, x: Tensor, c: int, s: int, d: int) -> Tensor:
    plain = partial(tape.conv, bias=False)
    y = plain(relu(plain(x, c)), c, 3, s, d, dilation=d)
    y = plain(relu(y), 4 * c)
    return relu(y + (x if x.shape == y.shape else plain(x, 4 * c, s=s)))


def resnet(tape: Tape, x: Tensor, middle: int, dilated: bool) -> Tensor:
    """DC5: the first block of the last stage keeps its dilation of 1."""
    x = functional.max_pool2d(relu(tape.conv(x, 64, 7, 2, 3, bias=False)), 3, 2, 1)
    for c, n, s, d in ((64, 3, 1, 1), (128, 4, 2, 1), (256, middle, 2, 1)):
        for i in range(n):
            x = bottleneck(tape, x, c, 1 if i else s, d)
    for i in range(3):
        s, d = (1, 2 if i else 1) if dilated else (1 if i else 2, 1)
        x = bottleneck(tape, x, 512, s, d)
    return x


def linear(tape: Tape, x: Tensor, out: int) -> Tensor:
    return tape(nn.Linear(x.shape[-1], out), x)


def attention(tape: Tape, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Eight heads of 32 channels; tensors of samples, positions and channels."""
    q, k, v = (linear(tape, x, 256).unflatten(-1, (8, 32)).transpose(1, 2) for x in (q, k, v))
    return linear(tape, ((q @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2), 256)


def norm(tape: Tape, x: Tensor) -> Tensor:
    return tape(nn.LayerNorm(256), x)


def mlp(tape: Tape, x: Tensor) -> Tensor:
    return norm(tape, x + linear(tape, relu(linear(tape, x, 2048)), 256))


def detr(tape: Tape, image: Tensor, place: Tensor, middle: int, dilated: bool) -> list[Tensor]:
    x = tape.conv(resnet(tape, image, middle, dilated), 256).flatten(2).mT
    place = place.flatten(2).mT
    for _ in range(6):
        x = mlp(tape, norm(tape, x + attention(tape, x + place, x + place, x)))
    objects = nn.Embedding(100, 256)
    tape.layers.append(objects)
    asked = objects.weight.expand(len(image), 100, 256)
    y = torch.zeros_like(asked)
    for _ in range(6):
        y = norm(tape, y + attention(tape, y + asked, y + asked, y))
        y = mlp(tape, norm(tape, y + attention(tape, y + asked, x + place, x)))
    y = norm(tape, y)
    boxes = relu(linear(tape, relu(linear(tape, y, 256)), 256))
    return [linear(tape, y, 92), linear(tape, boxes, 4).sigmoid()]


# The repository prints the parameters that are trained; the paper's table 1 has millions.
NETWORKS = {
    "detr_resnet50": (41, 6, False),
    "detr_resnet50_dc5": (41, 6, True),
    "detr_resnet101": (60, 23, False),
    "detr_resnet101_dc5": (60, 23, True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_detr_has_its_published_parameters(name: str) -> None:
    assert report(name).totals.trainable // 10**6 == NETWORKS[name][0]


@at_sizes(NETWORKS, [(200, 330), (192, 256)])
def test_detr_is_that_of_its_authors(name: str, size: tuple[int, int] | None) -> None:
    _, middle, dilated = NETWORKS[name]
    height, width = size or (800, 1066)
    stride = 16 if dilated else 32
    inputs = {
        "image": (3, height, width),
        "place": (256, ceil(height / stride), ceil(width / stride)),
    }
    ours = analyse(read_network(shipped_names()[name], inputs=inputs))
    tape = Tape()
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        image, place = (torch.empty(1, *sizes) for sizes in inputs.values())
        outputs = detr(tape, image, place, middle, dilated)
    theirs = sorted(
        trimmed(p.shape[::-1] if p.shape == (100, 256) else p.shape)
        for p in tape.layers.parameters()
    )
    assert sorted(trimmed(s) for layer in ours.layers for s in layer.weights.values()) == theirs
    assert ours.totals.params == sum(map(prod, theirs))
    assert counter.get_total_flops() == ours.totals.flops
    assert [tuple(x.mT.shape) for x in outputs] == [x.dims for x in ours.outputs.values()]
