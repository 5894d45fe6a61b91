"""The budget of work: who spends, who is named, and what is allowed."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from command import Command

import convcalc
from convcalc.diagnostics.suggestion import nearest
from convcalc.diagnostics.work import (
    MOST_SHARES,
    MOST_WORK,
    TooMuchWork,
    Work,
    check_total,
    current,
    limits,
)

LOOP = "convcalc: 1\ninput: [8, 9]\nlayers:\n- relu\n- {tanh: {}, repeat: 30000}\n"
LISTS = "convcalc: 1\ninput: [8, 9]\nparams: {a: [1], b: [a, a]}\nlayers: [relu]\n"


def test_the_last_unit_is_allowed_and_the_next_is_not() -> None:
    work = Work(10)
    work.spend(6, "a")
    work.spend(4, "b")
    with pytest.raises(TooMuchWork, match="more than 10 units of work, 6 of them for a"):
        work.spend(1, "b")
    assert work.spent == 11


def test_the_error_stays_the_same_and_can_be_pickled() -> None:
    work = Work(1)
    errors = []
    for part in "ab":
        with pytest.raises(TooMuchWork) as caught:
            work.spend(5, part)
        errors.append(caught.value)
    assert errors[0] is errors[1]
    assert pickle.loads(pickle.dumps(errors[0])).message == errors[0].message


def test_a_budget_is_open_within_and_none_outside() -> None:
    assert current() is not current()
    with Work(5) as work, current() as same:
        assert same is work is current()
        with Work(7) as inner:
            assert current() is inner
        assert current() is work
    assert current() is not work


def test_shares_spend_together() -> None:
    work = Work(10)
    for _ in range(MOST_SHARES + 1):
        with work.share() as share:
            share.spend(10, "a")
    with pytest.raises(TooMuchWork, match="files before"):
        work.share()
    check_total(MOST_SHARES * 10, 10)
    with pytest.raises(TooMuchWork, match="files before"):
        check_total(MOST_SHARES * 10 + 1, 10)


@pytest.mark.parametrize("wrong", [{"layer": 3}, {"work": 0}, {"work": True}, {"work": 1.5}])
def test_a_limit_is_a_number_of_a_name(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a limit is a number from 1"):
        limits(**wrong)


def test_suggestions_end() -> None:
    choices = [f"name_{n}" for n in range(900)]
    with Work(10**9):
        found = [nearest(f"nam_{n}", choices) for n in range(100)]
    assert found[:20] == [f"name_{n}" for n in range(20)]
    assert not any(found[30:])
    assert nearest("nam_1", choices) == "name_1"  # each run has its own


def network(text: str, folder: Path) -> str:
    path = folder / "n.convcalc.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_each_call_from_python_has_its_own_work(tmp_path: Path) -> None:
    path = network(LOOP, tmp_path)
    for _ in range(10):  # more than one budget together
        assert len(convcalc.load(path).layers) == 30_001
    with limits(work=10_000), pytest.raises(convcalc.NetworkError) as caught:
        convcalc.load(path)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.place.line) == ("CC013", 5)
    assert "for items and layers" in problem.message
    with limits(layers=100), pytest.raises(convcalc.NetworkError):
        convcalc.load(path)


def test_analysis_spends_too() -> None:
    network = convcalc.load("resnet18")
    with limits(work=100), pytest.raises(TooMuchWork, match="reports of layers"):
        convcalc.analyse(network)


@pytest.mark.parametrize(
    ("text", "line", "part"), [(LOOP, 5, "items and layers"), (LISTS, 3, "values of lists")]
)
def test_check_names_what_took_most_and_where(
    text: str, line: int, part: str, tmp_path: Path, convcalc: Command
) -> None:
    text = text.replace("b: [a, a]", "".join(f"b{n}: [{x}, {x}], " for n, x in enumerate(NAMES)))
    ran = convcalc(f"check {network(text, tmp_path)} --limit work=20000")
    assert ran.code == 1
    assert "error[CC013] too-large: more than 20,000 units of work" in ran.out
    assert part in " ".join(ran.out.split())
    assert f"n.convcalc.yaml:{line}:" in ran.out


NAMES = ["a", *(f"b{n}" for n in range(20))]


def test_the_command_line_raises_and_lowers(tmp_path: Path, convcalc: Command) -> None:
    path = network(LOOP, tmp_path)
    assert convcalc(f"get totals.layers {path} --limit work=9").code == 2
    assert "too large" in convcalc(f"get totals.layers {path} --limit work=9").err
    assert convcalc(f"get totals.layers {path} --limit work={10 * MOST_WORK}").out == "30001\n"
    assert convcalc(f"check {path} --limit layers=20").code == 1
    assert convcalc(f"check {path} --limit nodes=100,layers=40000").code == 0
    assert "use 'layers'" in convcalc(f"check {path} --limit layer=20").err
    assert "not a number from 1" in convcalc(f"check {path} --limit layers=0").err


def test_settings_only_lower(tmp_path: Path, convcalc: Command) -> None:
    path = network(LOOP, tmp_path)
    settings = tmp_path / "convcalc.toml"
    settings.write_text("[limits]\nlayers = 20\n", "utf-8")
    assert convcalc(f"check {path}").code == 1
    settings.write_text("[limits]\nwork = 20\n", "utf-8")
    assert "more than 20 units" in convcalc(f"check {path}").out
    assert convcalc(f"check {path} --limit work=9000000").code == 0
    settings.write_text("[limits]\nlayers = 200001\n", "utf-8")
    ran = convcalc(f"check {path}")
    assert ran.code == 2
    assert "settings only lower a limit" in ran.out + ran.err
    assert "--limit layers=200001" in ran.out + ran.err
