"""The detector of docs/import.md, exported anew, is imported as the page shows."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
import torch
from detector import Detector
from exporting.imported import again, in_order_of, read, source
from places import TESTS
from random_networks import drawn, text_of

from convcalc.analysis.analyse import analyse

pytestmark = pytest.mark.torch


def test_the_detector_is_imported_as_the_page_shows(tmp_path: Path) -> None:
    model = Detector().eval()
    exported = torch.export.export(model, (torch.zeros(1, 3, 640, 640),))
    file = tmp_path / "detector.pt2"
    torch.export.save(exported, file)
    stored = lzma.decompress((TESTS / "exporting" / "data" / "detector.json.xz").read_bytes())
    now = source(read("detector.pt2", file.read_bytes())).text
    assert now == source(read("detector.pt2", stored)).text
    report = analyse(again(now))
    assert report.totals.params == sum(each.numel() for each in model.parameters())
    assert [shape.dims[1:] for shape in report.outputs.values()] == [
        (84, 80, 80),
        (84, 40, 40),
        (84, 20, 20),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_random_network_of_any_operators_is_what_is_written_of_it(seed: int) -> None:
    old = again(text_of(drawn(seed)))
    written = source(old)
    assert not written.is_flat
    new = again(written.text)
    old = in_order_of(old, new)
    assert [layer.name for layer in new.layers] == [layer.name for layer in old.layers]
    assert [layer.analysis for layer in new.layers] == [layer.analysis for layer in old.layers]
