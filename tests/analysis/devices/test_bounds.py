"""Bounds by hand, published figures, and what must hold for every network."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import convcalc
from convcalc.analysis.devices.bounds import with_bounds
from convcalc.analysis.devices.device import Device, Figure
from convcalc.analysis.devices.shelf import device, runtime
from convcalc.analysis.report.bounds import binding
from convcalc.analysis.report.report import Report
from convcalc.analysis.report.rows import rows
from convcalc.model.quantities.unknown import UNKNOWN, known

HEAD = "convcalc: 1\nname: net\n"


def figure(value: int | str) -> Figure:
    return Figure(Fraction(value), "by hand")


# 1000 FLOP/s, 10 bytes/s, 3 s for a launch
SIMPLE = Device(
    "simple", "", "", "fused", {"int8": figure(1000)}, figure(10), figure(100), figure(3)
)


def bounds(text: str, on: Device = SIMPLE, rules: str = "fused", dtype: str = "int8") -> Report:
    network = convcalc.loads(HEAD + text)
    report = convcalc.analyse(network, dtype=dtype)
    return with_bounds(network, report, on, runtime(rules))


def microseconds(value: Any) -> float:
    assert known(value)
    return round(float(value) * 1e6, 1)


def test_a_roofline_by_hand() -> None:
    # conv: 2·3·3·2·4·4·4 = 2304 FLOP; reads 2·6·6 + 72 weights, the relu behind it makes 4·4·4
    found = bounds("input: [2, 6, 6]\nlayers:\n- conv: {out: 4, k: 3, bias: false}\n- relu\n")
    conv, relu = found.layers
    assert conv.bounds["lower"] == max(Fraction(2304, 1000), Fraction(72 + 72 + 64, 10))
    assert binding(conv.bounds) == "memory"
    # alone the relu reads and writes 64 bytes
    assert conv.bounds["upper"] == Fraction(72 + 72 + 64, 10) + 3
    assert relu.bounds["upper"] == Fraction(64 + 64, 10) + 3
    assert "lower" not in relu.bounds
    assert relu.kernel == "conv"
    assert found.totals.bounds["upper"] == Fraction(208, 10) + Fraction(128, 10) + 6
    assert found.totals.bounds["lower"] == Fraction(208, 10)
    roof = found.roofline
    assert roof is not None
    assert (roof.kernels, roof.unfused, roof.memory_bound, roof.compute_bound) == (1, 2, 1, 0)
    assert roof.in_cache == 0  # 208 bytes in a cache of 100
    assert roof.peak_only == Fraction(2304, 1000)


def test_compute_binds_where_its_roof_is_the_higher_one() -> None:
    on = SIMPLE._replace(peak={"int8": figure(100)})
    found = bounds("input: [2, 6, 6]\nlayers:\n- conv: {out: 4, k: 3, bias: false}\n- relu\n", on)
    assert found.totals.bounds["lower"] == Fraction(2304, 100)
    assert binding(found.totals.bounds) == "compute"
    both = bounds(
        "input: [2, 6, 6]\nlayers:\n- conv: {out: 4, k: 3, bias: false}\n- max_pool: {k: 2}\n", on
    )
    # 23.04 s of compute, and (64 + 16) / 10 of memory
    assert both.totals.bounds["lower"] == Fraction(2304, 100) + 8
    assert binding(both.totals.bounds) == "compute 74.2 %"


# --- published figures ----------------------------------------------------------------------------


def on_a100(name: str, rules: str) -> Report:
    return convcalc.analyse(
        convcalc.load(name), device="a100", runtime=rules, dtype="float16", parts=()
    )


@pytest.mark.parametrize(
    ("name", "peak", "alone"), [("resnet50", 26, 138), ("mobilenet_v2", 2, 56)]
)
def test_a100_at_float16_as_published(name: str, peak: int, alone: int) -> None:
    """The roofs of the notes that this was designed by: FLOPs over the peak, a kernel each."""
    found = on_a100(name, "eager")
    assert found.roofline is not None
    assert round(found.roofline.peak_only * 10**6) == peak
    assert round(found.totals.bounds["lower"] * 10**6) == alone


def test_mobilenet_v2_fused_on_a100_as_published() -> None:
    found = on_a100("mobilenet_v2", "fused")
    assert round(found.totals.bounds["lower"] * 10**6) == 22
    weighted = [
        layer for layer in found.layers if layer.operator in ("conv", "depthwise_conv", "linear")
    ]
    assert [binding(layer.bounds) for layer in weighted] == ["memory"] * 53


def test_resnet50_fused_on_a100_is_the_published_62_and_what_that_leaves_out() -> None:
    """The note has 62 µs, layers with weights alone. A fused addition reads its other operand too,
    norms leave a bias each, and two poolings are kernels."""
    found = on_a100("resnet50", "fused")
    alone = on_a100("resnet50", "eager")
    weighted = {"conv", "linear"}
    convs = [layer for layer in alone.layers if layer.operator in weighted]
    assert round(sum(layer.bounds["lower"] for layer in convs) * 10**6) == 62
    pools = [layer.bounds["lower"] for layer in found.layers if "pool" in layer.operator]
    assert microseconds(sum(pools)) == 1.4
    assert microseconds(found.totals.bounds["lower"]) == 70.8
    rest = found.totals.bounds["lower"] - sum(layer.bounds["lower"] for layer in convs) - sum(pools)
    skips = [layer.output.numel for layer in found.layers if layer.operator == "add"]
    read = Fraction(2 * sum(skips), 1555 * 10**9)
    assert microseconds(read) == 7.1
    norms = [layer.output.channels for layer in found.layers if layer.operator == "batch_norm"]
    biases = Fraction(2 * sum(norms), 1555 * 10**9)  # some within kernels that compute binds
    assert read <= rest <= read + biases


def test_bytes_alone_are_those_of_the_column_moved() -> None:
    """Without fusion the bound of each layer is that of its FLOPs and its bytes moved."""
    found = on_a100("resnet50", "eager")
    peak, bandwidth = Fraction(312 * 10**12), Fraction(1555 * 10**9)
    for layer in found.layers:
        expected = max(layer.flops / peak, layer.moved / bandwidth)
        assert layer.bounds.get("lower", 0) == (0 if layer.operator == "flatten" else expected)


# --- what holds for every network -----------------------------------------------------------------

NAMES = ("resnet18", "mobilenet_v3_small", "densenet121", "unet", "vit_b_16", "shufflenet_v2_x1_0")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("on", "dtype"), [("h100", "float16"), ("stm32h743", "int8")])
def test_fusing_never_raises_a_bound_and_rows_add_up(name: str, on: str, dtype: str) -> None:
    network = convcalc.load(name)
    lower = {}
    for rules in ("eager", "fused", "cmsis-nn"):
        found = convcalc.analyse(network, device=on, runtime=rules, dtype=dtype, parts=())
        totals = found.totals.bounds
        lower[rules] = totals["lower"]
        assert totals["memory"] + totals["compute"] == totals["lower"]
        assert totals["lower"] == sum(layer.bounds.get("lower", 0) for layer in found.layers)
        listed = rows(found, 1)
        assert totals["lower"] == sum(row.bounds.get("lower", 0) for row in listed)
        assert totals["upper_at_least"] == sum(r.bounds.get("upper_at_least", 0) for r in listed)
        assert totals["lower"] <= totals["upper_at_least"]
        roof = found.roofline
        assert roof is not None
        assert roof.memory_bound + roof.compute_bound == roof.kernels <= roof.unfused
        assert totals["lower"] >= roof.peak_only
    assert lower["fused"] <= lower["eager"]
    assert lower["cmsis-nn"] <= lower["eager"]


def test_where_memory_binds_half_the_bytes_are_half_the_bound() -> None:
    text = "input: [16, 32, 32]\nlayers:\n- relu\n- max_pool: {k: 2}\n"
    peak = {each: figure(10**15) for each in ("float32", "float16", "int8", "int4")}
    on = SIMPLE._replace(peak=peak)
    found = {dtype: bounds(text, on, dtype=dtype).totals.bounds["lower"] for dtype in peak}
    assert found["float32"] == 2 * found["float16"] == 4 * found["int8"] == 8 * found["int4"]


def test_bounds_grow_with_the_batch_and_weights_are_read_once() -> None:
    text = "input: [16, 8, 8]\nlayers:\n- conv: {out: 4, k: 1, bias: false}\n"
    one, eight = (
        with_bounds(network, convcalc.analyse(network, dtype="int8"), SIMPLE, runtime("fused"))
        for network in (convcalc.loads(HEAD + text, batch=batch) for batch in (1, 8))
    )
    weights = Fraction(64, 10)
    assert eight.totals.bounds["lower"] - weights == 8 * (one.totals.bounds["lower"] - weights)


# --- what is not known ---------------------------------------------------------------------------


def test_without_a_peak_the_roof_of_memory_is_what_is_known() -> None:
    text = "input: [2, 6, 6]\nlayers:\n- conv: {out: 4, k: 3, bias: false}\n- max_pool: {k: 2}\n"
    found = bounds(text, SIMPLE._replace(peak={}))
    conv, pool = found.layers
    assert conv.bounds["lower"] is UNKNOWN
    assert conv.bounds["lower_at_least"] == Fraction(72 + 72 + 64, 10)
    assert pool.bounds["lower"] == 8  # it has no FLOPs, so no peak is needed
    assert found.totals.bounds["lower"] is UNKNOWN
    assert found.totals.bounds["lower_at_least"] == Fraction(208, 10) + 8
    assert found.roofline is not None
    assert found.roofline.missing == ("peak for int8",)
    assert binding(found.totals.bounds) is UNKNOWN


def test_without_a_launch_the_upper_end_is_known_from_below() -> None:
    text = "input: [2, 6, 6]\nlayers:\n- max_pool: {k: 2}\n- relu\n"
    found = bounds(text, SIMPLE._replace(launch=None)).totals.bounds
    assert found["upper"] is UNKNOWN
    assert found["upper_at_least"] == Fraction(72 + 18 + 18 + 18, 10)
    assert found["lower"] == Fraction(72 + 18 + 18 + 18, 10)  # a pooling takes in nothing


def test_an_unknown_size_is_never_counted_as_zero() -> None:
    body = "layers:\n- conv: {out: 4, k: 3}\n- global_avg_pool\n- linear: {out: 5}\n"
    found = bounds(f"input: [2, null, null]\n{body}")
    conv, *_, linear = found.layers
    assert conv.bounds["lower"] is UNKNOWN
    assert conv.bounds["lower_at_least"] == 0
    assert linear.bounds["lower"] == Fraction(4 + 25 + 5, 10)
    assert found.totals.bounds["lower"] is UNKNOWN
    assert found.totals.bounds["lower_at_least"] == Fraction(34, 10)


def test_a_report_without_a_device_has_no_bounds() -> None:
    found = convcalc.analyse(convcalc.load("resnet18"))
    assert found.roofline is None
    assert not found.totals.bounds
    assert "bounds" not in found.to_dict()["totals"]
    assert "device" not in found.to_dict()


def test_the_a100_of_the_notes_has_40_gb() -> None:
    assert (found := device("a100").bandwidth)
    assert found.value == 1555 * 10**9


def test_results_in_python_show_their_bounds() -> None:
    found = convcalc.analyse(convcalc.load("resnet18"), device="h100", dtype="float16")
    assert "bound by" in found.to_text(width=160)
    assert found.to_dict()["totals"]["bounds"]["kernels"] == 23
    pandas = pytest.importorskip("pandas")
    frame = found.to_pandas(depth=1)
    assert isinstance(frame, pandas.DataFrame)
    assert frame["bound"].sum() == pytest.approx(float(found.totals.bounds["lower"]))
