"""Shipped networks that torchvision lacks, beside the layouts of their authors' code.

Written from the code that the specs name as their source, on the meta device. Two departures,
which the specs' notes state too: weight norm is folded into the weights, and a causal
convolution pads its past alone, where the official code pads both ends and cuts one off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sized
import torch
from sized import Size, at_sizes
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode


class Condense(nn.Module):
    """ShichenLiu/CondenseNet, models/condensenet_converted.py; whole convolutions in training."""

    def __init__(
        self,
        depths: list[int],
        growth: list[int],
        groups: int = 4,
        *,
        classes: int = 1000,
        training: bool = False,
    ) -> None:
        super().__init__()
        c = 2 * growth[0]
        self.stem = nn.Conv2d(3, c, 3, 2 if classes == 1000 else 1, 1, bias=False)
        self.blocks = nn.ModuleList()
        for n, k in zip(depths, growth, strict=True):
            widths = range(c, c + n * k, k)
            first = 1 if training else groups
            parts = [(normed(w, 4 * k, 1, first), normed(4 * k, k, 3, groups)) for w in widths]
            self.blocks.append(nn.ModuleList(nn.Sequential(*part) for part in parts))
            c += n * k
        self.norm = nn.BatchNorm2d(c)
        self.classifier = nn.Linear(c if training else c // 2, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for number, block in enumerate(self.blocks):
            x = functional.avg_pool2d(x, 2) if number else x
            for layer in block:  # type: ignore[attr-defined]
                x = torch.cat([x, layer(x)], 1)
        x = self.norm(x).relu().mean((2, 3))
        return self.classifier(x[:, : self.classifier.in_features])


def normed(c: int, out: int, k: int, groups: int) -> nn.Module:
    conv = nn.Conv2d(c, out, k, padding=k // 2, groups=groups, bias=False)
    return nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), conv)


def cifar(n: int, first: int = 8) -> nn.Module:
    return Condense([n] * 3, [first, 2 * first, 4 * first], classes=10)


def patchgan(layers: int, channels: int = 6, instance: bool = False) -> nn.Module:
    """junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py, NLayerDiscriminator."""
    norm: Any = nn.InstanceNorm2d if instance else nn.BatchNorm2d
    parts = [nn.Conv2d(channels, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    c = 64
    for n in range(1, layers + 1):
        out = 64 * min(2**n, 8)
        parts += [nn.Conv2d(c, out, 4, 2 if n < layers else 1, 1, bias=instance), norm(out)]
        c = out
    return nn.Sequential(*parts, nn.Conv2d(c, 1, 4, 1, 1))


def pixelgan() -> nn.Module:
    """The same, PixelDiscriminator."""
    middle = nn.Conv2d(64, 128, 1, bias=False)
    last = nn.Conv2d(128, 1, 1, bias=False)
    return nn.Sequential(nn.Conv2d(6, 64, 1), middle, nn.BatchNorm2d(128), last)


class Causal(nn.Conv1d):
    def forward(self, x: Tensor) -> Tensor:
        past = (self.kernel_size[0] - 1) * self.dilation[0]
        return super().forward(functional.pad(x, (past, 0)))


class Temporal(nn.Module):
    """locuslab/TCN, TCN/tcn.py, and the linear layer of the tasks' models."""

    def __init__(
        self, c: int, widths: list[int], k: int, out: int, *, at: slice = slice(None)
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for i, width in enumerate(widths):
            convs = Causal(c, width, k, dilation=2**i), Causal(width, width, k, dilation=2**i)
            side = nn.Conv1d(c, width, 1) if c != width else nn.Identity()
            self.blocks.append(nn.ModuleList([nn.Sequential(*convs), side]))
            c = width
        self.linear, self.at = nn.Linear(c, out), at

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            body, side = block  # type: ignore[misc]
            x = body(x) + side(x)
        return self.linear(x[:, :, self.at].transpose(1, 2)).transpose(1, 2)


LAST = slice(-1, None)


class Wave(nn.Module):
    """ibab/tensorflow-wavenet, wavenet/model.py; with ``mel``, r9y9's WaveNet."""

    def __init__(
        self,
        levels: int,
        out: int,
        dilations: list[int],
        k: int,
        widths: tuple[int, int, int],
        *,
        first: dict[str, Any],
        mel: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        width, gate, skip = widths
        self.first = Causal(levels, width, **first)
        self.layers = nn.ModuleList()
        for d in dilations:
            own, given = Causal(width, 2 * gate, k, dilation=d), nn.Identity()
            parts = [own, nn.Conv1d(gate, width, 1), nn.Conv1d(gate, skip, 1)]
            parts.append(nn.Conv1d(80, 2 * gate, 1, **mel) if mel is not None else given)
            self.layers.append(nn.ModuleList(parts))
        self.last = nn.Sequential(nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, out, 1))

    def forward(self, x: Tensor, mel: Tensor | None = None) -> Tensor:
        x = self.first(x)
        total = torch.zeros((), device=x.device)
        for layer in self.layers:
            own, out, skip, given = layer  # type: ignore[misc]
            tanh, sigmoid = (own(x) if mel is None else own(x) + given(mel)).chunk(2, 1)
            gated = tanh.tanh() * sigmoid.sigmoid()
            x, total = x + out(gated), total + skip(gated)
        return self.last(total)


def dilations(cycle: int, times: int) -> list[int]:
    return [2**i for i in range(cycle)] * times


class Deformed(nn.Module):
    """The convolutions of a deformable 3x3: offsets, output, and as many products as taps weigh."""

    def __init__(self, c: int, s: int, groups: int, version: int, deform_groups: int) -> None:
        super().__init__()
        self.main = nn.Conv2d(c, c, 3, s, 1, groups=groups, bias=False)
        self.offset = nn.Conv2d(c, (1 + version) * 9 * deform_groups, 3, s, 1)
        self.version = version

    def forward(self, x: Tensor) -> Tensor:
        y, maps = self.main(x), self.offset(x)
        if self.version == 2:  # a matrix product of one column
            torch.mm(
                maps.new_empty(y[0, 0].numel(), 9 * x.shape[1]), maps.new_empty(9 * x.shape[1], 1)
            )
        return y


class Bottleneck(nn.Module):
    """torchvision's block, stride in the 3x3."""

    def __init__(self, c: int, inner: int, out: int, s: int, middle: nn.Module) -> None:
        super().__init__()
        wide, narrow = nn.Conv2d(c, inner, 1, bias=False), nn.Conv2d(inner, out, 1, bias=False)
        parts = [wide, nn.BatchNorm2d(inner), middle, nn.BatchNorm2d(inner), narrow]
        self.body = nn.Sequential(*parts, nn.BatchNorm2d(out))
        side = [nn.Conv2d(c, out, 1, s, bias=False), nn.BatchNorm2d(out)] if c != out else []
        self.side = nn.Sequential(*side)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.side(x)


def deformed(
    depths: list[int], version: int, deform_groups: int = 1, *, groups: int = 1, wide: int = 1
) -> nn.Module:
    """mmdetection's ResNet with stage_with_dcn (False, True, True, True), and a classifier."""
    parts: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)]
    parts.append(nn.MaxPool2d(3, 2, 1))
    c = 64
    for stage, n in enumerate(depths):
        out = 256 * 2**stage
        for i in range(n):
            inner, s = out // 4 * wide, 2 if stage and i == 0 else 1
            middle: nn.Module = nn.Conv2d(inner, inner, 3, s, 1, groups=groups, bias=False)
            if stage:
                middle = Deformed(inner, s, groups, version, deform_groups)
            parts.append(Bottleneck(c, inner, out, s, middle))
            c = out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 1000))


IMAGENET = ([4, 6, 8, 10, 8], [8, 16, 32, 64, 128])
R50, R101 = [3, 4, 6, 3], [3, 4, 23, 3]
ONE, NO_BIAS = {"kernel_size": 1}, {"bias": False}
TWO = {"kernel_size": 2, **NO_BIAS}
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "condensenet_74_g4": lambda: Condense(*IMAGENET),
    "condensenet_74_g8": lambda: Condense(*IMAGENET, 8),
    "condensenet_74_g4_training": lambda: Condense(*IMAGENET, training=True),
    "condensenet_50_cifar": lambda: cifar(8),
    "condensenet_74_cifar": lambda: cifar(12),
    "condensenet_86_cifar": lambda: cifar(14),
    "condensenet_98_cifar": lambda: cifar(16),
    "condensenet_110_cifar": lambda: cifar(18),
    "condensenet_122_cifar": lambda: cifar(20),
    "condensenet_182_cifar": lambda: cifar(30, 12),
    "patchgan": lambda: patchgan(3),
    "patchgan_16": lambda: patchgan(1),
    "patchgan_34": lambda: patchgan(2),
    "patchgan_142": lambda: patchgan(4),
    "patchgan_286": lambda: patchgan(5),
    "patchgan_cyclegan": lambda: patchgan(3, channels=3, instance=True),
    "pixelgan": pixelgan,
    "tcn": lambda: Temporal(1, [25] * 8, 7, 10, at=LAST),
    "tcn_mnist_k6": lambda: Temporal(1, [20] * 8, 6, 10, at=LAST),
    "tcn_adding_200": lambda: Temporal(2, [27] * 7, 6, 1, at=LAST),
    "tcn_adding_400": lambda: Temporal(2, [27] * 7, 7, 1, at=LAST),
    "tcn_adding_600": lambda: Temporal(2, [24] * 8, 8, 1, at=LAST),
    "tcn_copy_500": lambda: Temporal(1, [10] * 9, 6, 10),
    "tcn_copy_1000": lambda: Temporal(1, [10] * 8, 8, 10),
    "tcn_copy_2000": lambda: Temporal(1, [10] * 9, 8, 10),
    "tcn_jsb": lambda: Temporal(88, [150] * 2, 3, 88),
    "tcn_nottingham": lambda: Temporal(88, [150] * 4, 6, 88),
    "tcn_ptb_word": lambda: Temporal(600, [600] * 4, 3, 10000),
    "tcn_ptb_char": lambda: Temporal(100, [450] * 2 + [100], 3, 50),
    "tcn_text8": lambda: Temporal(100, [520] * 4 + [100], 2, 27),
    "wavenet": lambda: Wave(256, 256, dilations(10, 5), 2, (32, 32, 512), first=TWO),
    "wavenet_1024": lambda: Wave(256, 256, dilations(10, 1), 2, (32, 32, 512), first=ONE | NO_BIAS),
    "wavenet_mulaw256": lambda: Wave(
        256, 256, dilations(10, 3), 3, (512, 256, 256), first=ONE, mel={}
    ),
    "wavenet_mol": lambda: Wave(1, 30, dilations(6, 4), 3, (512, 256, 256), first=ONE, mel={}),
    "wavenet_ttslearn": lambda: Wave(
        256, 256, dilations(10, 3), 2, (64, 64, 64), first=ONE, mel=NO_BIAS
    ),
    "resnet50_dcn_v1": lambda: deformed(R50, 1),
    "resnet101_dcn_v1": lambda: deformed(R101, 1),
    "resnext101_32x4d_dcn_v1": lambda: deformed(R101, 1, groups=32, wide=2),
    "resnet50_dcn_v2": lambda: deformed(R50, 2),
    "resnet50_dcn_v2_group4": lambda: deformed(R50, 2, 4),
    "resnet101_dcn_v2": lambda: deformed(R101, 2),
}


@at_sizes(NETWORKS)
def test_a_network_is_the_one_of_its_authors(name: str, size: Size) -> None:
    report = sized.report(name, size)
    with torch.device("meta"):
        theirs = NETWORKS[name]().eval()
        inputs = [torch.empty(x.dims) for x in report.inputs.values()]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = theirs(*inputs)
    assert [tuple(output.shape)] == [shape.dims for shape in report.outputs.values()]
    assert sum(p.numel() for p in theirs.parameters()) == report.totals.params
    assert counter.get_total_flops() == report.totals.flops
