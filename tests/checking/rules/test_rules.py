"""Every rule has a page, a file that breaks it, and one that does not.

``tests/rules/CODE`` holds ``bad`` and ``good``, a network file or a folder with a file of
budgets, and in ``bad.txt`` the whole text that the bad one gives. The page of a rule shows what
matters of both. ``CONVCALC_UPDATE_GOLDEN=1 pytest tests/checking/rules``
writes the texts anew.
"""

from __future__ import annotations

import os
import re

import pytest
from command import Command
from kept import kept
from places import ROOT, TESTS
from shipped import FILES, names_of, network, report

from convcalc.checking.budgets.pins import pinned
from convcalc.checking.discovery import discovered
from convcalc.checking.rules import DESIGN, findings, is_warning, module, page, rule_name, summary
from convcalc.checking.run import Options, Run
from convcalc.checking.suppression import Silence
from convcalc.cli import main
from convcalc.diagnostics.codes import CODES, RULES
from convcalc.language.sources.shipped import shipped_folder
from convcalc.output.findings.base import View, chunks

FOLDER = TESTS / "rules"
PACKAGE = ROOT / "convcalc" / "checking" / "rules"


def example(code: str, kind: str) -> str:
    """What is checked: a file, or the folder that holds the budgets and their network."""
    file = f"{kind}.convcalc.yaml"
    return file if os.path.lexists(FOLDER / code / file) else kind


def text_of(code: str, kind: str) -> str:
    results = Run(Options()).checked(discovered([example(code, kind)]))
    return "\n".join(chunks("full", results, View())) + "\n"


def codes_of(code: str, kind: str) -> list[str]:
    results = Run(Options()).checked(discovered([example(code, kind)]))
    return [found.code for result in results for found in result.findings]


@pytest.mark.parametrize("code", RULES)
def test_the_bad_file_breaks_its_rule_and_no_other(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER / code)
    text = text_of(code, "bad")
    assert text == kept(FOLDER / code / "bad.txt", text)
    assert set(codes_of(code, "bad")) == {code}


@pytest.mark.parametrize("code", RULES)
def test_the_good_file_breaks_no_rule(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / code)
    assert codes_of(code, "good") == []


@pytest.mark.parametrize("code", RULES)
def test_the_exit_code_follows_from_the_severity(
    code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(FOLDER / code)
    expected = 2 if code == "CC000" else 0 if is_warning(code) else 1
    assert main(["check", example(code, "bad")]) == expected
    assert main(["check", example(code, "bad"), "--strict"]) == max(expected, 1)
    assert main(["check", example(code, "good"), "--strict"]) == 0
    capsys.readouterr()


# --- pages -------------------------------------------------------------------------------------


def test_every_rule_has_a_module_and_every_module_a_rule() -> None:
    modules = {path.stem for path in PACKAGE.glob("[a-z]*.py")}
    assert modules == {name.replace("-", "_") for name in CODES}
    assert {path.name for path in FOLDER.iterdir()} == set(RULES)
    assert set(DESIGN) == {name for name in CODES if hasattr(module(name), "findings")}


def blocks(text: str) -> list[str]:
    """The indented examples of a page, without their margin."""
    found = re.findall(r"(?:^    .*\n?)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() for block in found]


@pytest.mark.parametrize("code", [code for code in RULES if code != "CC000"])
def test_the_page_shows_what_the_files_hold(code: str) -> None:
    wrong, right = blocks(page(RULES[code]))
    for kind, block in (("bad", wrong), ("good", right)):
        path = FOLDER / code / example_name(code, kind)
        assert block in path.read_text("utf-8"), kind


def example_name(code: str, kind: str) -> str:
    single = f"{kind}.convcalc.yaml"
    return single if (FOLDER / code / single).exists() else f"{kind}/convcalc.budgets.yaml"


@pytest.mark.parametrize("name", CODES)
def test_a_page_says_what_why_and_how_to_mend_it(name: str) -> None:
    text = page(name)
    assert summary(name).endswith(".")
    assert len(summary(name)) <= 100
    for part in ("Why: ", "Example:", "Fix: "):
        assert text.count(f"\n{part}") == 1


def test_a_rule_is_found_by_its_code_or_its_name() -> None:
    assert rule_name("CC201") == rule_name("cc201") == rule_name("gridding") == "gridding"
    for wrong, close in (("CC2O1", "CC201"), ("griding", "gridding"), ("xyz", "")):
        with pytest.raises(KeyError) as caught:
            rule_name(wrong)
        assert caught.value.args == (close,)


def test_rule_and_list_rules_print_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "CC201"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("CC201 gridding (warning)\n\n")
    assert page("gridding") in out
    assert main(["rule", "gridding", "-f", "json"]) == 0
    assert '"code": "CC201"' in capsys.readouterr().out
    assert main(["rule", "nothing"]) == 2
    assert "list rules" in capsys.readouterr().err
    assert main(["list", "rules", "-f", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == list(RULES)


# --- what ships --------------------------------------------------------------------------------


@pytest.mark.shipped
@pytest.mark.parametrize("file", FILES)
def test_no_rule_finds_anything_in_what_ships(file: str) -> None:
    silence = Silence()
    for each in map(network, names_of(file)):
        silence.add(each.sources)
        found = [*each.problems, *findings(each)]
        assert [str(p) for p in found if not silence.silences(p, each.file)] == []
        assert [v for v in pinned(each, report(each.name), "") if v.findings] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("file", FILES)
def test_what_ships_is_clean(file: str, convcalc: Command) -> None:
    ran = convcalc(f"check {shipped_folder() / file} --strict")
    assert ran.code == 0
    assert ran.out.startswith("Found 0 errors, 0 warnings in ")


def test_the_shipped_blocks_are_clean(convcalc: Command) -> None:
    assert convcalc(f"check {shipped_folder() / 'blocks'} --strict").code == 0
