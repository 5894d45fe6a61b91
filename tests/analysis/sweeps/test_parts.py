"""Whole sweeps: every row is what a program gets for that configuration alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.analysis.sweeps import parts
from convcalc.analysis.sweeps.measuring import Assumptions
from convcalc.analysis.sweeps.parts import NoFactor, Sweep, Tally, best, order
from convcalc.analysis.sweeps.plan import Plan, plan
from convcalc.analysis.sweeps.running import Differs, Runner
from convcalc.analysis.sweeps.space import SpaceError
from convcalc.analysis.sweeps.words import factors
from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.project import opened
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import TargetError

METRICS = ("params", "macs", "activations", "memory", "receptive_field", "layers")
STACK = """\
convcalc: 1
name: stack
input: [3, 32, 32]
params: {depths: [1, 2], width: 8, act: {default: relu, type: str}, odd: 1}
blocks:
  Stage:
    params: {n: int, c: int}
    layers:
      - {conv: {out: c, k: 3, p: 1}, repeat: n}
      - max_pool: {k: 2, s: 2}
layers:
  - {Stage: {n: n, c: width}, for: {n: depths}}
  - conv: {out: 2 * width, k: 5, g: odd}
"""


def swept(target: str, over: Sequence[str], **more: Any) -> tuple[Plan, list[dict[str, Any]]]:
    """All rows of a sweep, as mappings."""
    found = resolve(target)
    wanted = plan(factors(over), **{"metrics": METRICS, **more})
    sweep = Sweep(wanted, lambda: NetworkSource(found), Assumptions(), variant=found.variant)
    rows: list[dict[str, Any]] = []
    for number in range(sweep.parts):
        columns = sweep.part(number).columns
        rows += [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
    return wanted, rows


def alone(target: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """The same numbers of one network, as a program gets them; None if it has errors."""
    params = {name: value for name, value in row.items() if name not in (*METRICS, "problem")}
    size = params.pop("input", None)
    if isinstance(size, int):
        shape = next(iter(convcalc.load(target).inputs.values()))
        size = [shape.channels, *[size] * shape.rank]
    try:
        network = convcalc.load(target, inputs=size, params=params)
    except convcalc.NetworkError:
        return None
    report = convcalc.analyse(network)
    totals = report.totals
    field = next(iter(report.per_output.values())).receptive_field
    return {
        "params": totals.params,
        "macs": totals.macs,
        "activations": totals.activations,
        "memory": totals.memory.total,
        "receptive_field": None if field is None or field.unbounded else max(field.size),
        "layers": totals.layers,
    }


@pytest.mark.parametrize(
    ("target", "over"),
    [
        ("resnet18", ["input=3x64x97,3x31x224,3x224x224,3x7x9"]),
        ("vgg11", ["input=32:224:48"]),
        ("mobilenet_v2", ["width=0.35:1.4:0.35", "input=96,97,128"]),
        ("mobilenet_v1", ["width=0.25:1:0.25", "input=64,128"]),
        ("alexnet", ["input=63,64,128,224"]),
        ("squeezenet1_1", ["input=32:224:64"]),
        ("densenet121", ["input=64,225"]),
        ("efficientnet_b0", ["input=64,96"]),
        ("unet", ["input=96:572:119"]),
        ("shufflenet_v2_x1_0", ["input=32,33,224"]),
    ],
)
def test_every_row_is_what_a_program_gets(target: str, over: list[str]) -> None:
    _, rows = swept(target, over)
    for row in rows:
        expected = alone(target, row)
        assert bool(row["problem"]) == (expected is None), row
        if expected is not None:
            assert {name: row[name] for name in METRICS} == expected


def stack(folder: Path) -> str:
    path = folder / "stack.convcalc.yaml"
    path.write_text(STACK, "utf-8")
    return str(path)


@pytest.mark.parametrize("has_numpy", [True, False])
def test_lists_words_and_errors_are_swept(
    tmp_path: Path, has_numpy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "HAS_NUMPY", has_numpy)
    file = stack(tmp_path)
    over = ["depths=[0:2,1|3]", "width=4,6", "odd=1,3", "input=8,32", "act=relu,gelu"]
    _, rows = swept(file, over)
    assert len(rows) == 96
    assert {bool(row["problem"]) for row in rows} == {True, False}
    for row in rows:
        expected = alone(file, row)
        assert bool(row["problem"]) == (expected is None), row
        if expected is not None:
            assert {name: row[name] for name in METRICS} == expected
        else:
            assert all(row[name] is None for name in METRICS)


def test_conditions_keep_the_rows_for_which_they_hold() -> None:
    over = ["width=0.35:1.4:0.05", "input=96:224:32"]
    _, rows = swept("mobilenet_v2", over)
    where = ["params <= 3M", "width > 0.5 and height >= 128 or macs < 15M"]
    _, kept = swept("mobilenet_v2", over, where=where)
    assert kept == [
        row
        for row in rows
        if row["params"] <= 3_000_000
        and ((row["width"] > 0.5 and row["input"] >= 128) or row["macs"] < 15_000_000)
    ]
    assert 0 < len(kept) < len(rows)


def test_parts_of_any_size_have_the_same_rows_and_the_same_best_ones() -> None:
    over = ["width=0.35:1.4:0.15", "input=96:224:32"]
    more: dict[str, Any] = {"metrics": ["params", "macs"], "pareto": ["macs", "-params"]}
    _, rows = swept("mobilenet_v2", over, **more)
    found = resolve("mobilenet_v2")
    for chunk in (5, 7, 50):
        wanted = plan(factors(over), **more, chunk=chunk)
        tally = Tally(wanted)
        sweep = Sweep(wanted, lambda: NetworkSource(found), Assumptions())
        for number in range(sweep.parts):
            tally.add(sweep.part(number))
        assert tally.counts.rows == len(rows)
        whole = [tuple(row.values()) for row in rows]
        assert tally.best == best(wanted, whole)
        assert tally.shown == sorted(tally.best, key=order(wanted))[:20]


def test_at_least_twenty_rows_are_computed_once_more() -> None:
    found = resolve("vgg11")
    for chunk in (4, 9, 100):
        wanted = plan(factors(["input=32:228:4"]), metrics=["macs"], chunk=chunk)
        sweep = Sweep(wanted, lambda: NetworkSource(found), Assumptions())
        checked = sum(sweep.part(number).counts.checked for number in range(sweep.parts))
        assert 20 <= checked <= 50


def test_the_first_difference_ends_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Runner.run

    def wrong(self: Runner, columns: Any) -> dict[str, list[Any]]:
        found = run(self, columns)
        found["macs"] = [each + 1 for each in found["macs"]]
        return found

    monkeypatch.setattr(Runner, "run", wrong)
    with pytest.raises(Differs):
        swept("vgg11", ["input=32:64:4"], metrics=["macs"])


def test_what_lanes_cannot_do_the_ordinary_path_does(monkeypatch: pytest.MonkeyPatch) -> None:
    _, rows = swept("vgg11", ["input=32:64:4"])

    def broken(*_: Any) -> dict[str, list[Any]]:
        raise ZeroDivisionError

    monkeypatch.setattr(Runner, "run", broken)
    assert swept("vgg11", ["input=32:64:4"])[1] == rows


def test_a_plan_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoFactor, match="has no param 'widht'"):
        swept("mobilenet_v2", ["widht=1,2"])
    with pytest.raises(SpaceError, match="not swept"):
        swept("mobilenet_v2", ["input=96,128"], where=["width > 3"])
    with pytest.raises(SpaceError, match="not numbers"):
        plan(factors(["act=relu,gelu"]), by="act")
    with pytest.raises(SpaceError, match="has the name of a column"):
        plan(factors(["params=1,2"]))
    with pytest.raises(SpaceError, match="nothing is swept"):
        plan([])
    with pytest.raises(SpaceError, match="rows"):
        plan(factors(["a=[1:9999,1:9999,1:9999]"])).rows()
    with pytest.raises(convcalc.UnknownName, match="unknown metric"):
        plan(factors(["a=1,2"]), metrics=["parmas"])
    path = tmp_path / "two.convcalc.yaml"
    path.write_text(
        "convcalc: 1\ninputs: {a: [1, 4, 4], b: [1, 4, 4]}\nlayers: [add: [a, b]]\n", "utf-8"
    )
    with pytest.raises(TargetError, match="2 inputs"):
        swept(str(path), ["input=4,8"])
    path.write_text("convcalc: 1\ninput: [1, 4, 4]\nlayers: [conv: {out: 3, k: }", "utf-8")
    with pytest.raises(NetworkError):
        swept(str(path), ["input=4,8"])


def test_a_file_that_changes_meanwhile_ends_a_sweep(tmp_path: Path) -> None:
    file = Path(stack(tmp_path))
    target = resolve(str(file))
    wanted = plan(factors(["width=4:40"]), metrics=["macs"], chunk=10)
    with opened():
        sweep = Sweep(wanted, lambda: NetworkSource(target), Assumptions())
        sweep.part(0)
        file.write_text(STACK.replace("k: 5", "k: 3"), "utf-8")
        with pytest.raises(TargetError, match="was changed"):
            sweep.part(1)
