"""``convcalc.testing``: what an assertion says, and what it refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from gitrepo import commit, repository

import convcalc
from convcalc.testing import assert_budget

NET = """\
convcalc: 1
name: net
input: [3, 16, 16]
params: {c: 8}
variants: {net_wide: {c: 16}}
layers:
  - {conv: {out: c, k: 3, p: 1}, id: body}
  - global_avg_pool
  - linear: {out: 10}
"""
PARAMS = {8: 3 * 9 * 8 + 8 + 8 * 10 + 10, 16: 3 * 9 * 16 + 16 + 16 * 10 + 10}


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("net.convcalc.yaml").write_text(NET, "utf-8")
    return "net.convcalc.yaml"


def failure(*arguments: Any, **metrics: Any) -> list[str]:
    with pytest.raises(AssertionError) as caught:
        assert_budget(*arguments, **metrics)
    return str(caught.value).split("\n")


def test_what_holds_is_silent(net: str) -> None:
    assert_budget(
        Path(net),
        params={"max": PARAMS[8], "min": PARAMS[8], "equals": PARAMS[8]},
        macs={"max": "1M"},
        receptive_field={"min": 3, "at": "body"},
        output={"equals": [10]},
        shapes={"body": [8, 16, 16]},
        memory={"max": "1MiB", "dtype": "int8"},
        share={"of": "body", "max": "80%"},
    )


def test_what_is_broken_is_said_with_numbers_and_with_what_is_largest(net: str) -> None:
    assert failure(net, params={"max": 300}, macs={"max": "1M"}, output={"equals": [1000]}) == [
        "net at 3×16×16 breaks 2 of 3 budgets (net.convcalc.yaml)",
        f"  params max 300: {PARAMS[8]} exceeds 300 by 14 (+4.7 %); measured {PARAMS[8]}",
        "    largest: body 71.3 %, linear 28.7 %",
        "  output equals [1000]: the output is 10, not 1000; measured 10",
    ]


def test_variant_and_input_choose_what_is_measured(net: str) -> None:
    assert_budget(net, variant="net_wide", params={"equals": PARAMS[16]})
    assert_budget(f"{net}::net_wide", params={"equals": PARAMS[16]})
    assert_budget("resnet18", inputs=[3, 64, 64], params={"equals": 11689512})
    assert_budget(convcalc.load(net, params={"c": 16}), params={"equals": PARAMS[16]})
    assert failure(net, inputs=[3, 32, 32], macs={"max": 1})[0].startswith("net at 3×32×32 ")
    with pytest.raises(ValueError, match=r"convcalc.load"):
        assert_budget(convcalc.load(net), variant="net_wide", params={"max": 1})


def test_several_bounds_of_one_metric_may_stand_in_a_list(net: str) -> None:
    bounds = [{"min": 3, "at": "body"}, {"min": 4, "at": "body"}]
    assert len(failure(net, receptive_field=bounds)) == 2


def test_a_warning_is_a_warning(net: str) -> None:
    with pytest.warns(UserWarning, match="above the warning level 300"):
        assert_budget(net, params={"max": 400, "warn": 300})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_budget(net, params={"max": 400, "warn": 350})


def test_an_unknown_number_fails(net: str) -> None:
    lines = failure(net, inputs=[3, None, None], macs={"max": "1G"})
    assert lines[1] == "  macs max 1G: macs cannot be known"
    assert_budget(net, inputs=[3, None, None], params={"max": 400})


def test_without_metrics_the_demands_of_the_file_are_asserted(net: str) -> None:
    with pytest.raises(ValueError, match="neither 'budgets' nor 'expect': name a metric"):
        assert_budget(net)
    more = "budgets: {params: {max: 300}}\nexpect: {net: {params: 1}}\n"
    Path(net).write_text(NET + more, "utf-8")
    assert len([line for line in failure(net) if "params" in line]) == 2
    assert_budget("resnet50")


def test_growth_is_measured_against_git_or_a_saved_report(net: str) -> None:
    from convcalc.cli import main

    assert main(["show", net, "-f", "json", "-o", "old.json"]) == 0
    repository(Path(), {net: NET})
    commit(Path(), {net: NET.replace("{c: 8}", "{c: 9}"), "new.convcalc.yaml": NET})
    grown = "grew from 314"
    for base in ("HEAD~1", "old.json"):
        assert_budget(net, compare=base, params={"max_increase": "20%"})
        assert grown in failure(net, compare=base, params={"max_increase": "2%"})[1]
        assert_budget(net, compare={"base": base}, params={"max_decrease": "2%"})
    new = "new.convcalc.yaml"
    passing = {"base": "HEAD~1", "missing": "pass"}
    assert_budget(new, compare=passing, params={"max_increase": 0})
    assert "no such network" in failure(new, compare="HEAD~1", params={"max_increase": 0})[1]
    unknown = failure(net, compare="main2", params={"max_increase": 0})
    assert "unknown revision 'main2'" in unknown[1]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"parms": {"max": 1}}, r"unknown metric 'parms' \(use 'params'\)"),
        ({"params": 3}, "'params' needs its bounds in a mapping"),
        ({"params": {"most": 3}}, "unknown key 'most' in 'params'"),
        ({"params": {"max": "lots"}}, "lots"),
        ({"params": {"max_increase": "2%"}}, "'max_increase' has nothing to compare with"),
    ],
)
def test_bounds_that_make_no_sense_are_no_failed_assertion(
    metrics: dict[str, Any], message: str, net: str
) -> None:
    with pytest.raises(ValueError, match=message):
        assert_budget(net, **metrics)


def test_a_network_with_problems_is_told_as_load_tells_it(net: str) -> None:
    Path(net).write_text(NET.replace("linear", "liner"), "utf-8")
    with pytest.raises(convcalc.NetworkError, match="liner"):
        assert_budget(net, params={"max": 1})
    with pytest.raises(convcalc.TargetError, match="no such file"):
        assert_budget("gone.yaml", params={"max": 1})


def test_pytest_shows_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    """The frames of convcalc itself are hidden."""
    pytester.makepyfile(
        "from convcalc.testing import assert_budget\n"
        "def test_budget():\n"
        "    assert_budget('vgg11', params={'max': '100M'})\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    assert result.parseoutcomes() == {"failed": 1}
    shown = "\n".join(result.outlines)
    assert "vgg11 at 3×224×224 breaks 1 of 1 budgets" in shown
    assert "params max 100M: 132.9 M exceeds 100 M by 32.86 M (+32.9 %)" in shown
    assert "testing.py:" not in shown
