"""Where convcalc differs from PyTorch on purpose; everything else must agree.

Each entry says why. An entry that no longer differs fails, so that the list stays true.
"""

from __future__ import annotations

import pytest
import torch
from against import Case, Result, analysed, computed, operator_of
from torch import nn
from torch.nn import functional

from convcalc.diagnostics.rejection import Rejected
from convcalc.model.operators.contract import Analysis

WORKS_HERE = {
    "same is TensorFlow's, which has outputs at every stride": Case(
        "conv",
        {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": "same"},
        ((1, 1, 8),),
        lambda: nn.Conv1d(1, 1, 3, stride=2, padding="same"),
    ),
    "align_corners is false by default, for nearest too": Case(
        "upsample",
        {"scale": 2, "mode": "nearest", "align_corners": False},
        ((1, 1, 4),),
        lambda: lambda x: functional.interpolate(x, scale_factor=2.0, align_corners=False),
    ),
}


@pytest.mark.parametrize(("reason", "case"), WORKS_HERE.items())
def test_convcalc_takes_what_pytorch_refuses(reason: str, case: Case) -> None:
    assert isinstance(analysed(case), Analysis), reason
    assert isinstance(computed(case), str), reason


def test_an_empty_output_is_an_error_where_pytorch_returns_it() -> None:
    fields = {"out_channels": 1, "kernel_size": 4, "stride": 3, "padding": 2}
    assert nn.ConvTranspose1d(3, 1, 4, stride=3, padding=2)(torch.zeros(2, 3, 1)).shape[2] == 0
    case = Case("conv_transpose", fields, ((2, 3, 1),), nn.Identity)
    assert analysed(case) == "empty-output"
    assert nn.AdaptiveAvgPool1d(0)(torch.zeros(1, 1, 4)).shape[2] == 0
    with pytest.raises(Rejected, match="at least 1"):
        operator_of("adaptive_avg_pool", 1, {"output_size": 0})


def test_negative_padding_is_a_crop_by_another_name() -> None:
    assert functional.pad(torch.zeros(1, 1, 6), (-1, -2)).shape[2] == 3
    with pytest.raises(Rejected, match="at least 0"):
        operator_of("pad", 1, {"padding": [[-1, -2]]})
    crop = Case("crop", {"margins": [[1, 2]]}, ((1, 1, 6),), lambda: lambda x: x[:, :, 1:-2])
    found, expected = analysed(crop), computed(crop)
    assert isinstance(found, Analysis)
    assert isinstance(expected, Result)
    assert found.output.dims == expected.output
