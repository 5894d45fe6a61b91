"""U-Net beside milesial/Pytorch-UNet, and the original with valid convolutions.

Where halving rounds, the code pads the upsampled map to the skip's size, so that the output is as
large as the input; the original crops the skips.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names

WIDTHS = (64, 128, 256, 512, 1024)


class Unet(nn.Module):
    """unet_model.py and unet_parts.py with bilinear=False; ``valid``: the paper's figure 1."""

    def __init__(self, channels: int, classes: int, valid: bool) -> None:
        super().__init__()
        self.valid = valid
        pairs = zip((channels, *WIDTHS), WIDTHS, strict=False)
        self.downs = nn.ModuleList(self.double(c, out) for c, out in pairs)
        backwards = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(c, out, 2, 2) for c, out in backwards)
        self.joined = nn.ModuleList(self.double(c, out) for c, out in backwards)
        self.head = nn.Conv2d(WIDTHS[0], classes, 1)

    def double(self, c: int, out: int) -> nn.Module:
        parts: list[nn.Module] = []
        for before in (c, out):
            parts.append(nn.Conv2d(before, out, 3, padding=int(not self.valid), bias=self.valid))
            parts += [] if self.valid else [nn.BatchNorm2d(out)]
        return nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level, down in enumerate(self.downs):
            x = down(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for skip, up, double in zip(skips[-2::-1], self.ups, self.joined, strict=True):
            x = up(x)
            rows, columns = (skip.shape[axis] - x.shape[axis] for axis in (2, 3))
            sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            kept = functional.pad(skip, [-side for side in sides]) if self.valid else skip
            x = x if self.valid else functional.pad(x, sides)
            x = double(torch.cat([kept, x], 1))
        return self.head(x)


def both(name: str, size: tuple[int, int]) -> tuple[list[object], list[object]]:
    """Output, products and parameters, here and there."""
    channels, classes, valid = {"unet": (3, 1, False), "unet_original": (1, 2, True)}[name]
    report = analyse(read_network(shipped_names()[name], inputs=(channels, *size)))
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        model = Unet(channels, classes, valid).eval()
        output = model(torch.empty(1, channels, *size))
    (shape,) = report.outputs.values()
    weights = [shape for x in report.layers for shape in x.weights.values()]
    ours = [shape.dims, report.totals.flops, sorted(weights)]
    theirs = [tuple(p.shape) for p in model.parameters()]
    return ours, [tuple(output.shape), counter.get_total_flops(), sorted(theirs)]


SIZES = [(256, 256), (572, 572), (99, 99), (203, 331), (239, 160), (17, 31)]


@pytest.mark.parametrize("size", SIZES)
def test_the_padded_one_is_as_large_as_its_input(size: tuple[int, int]) -> None:
    ours, theirs = both("unet", size)
    assert ours == theirs
    assert ours[0] == (1, 1, *size)


@pytest.mark.parametrize("size", [(572, 572), (203, 331), (239, 300)])
def test_the_original_crops_its_skips(size: tuple[int, int]) -> None:
    ours, theirs = both("unet_original", size)
    assert ours == theirs
