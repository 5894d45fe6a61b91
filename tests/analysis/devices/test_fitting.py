"""Fits: exact timings give their numbers back, wrong ones move little, what is hidden is said."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

import convcalc
from convcalc.analysis.devices.fitting import FEW, Timing, Unfitted, _loss, fit
from convcalc.analysis.devices.fitting import Model as Numbers
from convcalc.analysis.devices.fusion import kernels
from convcalc.analysis.devices.reading import read_device
from convcalc.analysis.devices.shelf import device, runtime
from convcalc.analysis.devices.timings import device_text, notes, rows_of, timings_of
from convcalc.model.graph.paths import PathError
from convcalc.model.graph.steps import steps_of

TRUE = Numbers(1 / 90e12, 1 / 1.2e12, 4e-6)
COUNTED = ("weights", "dynamic")


def timings(
    name: str, noise: float = 0, wrong: float = 0, model: Numbers = TRUE, seed: int = 1
) -> list[Timing]:
    """Timings of every kernel of a network as a model has them, with errors."""
    draw = random.Random(seed)
    network, rules = convcalc.load(name), runtime("fused")
    found = []
    for kernel in kernels(network, steps_of(network), rules):
        work = (2 * kernel.macs(COUNTED), 2 * kernel.elements(folds_norms=True))
        exact = Timing(network.layers[kernel.lead.layer].path, 1.0, (work,))
        seconds = model.seconds(exact) * (1 + draw.gauss(0, noise))
        seconds *= 3 if draw.random() < wrong else 1
        found.append(Timing(exact.path, seconds, exact.work))
    return found


def test_exact_timings_give_back_what_they_were_made_of() -> None:
    found = fit(timings("resnet50"))
    assert found.peak == pytest.approx(90e12, rel=1e-6)
    assert found.bandwidth == pytest.approx(1.2e12, rel=1e-6)
    assert found.launch == pytest.approx(4e-6, rel=1e-6)
    assert found.typical < 1e-6


@pytest.mark.parametrize("seed", range(2))
def test_a_few_wrong_timings_move_little(seed: int) -> None:
    given = timings("resnet50", noise=0.02, wrong=0.06, seed=seed)
    found = fit(given)
    assert found.peak == pytest.approx(90e12, rel=0.2)
    assert found.bandwidth == pytest.approx(1.2e12, rel=0.2)
    assert found.launch == pytest.approx(4e-6, rel=0.1)
    assert _loss(given, found.model) <= _loss(given, TRUE) * 1.02  # no worse than what made them


def test_without_layers_that_compute_binds_the_peak_is_only_bounded() -> None:
    given = timings("mobilenet_v2")
    found = fit(given)
    assert found.peak is None
    assert found.bandwidth == pytest.approx(1.2e12, rel=1e-6)
    assert found.least_peak == max(each.flops / each.seconds for each in given)
    assert any("not identified" in line for line in notes(found, "float16"))
    text = device_text(found, "n", "float16", "fused", "f")
    assert "peak:" not in text


def test_without_launches_none_is_found() -> None:
    found = fit(timings("resnet50", model=TRUE._replace(launch=0.0)))
    assert found.launch is None
    assert found.bandwidth == pytest.approx(1.2e12, rel=1e-6)


def test_where_launches_are_all_there_is_nothing_else_is_known() -> None:
    found = fit(timings("mobilenet_v2", model=Numbers(1e-30, 1e-30, 5e-6)))
    assert found.launch == pytest.approx(5e-6, rel=1e-3)
    assert found.peak is None
    assert found.bandwidth is None


def test_a_fitted_file_is_a_device_that_gives_the_timings_back() -> None:
    given = timings("resnet50")
    found = read_device(device_text(fit(given), "n", "float16", "fused", "what"), "x", "x.yaml")
    assert found.launch
    assert float(found.launch.value) == pytest.approx(4e-6, rel=1e-3)
    assert "median error" in found.launch.source
    assert set(found.peak) == {"float16"}


def test_texts_of_strangers_do_not_leave_their_line() -> None:
    given = [Timing("a\n::stop\x1b[31m", t * 1e-6, ((10**7 * t, 10**6),)) for t in range(1, 9)]
    text = device_text(fit(given), 'x"\n y: 1', "int8", "f\nz: 1", "w\nv: 1")
    assert "\x1b" not in text
    found = read_device(text, "x", "x.yaml")
    assert found.title == 'x"\n y: 1'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column path and no column seconds"),
        ("layer,seconds\na,1\n", "has no column path"),
        ("path,seconds\na,x\n", "t.csv:2: 'x' is not a time above 0"),
        ("# c\n\npath,seconds\nb,1\na,-1\n", "t.csv:5: '-1' is not a time above 0"),
        ("path,seconds\na,nan\n", "'nan' is not a time above 0"),
        ("path,seconds\n,1\n", "no path"),
        ("path,seconds\na\n", "'' is not a time above 0"),
        ("path,seconds\na,1_0\n", "is not a time above 0"),
    ],
)
def test_a_wrong_line_is_an_error_with_its_number(text: str, message: str) -> None:
    with pytest.raises(Unfitted, match=message.replace("(", r"\(")):
        rows_of(text, "t.csv")


def test_columns_may_be_in_any_order_with_others_between() -> None:
    text = "\ufeff# by hand\nSeconds,x,Path\n1e-6,?,a\n\n2e-6,?,b\n"
    assert rows_of(text, "t.csv") == [("a", 1e-6), ("b", 2e-6)]


def of_resnet(rows: Sequence[tuple[str, float]], rules: str = "fused") -> list[Timing]:
    return timings_of(rows, convcalc.load("resnet18"), runtime(rules), "float16", COUNTED)


def test_a_block_is_timed_with_all_its_kernels() -> None:
    (block,) = of_resnet([("layer[0]", 1.0)])
    assert block.kernels == 4
    whole = of_resnet([(name, 1.0) for name in ("stem", "max_pool", "layer", "linear")])
    assert sum(each.kernels for each in whole) == 20 + 1 + 1  # convolutions, pooling, linear


def test_a_layer_within_the_kernel_of_another_one_cannot_be_timed() -> None:
    with pytest.raises(Unfitted) as caught:
        of_resnet([("stem.batch_norm", 1.0)])
    assert caught.value.help == "it belongs to that of stem.conv"
    assert of_resnet([("stem.batch_norm", 1.0)], "eager")
    with pytest.raises(PathError):
        of_resnet([("nosuch", 1.0)])


def test_too_few_timings_are_refused() -> None:
    with pytest.raises(Unfitted, match="too few"):
        fit(of_resnet([("stem", 1.0)] * (FEW - 1)))


def test_too_many_kernels_are_refused() -> None:
    with pytest.raises(Unfitted, match="more than 5,000 kernels"):
        fit([Timing("a", 1.0, ((1, 1),) * 1700)] * FEW)
    with pytest.raises(Unfitted, match="too many"):
        fit([Timing("a", 1.0, ((1, 1),))] * 1001)


def test_devices_that_ship_state_no_fit() -> None:
    assert device("a100").launch is None
