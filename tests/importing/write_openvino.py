"""Writes the networks of ``tests/importing/data/openvino.tar.xz`` and PyTorch's numbers for them.

By hand, with openvino, torch and torchvision: ``python tests/importing/write_openvino.py``. Only
the ``.xml`` files are kept.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

import openvino
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

DATA = Path(__file__).parent / "data"
NAMES = (
    "resnet18 mobilenet_v2 squeezenet1_1 mobilenet_v3_small densenet121 shufflenet_v2_x1_0 "
    "efficientnet_b0 convnext_tiny googlenet regnet_x_400mf"
)
TITLE = """\
# Networks that OpenVINO {version} converted into openvino.tar.xz, and torch's numbers. MACs
# are half of FlopCounterMode's FLOPs. The normalised channels are those of batch norms, which the
# conversion folds into convolutions: a weight and a bias of a norm become a bias.
"""


class UNet(nn.Module):
    """Both transposed convolutions, an interpolation, and norms that cannot be folded."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.b = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.LeakyReLU(0.1))
        self.u = nn.ConvTranspose2d(16, 8, 2, 2)
        self.v = nn.Upsample(scale_factor=2, mode="bilinear")
        self.c = nn.Conv2d(24, 4, 1)
        self.p = nn.ConvTranspose2d(4, 4, 3, 2, 1, 1, groups=2)
        self.d, self.e, self.g = nn.AvgPool2d(3, 2, 1), nn.PReLU(4), nn.GroupNorm(2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The output for an image."""
        b = self.b(self.a(x))
        return self.g(self.e(self.d(self.p(self.c(torch.cat([self.u(b), self.v(b)], 1))))))


def main() -> None:
    """Write the archive and the numbers."""
    lines = [TITLE.format(version=openvino.__version__.partition("-")[0])]
    with (
        tempfile.TemporaryDirectory() as folder,
        tarfile.open(DATA / "openvino.tar.xz", "w:xz", preset=9) as archive,
    ):
        for name in ("unet", *NAMES.split()):
            size = 64 if name == "unet" else 224
            model = UNet() if name == "unet" else getattr(torchvision.models, name)(weights=None)
            if name == "googlenet":
                model.aux_logits, model.aux1, model.aux2 = False, None, None
            path = Path(folder) / f"{name}.xml"
            lines.append(f"{name}: {written(model.eval(), size, path)}\n")
            archive.add(path, path.name)
    (DATA / "openvino.yaml").write_text("".join(lines), encoding="utf-8")


def written(model: nn.Module, size: int, path: Path) -> str:
    """Write a network without weights; its numbers."""
    x = torch.zeros(1, 3, size, size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(x)
    for weight in model.parameters():  # zeros would be left out
        nn.init.normal_(weight)
    converted = openvino.convert_model(model, example_input=x, input=[1, 3, size, size])
    openvino.save_model(converted, path, compress_to_fp16=False)
    norms = [each.num_features for each in model.modules() if isinstance(each, nn.BatchNorm2d)]
    params = sum(weight.numel() for weight in model.parameters())
    macs = counter.get_total_flops() // 2
    return f"{{params: {params}, normalised: {sum(norms)}, macs: {macs}}}"


if __name__ == "__main__":
    main()
