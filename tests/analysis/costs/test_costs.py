"""What the ways of computing a convolution cost, and where they can be used."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from kernels import by_name, conv

from convcalc.analysis.costs import MODELS, Row, costs, has_costs, rows
from convcalc.analysis.costs.models import Transform
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.convolution.depthwise_conv import DepthwiseConv
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

# --- the numbers of a layer of ResNet-50 -------------------------------------------------------

LAYER, INPUT = conv(64, (3, 3), padding=1), Shape(1, 64, (56, 56))


def test_a_3x3_layer_of_64_channels_on_56x56() -> None:
    found = {cost.model: cost for cost in costs(LAYER, INPUT)}
    assert {name: cost.multiplications for name, cost in found.items()} == {
        "direct": 115_605_504,
        "im2col": 115_605_504,
        "winograd F(2×2, 3×3)": 51_380_224,
        "winograd F(4×4, 3×3)": 28_901_376,
        "winograd F(6×6, 3×3)": 26_214_400,
        "fft": 4 * 8_650_752,
    }
    assert found["im2col"].buffers == {"columns": 1_806_336}
    assert found["im2col"].facts == {"products": 1, "M": 64, "K": 576, "N": 3136}
    assert found["fft"].facts == {"size": (64, 64), "complex_products": 8_650_752}
    assert found["winograd F(6×6, 3×3)"].facts == {"tile": (8, 8), "tiles": (10, 10)}


def test_the_transforms_of_the_smallest_tile_as_in_lavin_and_gray() -> None:
    transforms = {t.name: t for t in by_name(LAYER, INPUT, "winograd2").transforms}
    assert transforms["input"] == Transform("input", 64 * 784, 32, 0)
    assert transforms["output"] == Transform("output", 64 * 784, 24, 0)
    assert (transforms["kernel"].times, transforms["kernel"].additions) == (4096, 28)


def test_an_fft_of_a_line_has_half_n_log_n_butterflies() -> None:
    """4 products and 6 sums each: 64 · 64 · 12 / 2 of them in an image."""
    transforms = by_name(LAYER, INPUT, "fft").transforms
    assert [t.times for t in transforms] == [64, 4096, 64]
    assert {(t.additions, t.multiplications) for t in transforms} == {(6 * 24576, 4 * 24576)}


def test_rows_say_what_is_saved() -> None:
    table = rows(costs(LAYER, INPUT), 115_605_504)
    assert [row.saving for row in table[:5]] == [1, 1, Fraction(9, 4), 4, Fraction(441, 100)]
    assert table[1].buffer == 1_806_336
    assert table[2].additions == 64 * 784 * (32 + 24)
    strided = conv(64, (3, 3), stride=(2, 2), padding=1)
    (row,) = rows(costs(strided, INPUT, ["winograd4"]), 1)
    assert row == Row("winograd F(4×4, 3×3)", None, None, None, None, "stride 2; only for stride 1")


# --- names and conditions ----------------------------------------------------------------------


def test_names() -> None:
    assert [cost.model for cost in costs(LAYER, INPUT, ["winograd3"])] == ["winograd F(3×3, 3×3)"]
    assert len(costs(LAYER, INPUT, MODELS)) == 6
    for wrong in ("winograd0", "winograd17", "winogradx", "winograd²", "winograd-2", "gemm", ""):
        with pytest.raises(UnknownName):
            costs(LAYER, INPUT, [wrong])
    for wrong, advice in (
        ("winogard", "use 'winograd'"),
        ("winograd17", "winograd1 to winograd16"),
        ("gemm", "ways: direct, im2col, winograd, fft, or winograd<m> for another tile"),
    ):
        with pytest.raises(UnknownName) as caught:
            costs(LAYER, INPUT, [wrong])
        assert caught.value.help == advice


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"stride": (1, 2)}, "stride 2; only for stride 1"),
        ({"dilation": (2, 2)}, "dilation 2; only for dilation 1"),
        ({"groups": 4}, "4 groups; only for 1"),
        ({"kernel_size": (1, 1)}, "kernel_size 1 has no taps to save"),
    ],
)
def test_winograd_has_conditions(fields: dict[str, Any], remark: str) -> None:
    layer = conv(64, fields.pop("kernel_size", (3, 3)), padding=1, **fields)
    for cost in costs(layer, INPUT, ["winograd"]):
        assert (cost.multiplications, cost.remark) == (None, remark)
        assert not cost.buffers
        assert not cost.transforms
    assert all(cost.multiplications for cost in costs(layer, INPUT, ["direct", "im2col", "fft"]))


def test_a_wide_kernel_has_no_tile() -> None:
    cost = by_name(conv(1, (100_000_000,), padding=50_000_000), Shape(1, 1, (9,)), "winograd2")
    assert cost.remark == "a tile of 100000001; at most 32"


def test_convolutions_only() -> None:
    x = Shape(1, 4, (8, 8))
    depthwise = DepthwiseConv(
        kernel_size=(3, 3), stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1)
    )
    assert by_name(depthwise, x, "im2col").facts == {"products": 4, "M": 1, "K": 9, "N": 64}
    pointwise = PointwiseConv(out_channels=6, stride=(1, 1))
    assert by_name(pointwise, x, "im2col").buffers == {}
    assert not has_costs(Relu())
    with pytest.raises(TypeError):
        costs(Relu(), x)


@pytest.mark.parametrize("fields", [{"stride": (2,)}, {"padding": 1}])
def test_a_kernel_of_one_tap_is_copied_out_only_if_the_positions_change(fields: Any) -> None:
    x = Shape(1, 4, (9,))
    assert by_name(conv(6, (1,)), x, "im2col").buffers == {}
    assert by_name(conv(6, (1,), **fields), x, "im2col").buffers["columns"] > 0


def test_unknown_sizes_leave_the_counts_unknown() -> None:
    for cost in costs(LAYER, Shape(1, 64, (UNKNOWN, 56))):
        assert cost.multiplications is not None
        assert not known(cost.multiplications)
    assert all(row.saving is None for row in rows(costs(LAYER, Shape(1, 64, (UNKNOWN,) * 2)), 5))
