"""What is written of some networks, kept whole: a reviewer reads them as a user would."""

from __future__ import annotations

import pytest
from exporting.imported import read, source
from importing.archives import exported, unpacked
from kept import kept
from places import TESTS

FOLDER = TESTS / "golden" / "import"
MODELS = (
    ("torchscript", "unet_unet"),
    ("dynamo", "tv_densenet121"),
    ("torchscript", "tv_mobilenet_v2"),
    ("dynamo", "timm_repvgg_a0"),
    ("torchscript", "timm_dla34"),
    ("dynamo", "timm_hrnet_w18_small"),
    ("pt2", "tv_resnet50"),
)


@pytest.mark.parametrize(("archive", "name"), MODELS, ids=[f"{n}-{a}" for a, n in MODELS])
def test_what_is_written_is_kept(archive: str, name: str) -> None:
    if archive == "pt2":
        network = read(f"{name}.pt2", unpacked("pt2.tar.xz")[f"{name}.json"])
    else:
        network = read(f"{name}.onnx", exported(archive)[name])
    text = source(network).text
    assert kept(FOLDER / f"{name}.{archive}.yaml", text) == text
