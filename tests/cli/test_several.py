"""``convcalc show`` of several targets: the same on one core and on all, each as by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checked import FAILS, GOOD, WARNS, write
from command import Command

from convcalc.checking import processes
from convcalc.language.sources.kept import VARIABLE

NAMES = [f"n{number}.convcalc.yaml" for number in range(14)]
FORMS = ["", "-f json", "-f csv --sort params", "--top 3 -f markdown", "-f json --batch 2"]

pytestmark = pytest.mark.usefixtures("folder")


def make(*odd: str) -> str:
    """Networks of several widths, and odd texts in the place of the last ones."""
    texts = [WARNS.replace("8", str(number + 1)) for number in range(len(NAMES))]
    texts[len(NAMES) - len(odd) :] = odd
    for name, text in zip(NAMES, texts, strict=True):
        write(name, text)
    return f"show {' '.join(NAMES)}"


def on(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "jobs_for", lambda _count: cores)


@pytest.mark.parametrize("options", FORMS)
def test_one_core_and_three(
    options: str, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"{make(GOOD.replace('[3, 32', '[32, 3'), FAILS)} {options}"
    on(1, monkeypatch)
    alone = convcalc(line)
    assert alone.code == 1
    assert "unknown-operator" in alone.err or "rleu" in alone.err
    for cores in (2, 3):
        on(cores, monkeypatch)
        assert convcalc(line) == alone


def test_each_is_what_it_is_alone(convcalc: Command) -> None:
    ran = convcalc(f"{make()} -f json")
    together = json.loads(ran.out)
    assert together == [json.loads(convcalc(f"show {name} -f json").out) for name in NAMES]
    assert ran.out.count("\n") == len(NAMES) + 2  # a line each


def test_variants_and_inputs_of_each(convcalc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"{make()} -i 3x64x64 -i 3x48x48 -f csv"
    on(3, monkeypatch)
    rows = convcalc(line).out.splitlines()
    assert len(rows) == 1 + 2 * len(NAMES)
    on(1, monkeypatch)
    assert convcalc(line).out.splitlines() == rows


@pytest.mark.parametrize("cores", [1, 3])
def test_one_that_cannot_be_read(
    cores: int, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make()
    on(cores, monkeypatch)
    Path(NAMES[7]).unlink()
    ran = convcalc(line)
    assert (ran.code, ran.out) == (2, "")
    assert NAMES[7] in ran.err
    ran = convcalc(f"{make()} --variant nosuch")
    assert (ran.code, ran.out) == (2, "")
    assert f"{NAMES[0]} has no variant 'nosuch'" in ran.err


@pytest.mark.parametrize("cores", [1, 3])
def test_all_share_the_work_that_is_allowed(
    cores: int, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make()
    on(cores, monkeypatch)
    assert convcalc(f"{line} --limit work=100000").code == 0
    ran = convcalc(f"{line} --limit work=700")
    assert (ran.code, ran.out) == (2, "")
    assert "more than 5,600 units of work" in ran.err


def test_what_other_processes_read_is_noted(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path_factory.mktemp("cache") / "kept"))
    line = f"{make()} -f csv"
    on(3, monkeypatch)
    first = convcalc(line)
    assert convcalc(line) == first
    write(NAMES[9], WARNS.replace("8", "77"))
    assert convcalc(line) == convcalc(f"{line} --no-cache") != first
    assert convcalc(f"{line} -o {NAMES[5]}").code == 2  # which is an input
