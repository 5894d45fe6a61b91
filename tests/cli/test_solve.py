"""``solve`` on the command line: answers, the command that reproduces them, mistakes."""

from __future__ import annotations

import json
import shlex

import pytest
from command import Command

pytest.importorskip("numpy", reason="numpy is not installed: 'solve' is not tested")

pytestmark = pytest.mark.usefixtures("folder")


def test_the_command_that_is_printed_reproduces_the_answer(convcalc: Command) -> None:
    given = "mobilenet_v2 --max width=0.5:2:0.05 --and input=64:256:32"
    found = convcalc(f"solve {given} 'macs <= 1G'")
    assert found.code == 0
    command = shlex.split(found.out.splitlines()[-1])
    assert command[:3] == ["convcalc", "show", "mobilenet_v2"]
    macs = next(line.split()[1] for line in found.out.splitlines() if line.startswith("  macs"))
    shown = convcalc(shlex.join(["get", "totals.macs", *command[2:]]))
    assert shown.out.strip() == macs.replace(",", "")


def test_json(convcalc: Command) -> None:
    found = convcalc("solve resnet18 --max input 'macs <= 4G' -f json")
    answer = json.loads(found.out)
    assert answer["best"]["numbers"]["macs"] <= 4_000_000_000 < answer["next"]["numbers"]["macs"]
    assert answer["next"]["breaks"] == ["macs <= 4,000,000,000"]
    forms = json.loads(convcalc("solve resnet18 --form classes -f json").out)
    assert forms[0]["classes"] == [["11176512", "513"]]


def test_nothing_fits(convcalc: Command) -> None:
    found = convcalc("solve mobilenet_v2 --max width 'params <= 5'")
    assert found.code == 1
    assert "nearest: width = 0.1" in found.out
    assert "nothing meets the limits" in found.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--max", "with", "params <= 5M"], "use 'width'"),
        (["--max", "width", "parms <= 5M"], "use 'params'"),
        (["--max", "width"], "needs a limit"),
        (["params <= 5M"], "one of --max NAME"),
        (["--max", "width", "--min", "width", "params <= 5M"], "one of --max NAME"),
        (["--max", "width=1:2:0", "params <= 5M"], "above 0"),
        (["--max", "width=2:1", "params <= 5M"], "ends below its beginning"),
        (["--max", "width=a:b", "params <= 5M"], "a range is FROM:TO:STEP"),
        (["--max", "width", "--step", "-1", "params <= 5M"], "not a step"),
        (["--max", "width", "--and", "classes", "params <= 5M"], "has no end"),
        (["--max", "width", "params 5M"], "not a limit"),
        (["--max", "width", "--set", "width=1", "params <= 5M"], "leave out either"),
        (["--form", "width", "params <= 5M"], "takes no limits"),
        (["--form", "wdth"], "use 'width'"),
        (["--max", "width", "--set", "classes=-3", "params <= 5M"], "the network has a problem"),
    ],
)
def test_mistakes(words: list[str], says: str, convcalc: Command) -> None:
    found = convcalc(shlex.join(["solve", "mobilenet_v2", *words]))
    assert found.code == 2, found.out
    assert says in found.err


def test_a_list_is_not_solved_for(convcalc: Command) -> None:
    found = convcalc("solve densenet121 --max depths 'params <= 5M'")
    assert found.code == 2
    assert "'depths' is not a number" in found.err
    assert "growth, classes, input" in found.err


def test_without_numpy(convcalc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.analysis.sweeps.arrays.HAS_NUMPY", False)
    found = convcalc("solve mobilenet_v2 --max width 'params <= 5M'")
    assert found.code == 2
    assert "pip install numpy" in found.err


def test_a_model_has_no_params(convcalc: Command) -> None:
    found = convcalc("solve missing.onnx --max input 'macs <= 4G'")
    assert found.code == 2
