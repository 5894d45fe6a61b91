"""Swin, MaxViT and XCiT with their kinds of attention, against torchvision and timm."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from against import Case, analysed
from test_torch_networks import MODELS
from torch.utils.flop_counter import FlopCounterMode
from windowed import MAXVIT_T, SWIN

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS, Analysis

V2 = {"window": 8, "v2": True}
CASES: dict[str, tuple[str, str, dict[str, Any], tuple[int, int]]] = {
    "swin_t": ("swin_t", SWIN, {}, (224, 224)),
    "swin_t, padded": ("swin_t", SWIN, {}, (224, 288)),
    "swin_v2_t": ("swin_v2_t", SWIN, V2, (256, 256)),
    "swin_v2_t, padded": ("swin_v2_t", SWIN, V2, (224, 288)),
    "maxvit_t": ("maxvit_t", MAXVIT_T, {}, (224, 224)),
}


@pytest.mark.parametrize("name", CASES)
def test_parameters_and_macs_are_torchvisions(name: str) -> None:
    builder, text, params, size = CASES[name]
    network = read_network(
        Target("windowed.yaml", None, text), params=params, inputs={"input": (3, *size)}
    )
    ours = analyse(network)
    theirs: Any = getattr(MODELS, builder)().eval()
    shapes = sorted(tuple(p.shape) for p in theirs.parameters())
    found = [shape for layer in ours.layers for shape in layer.weights.values()]
    learned = sorted(tuple(n for n in shape if n > 1) for shape in found)
    assert learned == sorted(tuple(n for n in shape if n > 1) for shape in shapes)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        theirs(torch.zeros(1, 3, *size))
    assert 2 * ours.totals.macs == counter.get_total_flops()


def test_channel_attention_is_timms() -> None:
    from timm.models.xcit import XCA

    theirs = XCA(192, 4, qkv_bias=True)
    ours = analysed(Case("channel_attention", {"heads": 4}, ((1, 192, 14, 14),), lambda: theirs))
    assert isinstance(ours, Analysis)
    shapes = sorted(tuple(p.shape) for p in theirs.parameters())
    assert sorted(ours.weights.values()) == shapes
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        theirs(torch.zeros(1, 196, 192))
    macs = sum(t.amount for t in ours.terms if t.kind in (WEIGHTS, DYNAMIC))
    assert 2 * macs == counter.get_total_flops()
