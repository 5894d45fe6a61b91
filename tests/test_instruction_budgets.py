"""Instruction budgets: what is red, what a file keeps, and that every command has one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

sys.path.append(str(ROOT / "benchmarks"))  # behind the tests, which have a module 'shipped' too

import instructions
from measure import budgets
from measure.budgets import Budgets, verdicts

KEPT = Budgets("3.11.7", 100, 1000, {"show": 2000})


def measured(count: int, *, python: str = "3.11.7", yardstick: int = 1000) -> Budgets:
    """A measurement of one command."""
    return KEPT._replace(python=python, yardstick=yardstick, commands={"show": count})


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (2060, ""),
        (2061, "'show' takes 3.0% more instructions than its budget"),
        (1940, ""),
        (1939, "'show' takes 3.0% fewer instructions than its budget; keep what is won"),
    ],
)
def test_three_percent_more_or_less_are_allowed(count: int, words: str) -> None:
    (verdict,) = verdicts(measured(count), KEPT)
    assert verdict.problem.startswith(words)
    assert bool(verdict.problem) == bool(words)


@pytest.mark.parametrize(
    ("python", "yardstick"), [("3.11.9", 800), ("3.11.7", 800), ("3.11.7", 994)]
)
def test_another_python_is_scaled_and_held_to_a_tenth(python: str, yardstick: int) -> None:
    def problem(scaled: int) -> str:
        found = measured(scaled * yardstick // 1000, python=python, yardstick=yardstick)
        return verdicts(found, KEPT)[0].problem

    assert not problem(2000)
    assert not problem(2190)
    assert not problem(1810)
    assert "more" in problem(2210)
    assert "fewer" in problem(1790)


def test_paths_of_another_length_are_the_same_python() -> None:
    (verdict,) = verdicts(measured(2000, yardstick=1004), KEPT)
    assert verdict.scaled == 2000


def test_a_command_without_a_budget_is_told() -> None:
    found = KEPT._replace(commands={"get": 5})
    assert verdicts(found, KEPT)[0].problem.startswith("'get' has no budget; write it: python")


def test_a_file_keeps_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "budgets.toml"
    path.write_text(budgets.text(KEPT), "utf-8")
    assert budgets.read(path) == KEPT


def test_values_are_offered_within_1_3_of_what_an_option_takes() -> None:
    kept = budgets.read(instructions.FILE)
    option = kept.commands[f"{instructions.TAB}show --col"]
    tabs = [name for name in kept.commands if name.startswith(instructions.TAB)]
    assert len(tabs) > 2
    assert all(kept.commands[name] < 1.3 * option for name in tabs)


def test_every_command_that_is_measured_has_a_budget() -> None:
    kept = budgets.read(instructions.FILE)
    assert list(kept.commands) == list(instructions.COMMANDS)
    assert instructions.FILE.read_text("utf-8") == budgets.text(kept)


def test_the_exit_code_and_the_words_say_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert instructions._judged(KEPT, KEPT) == 0
    assert capsys.readouterr().err == ""
    assert instructions._judged(measured(3000), KEPT) == 1
    assert "python benchmarks/instructions.py --update" in capsys.readouterr().err
    assert instructions._judged(measured(3000, python="3.12.1"), KEPT) == 1
    assert "those of another Python, 3.11.7" in capsys.readouterr().err
    gone = KEPT._replace(commands={})
    assert instructions._judged(gone, KEPT) == 1
    assert "'show' has a budget, but is not measured" in capsys.readouterr().err


def test_without_valgrind_nothing_passes(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "benchmarks" / "instructions.py")]
    ran = subprocess.run(
        [*script, "--python", sys.executable],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert ran.returncode == 2
    assert ran.stderr == "error: valgrind is missing; on Debian: apt-get install valgrind\n"
