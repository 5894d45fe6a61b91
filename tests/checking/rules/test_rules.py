"""Every rule has a page, a file that breaks it, and one that does not.

``tests/rules/CODE`` holds ``bad`` and ``good``, a network file or a folder with a file of
budgets, and in ``bad.txt`` the whole text that the bad one gives. The network files are the two
examples of the rule's page, below a head that all of them share, or with an input of their own.
``CONVCALC_UPDATE_GOLDEN=1 pytest tests/checking/rules`` writes them and the texts anew, those of a
new rule too. A rule about what a tree is held to also has ``before``, which is what the policy
says: a git repository is made of it, in which the others are what changed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import Command
from gitrepo import repository
from kept import kept
from places import ROOT, TESTS
from shipped import FILES, names_of, network, report

from convcalc.checking.budgets.pins import check_pins
from convcalc.checking.discovery import discover
from convcalc.checking.rules import design_rules, find_rule, findings, page, summary
from convcalc.checking.run import Checked, Options, Run
from convcalc.checking.suppression import Silence
from convcalc.cli import main
from convcalc.diagnostics.codes import BY_NAME, RULES, Rule
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.language.sources.shipped import shipped_folder
from convcalc.model.operators.contract import Problem
from convcalc.output.findings.base import View, chunks

FOLDER = TESTS / "rules"
PACKAGE = ROOT / "convcalc" / "checking" / "rules"
HEAD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\n"
HELD = [code for code in RULES if code.startswith("CC4")]  # about what a tree is held to
NO_FILE = "CC000"  # its example is a file that is not there


def blocks(text: str) -> list[str]:
    """The indented examples of a page, without their margin."""
    found = re.findall(r"(?:^    .*\n?)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() for block in found]


def examples(code: str) -> Path:
    """The folder of the examples; those of one file are the page's own."""
    wrong, right = blocks(page(RULES[code]))
    for kind, block in (("bad", wrong), ("good", right)):
        if code != NO_FILE and not (FOLDER / code / kind).is_dir():
            head = HEAD if "input:" not in block else HEAD.replace("input: [3, 32, 32]\n", "")
            text = f"{head}{block}\n"
            assert kept(FOLDER / code / f"{kind}.convcalc.yaml", text) == text
    return FOLDER / code


@pytest.fixture
def at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], None]:
    """Makes the folder of a rule's examples the current one, with the policy that it may need."""

    def go(code: str) -> None:
        folder = examples(code)
        if code in HELD:
            monkeypatch.setenv("CONVCALC_POLICY", "HEAD")
            folder = with_policy(folder, tmp_path_factory.mktemp(code))
        monkeypatch.chdir(folder)

    return go


def with_policy(folder: Path, made: Path) -> Path:
    """A repository in which both examples were once as ``before`` is."""
    before = [
        path for path in folder.rglob("*") if path.relative_to(folder).parts[0][:6] == "before"
    ]
    files = {
        str(path.relative_to(folder)).replace("before", kind, 1): path.read_text("utf-8")
        for path in before
        if path.is_file()
        for kind in ("bad", "good")
    }
    repository(made, files)
    for path in files:
        (made / path).unlink()
    shutil.copytree(folder, made, dirs_exist_ok=True)
    return made


def example(code: str, kind: str) -> str:
    """What is checked: a file, or the folder that holds the budgets and their network."""
    file = f"{kind}.convcalc.yaml"
    return file if os.path.lexists(FOLDER / code / file) else kind


def text_of(code: str, kind: str) -> str:
    return "\n".join(chunks("full", results_of(code, kind), View())) + "\n"


def codes_of(code: str, kind: str) -> list[str]:
    return [found.code for result in results_of(code, kind) for found in result.findings]


def results_of(code: str, kind: str) -> Iterator[Checked]:
    run = Run(Options(policy="HEAD" if code in HELD else ""))
    words = [example(code, kind)]
    return run.check(discover(words, policy=run.held), words=words)


@pytest.mark.parametrize("code", RULES)
def test_the_bad_file_breaks_its_rule_and_no_other(
    code: str, at_home: Callable[[str], None]
) -> None:
    at_home(code)
    text = text_of(code, "bad")
    assert text == kept(FOLDER / code / "bad.txt", text)
    assert set(codes_of(code, "bad")) == {code}


@pytest.mark.parametrize("code", RULES)
def test_the_good_file_breaks_no_rule(code: str, at_home: Callable[[str], None]) -> None:
    at_home(code)
    assert codes_of(code, "good") == []


@pytest.mark.parametrize("code", RULES)
def test_the_exit_code_follows_from_the_severity(
    code: str, at_home: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    at_home(code)
    expected = 2 if code == "CC000" else int(RULES[code].severity == "error")
    assert main(["check", example(code, "bad")]) == expected
    assert main(["check", example(code, "bad"), "--strict"]) == max(expected, 1)
    assert main(["check", example(code, "good"), "--strict"]) == 0
    capsys.readouterr()


# --- pages -------------------------------------------------------------------------------------


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    pages = {path.name for path in (PACKAGE / "pages").iterdir()}
    assert pages == {f"{rule.code}-{rule.name}.md" for rule in RULES.values()}
    assert {path.name for path in FOLDER.iterdir()} == set(RULES)


def test_a_module_here_is_a_rule_about_the_design_of_networks() -> None:
    modules = {path.stem.replace("_", "-") for path in PACKAGE.glob("[a-z]*.py")}
    assert modules == set(design_rules())
    assert [BY_NAME[name].severity for name in design_rules()] == ["warning"] * len(modules)


def test_codes_and_names_are_unique_and_in_order() -> None:
    assert list(RULES) == sorted(RULES)
    assert len(BY_NAME) == len(RULES)
    for code, rule in RULES.items():
        assert (rule.code, rule.severity in ("error", "warning")) == (code, True)


def test_a_problem_has_the_severity_of_its_rule_unless_another_is_given() -> None:
    place = Place("x.yaml", 1, 1)
    for name, rule in BY_NAME.items():
        assert Diagnostic(name, "message", place).severity == rule.severity
        assert Diagnostic(name, "message", place, severity="warning").severity == "warning"
        assert Problem(name, "", "message").is_error == (rule.severity == "error")
        assert not Problem(name, "", "message", severity="warning").is_error


@pytest.mark.parametrize("code", [code for code in RULES if (FOLDER / code / "bad").is_dir()])
def test_the_page_shows_what_the_folders_hold(code: str) -> None:
    wrong, right = blocks(page(RULES[code]))
    for kind, block in (("bad", wrong), ("good", right)):
        files = [path for path in (FOLDER / code / kind).rglob("*") if path.is_file()]
        files = [path for path in files if path.suffix != ".onnx"]
        assert any(block in path.read_text("utf-8") for path in files), kind


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_page_says_what_why_and_how_to_mend_it(rule: Rule) -> None:
    text = page(rule)
    assert summary(rule).endswith(".")
    assert len(summary(rule)) <= 100
    for part in ("Why: ", "Example:", "Fix: "):
        assert text.count(f"\n{part}") == 1


def test_a_rule_is_found_by_its_code_or_its_name() -> None:
    assert find_rule("CC201") == find_rule("cc201") == find_rule("gridding")
    for wrong, advice in (
        ("CC2O1", "use 'CC201'"),
        ("griding", "use 'gridding'"),
        ("xyz", "'convcalc list rules' shows them all"),
    ):
        with pytest.raises(UnknownName) as caught:
            find_rule(wrong)
        assert caught.value.help == advice


def test_rule_and_list_rules_print_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "CC201"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("CC201 gridding (warning)\n\n")
    assert " ".join(page(BY_NAME["gridding"]).split()) in " ".join(out.split())
    assert main(["rule", "gridding", "-f", "json"]) == 0
    assert '"code": "CC201"' in capsys.readouterr().out
    assert main(["rule", "nothing"]) == 2
    assert "list rules" in capsys.readouterr().err
    assert main(["list", "rules", "-f", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == list(RULES)


# --- what ships --------------------------------------------------------------------------------


@pytest.mark.shipped
@pytest.mark.exhaustive
@pytest.mark.parametrize("file", FILES)
def test_no_rule_finds_anything_in_what_ships(file: str) -> None:
    silence = Silence()
    for each in map(network, names_of(file)):
        silence.add(each.sources)
        found = [*each.problems, *findings(each)]
        assert [str(p) for p in found if not silence.silences(p, each.file)] == []
        assert [v for v in check_pins(each, report(each.name), "") if v.findings] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("file", FILES)
def test_what_ships_is_clean(file: str, convcalc: Command) -> None:
    ran = convcalc(f"check {shipped_folder() / file} --strict")
    assert ran.code == 0
    assert ran.out.startswith("Found 0 errors, 0 warnings in ")


def test_the_shipped_blocks_are_clean(convcalc: Command) -> None:
    assert convcalc(f"check {shipped_folder() / 'blocks'} --strict").code == 0
