"""Swin and MaxViT with attention in windows: torchvision's numbers, and bounded fields."""

from __future__ import annotations

from typing import Any

import pytest
from windowed import MAXVIT_T, SEGFORMER_B0, SWIN

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

V2: dict[str, Any] = {"params": {"window": 8, "v2": True}, "inputs": {"input": (3, 256, 256)}}


def report(text: str, **options: Any) -> Report:
    network = read_network(Target("windowed.convcalc.yaml", None, text), **options)
    assert not [p for p in network.problems if p.severity == "error"], network.problems
    return analyse(network)


@pytest.mark.parametrize(
    ("text", "options", "params", "macs"),
    [
        (SWIN, {}, 28_288_354, 4_490_566_656),
        (SWIN, V2, 28_351_570, 5_939_690_496),
        (MAXVIT_T, {}, 30_919_624, 5_558_046_720),
    ],
    ids=["swin_t", "swin_v2_t", "maxvit_t"],
)
def test_counts_are_torchvisions(
    text: str, options: dict[str, Any], params: int, macs: int
) -> None:
    """Parameters published with the weights; MACs by torch.utils.flop_counter, halved."""
    totals = report(text, **options).totals
    assert (totals.params, totals.macs) == (params, macs)


def test_segformer_attends_to_a_smaller_map() -> None:
    """segmentation_models_pytorch 0.6.0, Segformer(mit_b0) at 512: 3,752,694 parameters and
    8,387,821,568 multiply-accumulates by torch.utils.flop_counter, halved."""
    totals = report(SEGFORMER_B0).totals
    assert (totals.params, totals.macs) == (3_752_694, 8_387_821_568)


def test_the_first_windows_of_swin_see_28_pixels_and_the_shifted_ones_two_of_them() -> None:
    fields = [
        layer.receptive_field
        for layer in report(SWIN).layers
        if layer.operator == "window_attention"
    ]
    sizes = [field.size for field in fields if field is not None and not field.is_global]
    assert sizes[:3] == [(28, 28), (56, 56), (112, 112)]
    assert len(sizes) == 12


def test_maxvits_first_windows_are_bounded_beside_its_squeeze_and_excitation() -> None:
    first, *_ = (layer for layer in report(MAXVIT_T).layers if layer.operator == "window_attention")
    field = first.receptive_field
    assert field is not None
    # 7 windows of a map of stride 4, convolutions 3, 3 and 3 before: 6·4 + 1 + 2·(1 + 2 + 2)
    assert field.size == (35, 35)
    assert field.is_global  # the gate is that of the whole map
