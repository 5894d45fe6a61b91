"""Teams' own configurations, each with one network file beside it that copies no number: that of
Hugging Face's SegFormer, of an mmdetection RetinaNet, and of a U-Net that hydra configures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command import Command
from places import TESTS

CONFIGS = TESTS / "examples" / "configs"


def tower(c: int, depth: int, out: int) -> int:
    return depth * (9 * c * c + c) + 9 * c * out + out


def unet(channels: int, widths: list[int], classes: int) -> int:
    """A U-Net with two 3x3 convolutions a level, each with a bias, and 2x2 transposed ones."""
    pairs = list(zip([channels, *widths], widths, strict=False))
    down = sum(9 * a * b + b + 9 * b * b + b for a, b in pairs)
    up = sum(4 * b * a + a + 9 * 2 * a * a + a + 9 * a * a + a for a, b in pairs[1:])
    return down + up + widths[0] * classes + classes


# Folder, network, config, its number of parameters; a change of the config, and the number then.
CASES = [
    (
        *("segformer", "net", "config.json", 3_752_694),
        *("[32, 64, 160, 256]", "[64, 128, 320, 512]", 13_715_798),
    ),
    (
        *("retinanet", "head", "config.py", tower(256, 4, 720) + tower(256, 4, 36)),
        *("num_classes=80", "num_classes=365", tower(256, 4, 9 * 365) + tower(256, 4, 36)),
    ),
    (
        *("unet", "net", "train.yaml", unet(1, [16, 32, 64], 2)),
        *("[16, 32, 64]", "[16, 32, 64, 128]", unet(1, [16, 32, 64, 128], 2)),
    ),
]


@pytest.mark.parametrize(
    ("folder", "name", "config", "before", "old", "new", "after"),
    CASES,
    ids=[case[0] for case in CASES],
)
def test_a_network_follows_its_config(
    folder: str,
    name: str,
    config: str,
    before: int,
    old: str,
    new: str,
    after: int,
    tmp_path: Path,
    convcalc: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(CONFIGS / folder, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    Path("convcalc.toml").write_text("", "utf-8")
    net = f"{name}.convcalc.yaml"
    assert convcalc("check").code == 0
    assert convcalc(f"check {config}").code == 0
    assert convcalc(f"get totals.params {net}").out == f"{before}\n"
    text = Path(config).read_text("utf-8")
    assert text.count(old) == 1
    Path(config).write_text(text.replace(old, new), "utf-8")
    assert convcalc(f"get totals.params {net}").out == f"{after}\n"
    ran = convcalc(f"check {config}")
    assert ran.code == 1
    assert "params-over-budget" in ran.out
    Path(config).write_text(text.replace(old, old + old), "utf-8")  # no file of its kind any more
    ran = convcalc("check")
    assert ran.code == 1
    assert config in ran.out
