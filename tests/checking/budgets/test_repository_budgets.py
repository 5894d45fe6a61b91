"""Budgets of a repository, against earlier states and in the numbers of other tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from budgeted import MACS, NET, PARAMS, broken, holds

from convcalc.checking.budgets.repository import read_budgets
from convcalc.checking.discovery import discover
from convcalc.checking.run import Options, Run
from convcalc.cli import main
from convcalc.diagnostics.diagnostic import Diagnostic


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("convcalc.toml").write_text("ignore = ['CC104', 'CC201']\n", "utf-8")


# --- a repository's budgets ----------------------------------------------------------------------

REPOSITORY = """\
convcalc-budgets: 1
budgets:
- name: edge
  models: ["*.convcalc.yaml"]
  %s
"""


def repository(lines: str, *words: str) -> list[Diagnostic]:
    Path("net.convcalc.yaml").write_text(NET, "utf-8")
    indented = lines.replace("\n", "\n  ")
    Path("convcalc.budgets.yaml").write_text(REPOSITORY % indented, "utf-8")
    run = Run(Options()).check(discover(words or ["."]))
    return [found for result in run for found in result.findings]


def test_every_input_must_pass() -> None:
    inputs = "inputs: [3x32x32, '3x64x64', [3, 16, 16]]"
    found = repository(f"variants: net\n{inputs}\nassert: {{macs: {{max: {MACS}}}}}")
    assert [each.within for each in found] == [
        "model: net.convcalc.yaml   variant: base   input: 3×64×64"
    ]
    (found_rank,) = repository("variants: net\ninputs: 3x32\nassert: {macs: {max: 1T}}")
    assert found_rank.code == "CC108"
    small = repository("variants: net\ninputs: 3x2x2\nassert: {macs: {max: 1T}}")
    assert [each.code for each in small] == ["CC105"]


def test_only_the_named_variants_are_held() -> None:
    lines = f"assert: {{params: {{max: {PARAMS}}}}}"
    assert [f.code for f in repository(lines)] == ["CC301"]
    assert [f.code for f in repository(f"variants: all\n{lines}")] == ["CC301"]
    assert repository(f"variants: [net]\n{lines}") == []


def test_rules_get_other_severities() -> None:
    Path("convcalc.toml").write_text("ignore = ['CC201']", "utf-8")
    assert [f.severity for f in repository("rules: {CC104: warning}")] == ["warning"]
    assert [f.severity for f in repository("rules: {CC104: error}")] == ["error"]
    assert repository("rules: {CC104: ignore}") == []
    assert {f.code for f in repository("rules: {CC104: off}")} == {"CC104", "CC008"}


def test_the_message_of_a_budget_is_shown_on_failure() -> None:
    (found,) = repository("message: ask the team\nvariants: net\nassert: {params: {max: 1}}")
    assert found.notes[-1] == "note: ask the team"


@pytest.mark.parametrize(
    "lines",
    [
        "asert: {params: {max: 1T}}",
        "assert: {prams: {max: 1T}}",
        "rules: {CC999: error}",
        "rules: {CC104: sometimes}",
        "inputs: 3x32x32x\nassert: {params: {max: 1T}}",
        "inputs: [0x1]\nassert: {params: {max: 1T}}",
        "compare: {base: [a]}\nassert: {params: {max: 1T}}",
        "name: twice\nassert: {params: {max: 1T}}",
        "variants: [wde]\nassert: {params: {max: 1T}}",
        "message: [a]\nassert: {params: {max: 1T}}",
    ],
)
def test_what_is_wrong_in_a_file_of_budgets_fails(lines: str) -> None:
    found = repository(lines)
    assert [each.severity for each in found] == ["error"] * len(found)
    assert found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: 1",
        "convcalc-budgets: 2\nbudgets: []",
        "convcalc-budgets: 1\nbudgets: {}",
        "convcalc-budgets: 1\nbudgets: [3]",
        "convcalc-budgets: 1\nbudgets: [{}]",
        "convcalc-budgets: 1\nbudgets: [{name: a, models: [x]}, {name: a, models: [x]}]",
    ],
)
def test_a_file_that_is_no_file_of_budgets_says_so(text: str) -> None:
    _, problems = read_budgets(text, "b.yaml")
    assert problems


def test_the_option_names_another_file(capsys: pytest.CaptureFixture[str]) -> None:
    repository("assert: {params: {max: 1T}}")
    Path("strict.yaml").write_text(REPOSITORY % "assert: {params: {max: 1}}", "utf-8")
    assert main(["check", "net.convcalc.yaml"]) == 0
    assert main(["check", "net.convcalc.yaml", "--budgets", "strict.yaml"]) == 1
    assert main(["check", "net.convcalc.yaml", "--budgets", "nowhere.yaml"]) == 2
    capsys.readouterr()


# --- changes -----------------------------------------------------------------------------------


def save(text: str, path: str = "before.json") -> None:
    Path("old.convcalc.yaml").write_text(text, "utf-8")
    assert main(["show", "old.convcalc.yaml", "-f", "json", "-o", path]) == 0
    Path("old.convcalc.yaml").unlink()


@pytest.mark.parametrize(
    ("bound", "ok"),
    [
        ("max_increase: 10%", True),
        ("max_increase: 0", False),
        ("max_increase: 112", True),
        ("max_increase: 111", False),
        ("max_decrease: 0", True),
        ("max_increase: 7.9%", True),
        ("max_increase: 7.8%", False),
    ],
)
def test_growth_since_a_saved_report(bound: str, ok: bool) -> None:
    # 216 + 1152 + 58 = 1426 before, 1538 now: 112 more, 7.854 %
    save(
        NET.replace("out: 10", "out: 10, bias: false").replace(
            "linear: {out: 10, bias: false}", "linear: {out: 3, bias: true}"
        )
    )
    payload = json.loads(Path("before.json").read_text("utf-8"))
    before = 216 + 1152 + 51
    assert payload["totals"]["params"] == before
    payload["totals"]["params"] = 1426
    Path("before.json").write_text(json.dumps(payload), "utf-8")
    assert holds(f"compare: {{base: before.json}}\n  params: {{{bound}}}") == ok


def test_loss_since_a_saved_report() -> None:
    save(NET.replace("out: 10", "out: 20"))
    assert holds("compare: {base: before.json}\n  params: {max_decrease: 170}")
    ((kind, message),) = broken("compare: {base: before.json}\n  params: {max_decrease: 5%}")
    assert kind == "error CC306"
    assert message == (
        "params fell from 1.708 k in before.json to 1.538 k (-10.0 %), by more than 5%"
    )
    for metric in ("macs", "memory", "activations", "layers", "receptive_field"):
        assert holds(f"compare: {{base: before.json}}\n  {metric}: {{max_increase: 0}}"), metric


def test_a_report_at_another_input_is_no_base() -> None:
    save(NET)
    lines = "variants: net\ncompare: {base: before.json}\nassert: {macs: {max_increase: 0}}"
    assert repository(lines) == []
    assert repository(f"inputs: 3x32x32\n{lines}") == []
    (found,) = repository(f"inputs: 3x64x64\n{lines}")
    assert found.message == "nothing to compare with: before.json was saved at another input"


def test_a_base_that_is_not_there_fails_and_says_why() -> None:
    ((kind, message),) = broken("compare: {base: nowhere.json}\n  params: {max_increase: 0}")
    assert kind == "error CC310"
    assert message == "nothing to compare with: cannot read nowhere.json: no such file or directory"
    save(NET.replace("name: net", "name: other"))
    ((kind, _),) = broken("compare: {base: before.json}\n  params: {max_increase: 0}")
    assert kind == "error CC310"
    assert holds("compare: {base: before.json, missing: pass}\n  params: {max_increase: 0}")
    ((kind, _),) = broken("compare: {base: HEAD}\n  params: {max_increase: 0}")
    assert kind == "error CC310"


# --- the numbers of other tools --------------------------------------------------------------


def test_a_budget_can_be_held_in_the_numbers_of_another_tool() -> None:
    # Keras counts running statistics as parameters; ptflops adds a bias of 10 to the MACs, and 2
    # per input element of the pooling
    normed = NET.replace("- global_avg_pool", "- batch_norm\n- global_avg_pool")
    assert holds(f"params: {{equals: {PARAMS + 4 * 16}, convention: keras}}", normed)
    assert holds(f"params: {{equals: {PARAMS + 2 * 16}}}", normed)
    assert holds(f"macs: {{equals: {MACS + 10 + 2 * 16 * 225}, convention: ptflops}}")
    assert holds("macs: {equals: 48600, at: stem, convention: ptflops}")
    ((_, message),) = broken("macs: {max: 1k, convention: thop}")
    assert message.startswith("macs by thop ")


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ("macs: {max: 1M, convention: thopp}", "unknown convention 'thopp'; use 'thop'"),
        ("activations: {max: 1M, convention: thop}", "thop has no activations, only macs"),
    ],
)
def test_what_a_tool_does_not_tell_is_unknown(
    budget: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ((code, _),) = broken(budget)
    assert code == "error CC310"
    assert main(["check"]) == 1
    assert f"why: {reason}" in capsys.readouterr().out
