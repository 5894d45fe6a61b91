"""Solving against exhaustive search, and closed forms against points that they were not made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("numpy", reason="numpy is not installed: solving is not tested")

from convcalc.analysis.sweeps.forms import Form, NoForm, forms, polynomial_text
from convcalc.analysis.sweeps.measuring import Assumptions
from convcalc.analysis.sweeps.running import PROBLEM, Differs, Runner
from convcalc.analysis.sweeps.solving import (
    MAX,
    MIN,
    NEAREST,
    SolveError,
    Tried,
    Unknown,
    limit,
    solve,
)
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target

TINY = """
convcalc: 1
name: tiny
input: [3, 32, 32]
params: {width: {default: 16, min: 1}}
layers:
  - conv: {out_channels: width, kernel_size: 3, padding: 1, bias: false}
  - batch_norm
  - conv: {out_channels: 2*width, kernel_size: 3, stride: 2, padding: 1, bias: false}
  - batch_norm
  - global_avg_pool
  - flatten
  - linear: {out_channels: 10}
"""
METRICS = ("params", "macs")


def runner(target: Target, metrics: Sequence[str] = METRICS) -> Runner:
    return Runner(lambda: NetworkSource(target), metrics, Assumptions(), variant=target.variant)


def tiny() -> Runner:
    return runner(Target("tiny.yaml", text=TINY))


def shipped(name: str, metrics: Sequence[str] = METRICS) -> Runner:
    return runner(resolve(name), metrics)


# width² · (9·2) from the second convolution; 27 + 2 + 4 + 20 times width; the bias of the last.
def params_of_tiny(width: int) -> int:
    return 18 * width**2 + 53 * width + 10


def test_the_largest_width_within_a_budget() -> None:
    answer = solve(tiny(), MAX, [Unknown("width", Fraction(4), Fraction(4))], [limit("params<=5M")])
    assert answer.best is not None
    assert answer.beyond is not None
    width = answer.best.values["width"]
    assert answer.best.numbers["params"] == params_of_tiny(width) <= 5_000_000
    assert answer.beyond.values == {"width": width + 4}
    assert params_of_tiny(width + 4) > 5_000_000
    assert answer.monotone
    assert answer.complete


@pytest.mark.parametrize("seed", range(120))
def test_random_limits_against_exhaustive_search(seed: int) -> None:
    rng = random.Random(seed)
    name, unknown = rng.choice(
        [
            ("mobilenet_v2", Unknown("width", Fraction("0.1"), Fraction("0.05"), Fraction(2))),
            ("mobilenet_v2", Unknown("input", Fraction(32), Fraction(16), Fraction(320))),
            ("resnet50", Unknown("input", Fraction(33), Fraction(7), Fraction(300))),
        ]
    )
    goal = rng.choice((MAX, MIN, NEAREST))
    run = _RUNNERS.setdefault(name, shipped(name))
    values = unknown.values(0, unknown.number or 0)
    found = _FOUND.setdefault((name, unknown.name), run.run({unknown.name: values}))
    metric = rng.choice(METRICS)
    amount = rng.choice(found[metric]) + rng.randint(-2, 2) * rng.choice((0, 1, 10**5))
    sign = "=" if goal == NEAREST else rng.choice(("<=", "<", ">=", ">"))
    limits = [limit(f"{metric} {sign} {amount}")]
    if goal != NEAREST and rng.random() < 0.4:
        limits.append(limit(f"macs >= {rng.choice(found['macs'])}"))
    answer = solve(run, goal, [unknown], limits)
    rows = [
        Tried({unknown.name: value}, {m: found[m][row] for m in METRICS}, found[PROBLEM][row])
        for row, value in enumerate(values)
    ]
    assert answer.complete
    assert answer.tried == len(values)
    assert (answer.best and answer.best.values) == exhaustive(rows, goal, limits, metric, amount)


_RUNNERS: dict[str, Runner] = {}
_FOUND: dict[tuple[str, str], dict[str, list[Any]]] = {}


def exhaustive(rows: Sequence[Tried], goal: str, limits: Any, metric: str, amount: int) -> Any:
    """The values that are wanted, by the definition."""
    if goal == NEAREST:
        best = min(rows, key=lambda row: (abs(row.numbers[metric] - amount), *row.values.values()))
        return best.values
    fitting = [row.values for row in rows if all(each.holds(row.numbers[each.metric]) for each in limits)]  # fmt: skip  # noqa: E501
    choose = max if goal == MAX else min
    return choose(fitting, key=lambda each: next(iter(each.values())), default=None)


def test_without_an_end_the_search_stops_where_nothing_larger_can_fit() -> None:
    for goal, condition in ((MAX, "macs <= 1G"), (MIN, "macs >= 1G"), (NEAREST, "macs = 1G")):
        unknown = Unknown("width", Fraction("0.1"), Fraction("0.01"))
        answer = solve(shipped("mobilenet_v2"), goal, [unknown], [limit(condition)])
        ended = solve(
            shipped("mobilenet_v2"), goal, [unknown._replace(last=Fraction(8))], [limit(condition)]
        )
        assert answer.complete
        assert answer.best == ended.best
        assert answer.tried < 791


def test_two_params_the_first_decides() -> None:
    unknowns = [
        Unknown("width", Fraction("0.5"), Fraction("0.25"), Fraction(2)),
        Unknown("input", Fraction(64), Fraction(64), Fraction(256)),
    ]
    answer = solve(shipped("mobilenet_v2"), MAX, unknowns, [limit("macs <= 300M")])
    assert answer.tried == 7 * 4
    assert answer.best is not None
    run = shipped("mobilenet_v2")
    rows = [
        (width, size, run.ordinary({"width": width, "input": size})["macs"])
        for width in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
        for size in (64, 128, 192, 256)
    ]
    best = max((width, size) for width, size, macs in rows if macs <= 300_000_000)
    assert tuple(answer.best.values.values()) == best


def test_nothing_fits_and_what_is_nearest() -> None:
    unknown = Unknown("width", Fraction(4), Fraction(4), Fraction(64))
    answer = solve(tiny(), MAX, [unknown], [limit("params <= 100")])
    assert answer.best is None
    assert answer.nearest is not None
    assert answer.nearest.values == {"width": 4}


def test_what_is_wrong_is_said() -> None:
    unknown = Unknown("width", Fraction(1), Fraction(1))
    for text in ("params", "params < ", "<= 5", "params <= five", "params <= 5 <= 6", "9" * 400):
        with pytest.raises(SolveError):
            limit(text)
    with pytest.raises(SolveError, match="needs a limit"):
        solve(tiny(), MAX, [unknown], [])
    with pytest.raises(SolveError, match="no end"):
        solve(tiny(), MAX, [unknown, unknown._replace(name="x")], [limit("params <= 5M")])
    broken = runner(Target("n.yaml", text=TINY.replace("batch_norm", "batch_nrom", 1)))
    with pytest.raises(SolveError, match="the network has a problem"):
        solve(broken, MAX, [unknown], [limit("params <= 5M")])


# --- forms ---------------------------------------------------------------------------------------


def over(name: str, first: int, last: int | None = None) -> Unknown:
    return Unknown(name, Fraction(first), Fraction(1), None if last is None else Fraction(last))


def test_a_form_keeps_to_the_values_that_a_param_may_have() -> None:
    (form,) = forms(tiny(), over("width", 1, 40), ["params"])
    assert isinstance(form, Form)
    assert (form.first, form.checked) == (1, 40)
    (found,) = forms(tiny(), over("width", 1, 4), ["params"])
    assert found == NoForm("params", "width", "it may have 4 whole values")


def test_a_wrong_answer_stops_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny()
    ordinary = run.ordinary
    monkeypatch.setattr(run, "ordinary", lambda each: {**ordinary(each), "params": 7})
    with pytest.raises(Differs):
        solve(run, MAX, [over("width", 1, 9)], [limit("params <= 5M")])


def test_the_form_of_a_width() -> None:
    (form,) = forms(tiny(), over("width", 1), ["params"])
    assert isinstance(form, Form)
    assert polynomial_text(form.classes[0], "width") == "18·width² + 53·width + 10"
    assert [form.at(width) for width in (1, 7, 5000)] == [*map(params_of_tiny, (1, 7, 5000))]


# Of many networks, with 50 points further out each: the form says what the ordinary path does.
OF_NETWORKS = (
    ("resnet50", "input", 32),
    ("resnet18", "input", 32),
    ("vgg16", "input", 32),
    ("densenet121", "input", 32),
    ("mobilenet_v2", "input", 32),
    ("mobilenet_v3_large", "input", 32),
    ("squeezenet1_0", "input", 32),
    ("convnext_tiny", "input", 32),
    ("unet_original", "input", 188),
    ("efficientnet_b0", "input", 32),
    ("shufflenet_v2_x1_0", "input", 32),
    ("mobilenet_v2", "classes", 1),
    ("resnet50", "classes", 1),
    ("vgg16", "classes", 1),
    ("densenet121", "growth", 1),
    ("unet", "width", 1),
    ("edsr", "width", 1),
    ("wide_resnet50_2", "classes", 1),
    ("alexnet", "classes", 1),
    ("xception", "classes", 1),
)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "param", "first"), OF_NETWORKS)
def test_the_form_of_a_network_at_further_points(name: str, param: str, first: int) -> None:
    run = shipped(name, ("params", "macs"))
    if param != "input":
        known = NetworkSource(resolve(name)).document
        assert known is not None
        if param not in known.unit.params:
            param = next(p for p, each in known.unit.params.items() if each.kind == "int")
    rng = random.Random(name)
    for form in forms(run, over(param, first), ["params", "macs"]):
        assert isinstance(form, Form), form
        points = [form.first + form.checked + rng.randint(0, 3000) for _ in range(50)]
        wanted = [run.ordinary({param: value}) for value in points]
        for value, row in zip(points, wanted, strict=True):
            if form.classes[value % form.period]:
                assert row[form.metric] == form.at(value), (form, value)
            else:
                assert row[PROBLEM]


def test_what_is_rounded_on_the_way_has_no_form() -> None:
    text = TINY.replace("out_channels: width", "out_channels: 'make_divisible(width*1.3, 8)'")
    (found,) = forms(runner(Target("t.yaml", text=text)), over("width", 1), ["params"])
    assert isinstance(found, NoForm)
    assert "not a polynomial of width" in found.reason


def test_a_polynomial_is_written_as_people_do() -> None:
    assert polynomial_text((Fraction(10), Fraction(61), Fraction(99, 2)), "w") == (
        "99/2·w² + 61·w + 10"
    )
    assert polynomial_text((Fraction(0), Fraction(-1), Fraction(0), Fraction(1)), "n") == "n³ - n"
    assert polynomial_text((), "n") == polynomial_text((Fraction(0),), "n") == "0"
