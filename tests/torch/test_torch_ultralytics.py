"""Ultralytics' own models, built from the rows that the tests of the reader write.

Parameters, their names, buffers and GFLOPs are compared; where Ultralytics is not installed, these
tests are skipped and say so. It is AGPL-3.0, and nothing of it is in this repository.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from typing import Any

import pytest
import torch
import yaml
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from ultralytics_texts import HEADS, Rows, yolo11, yolo12, yolov3, yolov5, yolov8, yolov9, yolov10

from convcalc.analysis.analyse import analyse
from convcalc.importing.opening import open_source
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target

os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.gettempdir())  # it writes its settings there
os.environ["YOLO_AUTOINSTALL"] = "False"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("ultralytics", reason="Ultralytics is not installed", exc_type=ImportError)
    from ultralytics.nn import tasks
    from ultralytics.utils.torch_utils import get_flops

TEXTS = {
    "yolov3": yolov3(),
    "yolov5": yolov5(),
    **{f"yolov8{task}": yolov8(task) for task in (*HEADS, "-cls")},
    **{f"yolov9{size}": yolov9(size) for size in "tsmce"},
    **{f"yolov10{size}": yolov10(size) for size in "nsmblx"},
    **{f"yolo11{task}": yolo11(task) for task in (*HEADS, "-cls")},
    "yolo12": yolo12(),
}
TASKS = {
    "-cls": "ClassificationModel",
    "-seg": "SegmentationModel",
    "-pose": "PoseModel",
    "-obb": "OBBModel",
}
MODELS = [
    (name, scale)
    for name, text in TEXTS.items()
    for scale in yaml.safe_load(text).get("scales", [""])
]


def theirs(text: str, scale: str, task: str = "") -> nn.Module:
    """Ultralytics' model of a text."""
    config = {**yaml.safe_load(text), "scale": scale}
    return getattr(tasks, TASKS.get(task, "DetectionModel"))(config, verbose=False).eval()


def ours(text: str, scale: str) -> NetworkFile:
    """The network of a text."""
    found = open_source(Target("yolo.yaml", text=text))
    network = found.network(None if scale == found.network().base else scale)
    assert not network.problems
    return network


@pytest.mark.parametrize(("name", "scale"), MODELS)
def test_models(name: str, scale: str) -> None:
    task = next((each for each in TASKS if name.endswith(each)), "")
    model, network = theirs(TEXTS[name], scale or "", task), ours(TEXTS[name], scale or "")
    report = analyse(network, convention="thop-ultralytics")
    parameters = dict(model.named_parameters())
    assert report.totals.params == sum(each.numel() for each in parameters.values())
    frozen = sum(each.numel() for key, each in parameters.items() if "dfl" in key)
    assert report.totals.params - report.totals.trainable == frozen
    gflops = 2 * report.totals.convention["macs"] / 1e9
    assert gflops == pytest.approx(get_flops(model, 224 if task == "-cls" else 640), rel=1e-9)
    owners = {key.rpartition(".")[0] for key in parameters if "dfl" not in key}
    stored = {each.path for each in report.layers if each.weights and "dfl" not in each.path}
    assert {_owner(path) for path in stored} == owners


def _owner(path: str) -> str:
    """The module that has a layer's weights; what scales an output belongs to the module itself."""
    return path.rpartition(".")[0] if path.endswith((".mul", ".mul[1]")) else path


# Rows that read 32 channels (A2C2f 64) of an image whose sides are odd, each by itself.
ROWS: list[tuple[Any, ...]] = [
    ("Conv", 64, 3, 2),
    ("Conv", 64, [1, 3]),
    ("Conv", 64, 3, 1, None, 4, 2),
    ("DWConv", 48, 5, 2),
    ("GhostConv", 64, 3, 2),
    ("ConvTranspose", 64),
    ("nn.ConvTranspose2d", 64, 3, 2, 1, 1),
    ("DWConvTranspose2d", 64, 2, 2),
    ("Bottleneck", 32, True, 2, [3, 5], 0.75),
    ("BottleneckCSP", 64),
    ("C1", 32),
    ("C2", 64, False),
    ("C2f", 64, True),
    ("C3", 64),
    ("C3x", 64),
    ("C3Ghost", 64),
    ("C3k2", 64, True),
    ("C3k2", 64, False, 0.25),
    ("C3k2", 256, False, 0.5, True),
    ("GhostBottleneck", 32),
    ("GhostBottleneck", 64, 3, 2),
    ("RepC3", 64),
    ("SPP", 64, [5, 9, 13]),
    ("SPPF", 64, 5),
    ("SPPF", 32, 5, 3, True),
    ("SPPELAN", 64, 24),
    ("RepNCSPELAN4", 64, 32, 16, 2),
    ("ELAN1", 64, 32, 16),
    ("AConv", 64),
    ("ADown", 64),
    ("SCDown", 64, 3, 2),
    ("PSA", 32),
    ("C2PSA", 32),
    ("C2fPSA", 32),
    ("C2fCIB", 64, True, True),
    ("C2fCIB", 64, True),
    ("A2C2f", 64, True, 1),
    ("A2C2f", 64, True, 4, True, 1.2),
    ("A2C2f", 64, False),
    ("nn.MaxPool2d", 3, 2, 1),
    ("nn.Upsample", None, 2, "bilinear"),
    ("HGStem", 16, 32),
    ("HGBlock", 16, 32, 3),
    ("HGBlock", 16, 32, 5, True, True),
    ("ResNetLayer", 32, 16, 2, False, 2),
    ("ResNetLayer", 32, 16, 1, True, 2),
]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{index}" for index, row in enumerate(ROWS)])
def test_rows(row: tuple[Any, ...]) -> None:
    """Parameters, MACs by PyTorch's counter, and the shape of one module of two repeats."""
    rows = Rows()
    rows.add("Conv", 64 if row[0] == "A2C2f" else 32, 1)
    rows.add(*row, n=2 if row[0].startswith(("C2", "C3", "A2")) else 1)
    config = yaml.safe_load(rows.text())
    model, _ = tasks.parse_model(config, ch=3, verbose=False)
    network = open_source(Target("m.yaml", text=rows.text())).network(inputs=[3, 44, 36])
    assert not [each for each in network.problems if each.severity == "error"]
    report = analyse(network)
    assert report.totals.params == sum(each.numel() for each in model.parameters())
    assert report.totals.buffers == sum(each.numel() for each in model.buffers()) - sum(
        isinstance(each, nn.BatchNorm2d) for each in model.modules()
    )
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        made = model.eval()(torch.zeros(1, 3, 44, 36))
    assert report.totals.flops == counter.get_total_flops()
    (number,) = network.outputs.values()
    assert tuple(network.shape(number).dims) == tuple(made.shape)
