"""Networks that PyTorch exports, as a ``.pt2`` file and through a target that builds them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from test_torch_networks import MODELS
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.importing.addressing import target_at
from convcalc.importing.building import VARIABLE
from convcalc.importing.opening import read_target
from convcalc.language.sources.target import TargetError

assert MODELS  # torchvision is imported in a way that works with any PyTorch; timm imports it too


def numbers(model: nn.Module, *inputs: torch.Tensor) -> tuple[int, int, int]:
    """Parameters, buffers without num_batches_tracked, and MACs, attention by products."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
        model(*inputs)
    params = sum(each.numel() for each in model.parameters())
    buffers = sum(
        each.numel() for name, each in model.named_buffers() if "num_batches_tracked" not in name
    )
    return params, buffers, counter.get_total_flops() // 2


def counted(target: str, **more: Any) -> tuple[Any, Any, Any]:
    """The same of a target."""
    found = read_target(target_at(target), **more)
    assert not found.problems
    totals = analyse(found).totals
    return totals.params, totals.buffers, totals.macs


class Shared(nn.Module):
    """A convolution that runs twice, a tied pair, a filter in a buffer, a part that is written."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.twice = nn.Conv2d(width, width, 3, padding=1)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.second.weight = self.first.weight
        self.second.bias = self.first.bias
        self.register_buffer("blur", torch.ones(width, 1, 3, 3) / 9)
        self.alone = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Every part once, or twice."""
        x = self.twice(self.twice(self.stem(x)).relu_()) * self.alone
        x = nn.functional.conv2d(x, self.blur, padding=1, groups=x.shape[1])
        x[:, :2] += 1
        x = torch.roll(x, (1, -1), (2, 3))
        x = self.second(self.first(x.permute(0, 2, 3, 1)))
        return torch.einsum("bhwc,bhwd->bcd", x, x)


def test_what_is_shared_is_counted_once(tmp_path: Path) -> None:
    model, x = Shared().eval(), torch.zeros(1, 3, 12, 10)
    path = tmp_path / "m.pt2"
    torch.export.save(torch.export.export(model, (x,)), path)
    assert counted(str(path)) == numbers(model, x)


def test_a_program_of_any_height_keeps_it(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3, 2), nn.Flatten(2))
    height = torch.export.Dim("height", min=8, max=512)
    program = torch.export.export(
        model, (torch.zeros(1, 3, 64, 64),), dynamic_shapes=({2: height},)
    )
    path = tmp_path / "m.pt2"
    torch.export.save(program, path)
    wanted = numbers(model, torch.zeros(1, 3, 96, 64))
    assert counted(str(path), inputs=[3, 96, 64]) == wanted


NETWORKS = (
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:swin_t",
    "timm:convnextv2_atto",
    "timm:levit_128s",
)


def built(target: str) -> tuple[nn.Module, list[int]]:
    """The module that a target names, and its size."""
    scheme, _, name = target.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if scheme == "torchvision":
            import torchvision

            return torchvision.models.get_model(name, weights=None), [3, 224, 224]
        timm = pytest.importorskip("timm", reason="timm is not installed; see CONTRIBUTING.md")
        model = timm.create_model(name)
        return model, list(model.default_cfg["input_size"])


@pytest.mark.parametrize("target", NETWORKS)
def test_a_target_that_is_built_has_the_numbers_of_the_module(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, sys.executable)
    model, size = built(target)
    params, _, macs = numbers(model.eval(), torch.zeros(1, *size))
    found = counted(target)
    assert (found[0], found[2]) == (params, macs)


def test_a_class_of_ones_own_is_built_at_the_size_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from torch import nn\n\ndef net(width=4):\n    print('hello')\n"
    code += "    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU())\n"
    (tmp_path / "my_nets.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, sys.executable)
    found = counted("torch:my_nets:net(width=6)", inputs=[3, 10, 12])
    assert found == (6 * 28 + 12 - 6 + 6, 12, 27 * 6 * 8 * 10)


def test_an_error_of_ones_own_code_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from torch import nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
    code += "        return x.widen()\n"
    (tmp_path / "my_broken.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, sys.executable)
    with pytest.raises(
        TargetError, match=r"torch:my_broken:Net cannot be exported .*widen"
    ) as caught:
        read_target(target_at("torch:my_broken:Net"))
    assert caught.value.help.endswith("my_broken.py:5")
