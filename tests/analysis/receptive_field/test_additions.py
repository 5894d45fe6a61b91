"""The additions that the shares of all positions take are known before any is made."""

from __future__ import annotations

import pytest
from shipped import network

from convcalc.analysis.receptive_field import study as studies
from convcalc.analysis.receptive_field.study import study
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.receptive_field.weights import Additions, Weights

NAMES = ("resnet50", "unet", "densenet121", "deeplabv3_resnet50", "googlenet")


@pytest.mark.shipped
@pytest.mark.parametrize("name", NAMES)
def test_as_many_additions_are_foreseen_as_are_made(name: str) -> None:
    foreseen, made = Additions(), Weights()
    for kind in (foreseen, made):
        for _ in Walk(network(name), kind).layers():
            pass
    assert foreseen.weights.sums == made.sums > 0


@pytest.mark.shipped
def test_looking_ahead_changes_no_effective_field(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = study(network("unet")).spread(0)
    monkeypatch.setattr(studies, "MANY_HISTORIES", 0)
    assert study(network("unet")).spread(0) == plain
    monkeypatch.setattr("convcalc.analysis.receptive_field.weights.MOST_SUMS", 100)
    alone = study(network("unet")).spread(0)
    assert plain
    assert alone
    assert alone.core is None
    assert alone.deviation == pytest.approx(plain.deviation)
