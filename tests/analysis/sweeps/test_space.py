"""The configurations of a sweep, against itertools; words of the command line; drawing."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from convcalc.analysis.sweeps import drawing
from convcalc.analysis.sweeps.drawing import Drawing
from convcalc.analysis.sweeps.space import Factor, Rows, Space, SpaceError
from convcalc.analysis.sweeps.words import factor, factors, span


def expected(space: list[Factor]) -> list[dict[str, Any]]:
    """All configurations, as itertools makes them."""
    values = [
        [list(each) for each in product(*f.parts)] if f.is_list else list(f.parts[0]) for f in space
    ]
    return [dict(zip([f.name for f in space], row, strict=True)) for row in product(*values)]


@pytest.mark.parametrize(
    "words",
    [
        ["a=1:5"],
        ["a=1:3", "b=0.5,0.75", "c=x,y"],
        ["a=[1:3,2|4,6]", "b=1,2"],
        ["b=1:2", "a=[1,2],[3],[4,5,6]", "c=true,false"],
    ],
)
def test_a_space_has_every_combination_in_the_order_of_itertools(words: list[str]) -> None:
    parts = factors(words)
    space = Space(parts)
    rows = expected(parts)
    assert space.count == len(rows)
    assert [space.row(number) for number in range(space.count)] == rows
    columns = space.columns(range(1, space.count))
    assert columns == {name: [row[name] for row in rows[1:]] for name in rows[0]}


def test_a_space_may_be_larger_than_anything_that_is_written_out() -> None:
    space = Space([Factor("a", ((1, 2, 3, 4),) * 60, True)])
    assert space.count == 4**60
    assert space.row(4**60 - 1) == {"a": [4] * 60}
    assert space.row(4**59) == {"a": [2] + [1] * 59}


# --- words ---------------------------------------------------------------------------------------


def values(word: str) -> list[Any]:
    return list(factor(word).parts[0])


def test_steps_are_exact_decimals() -> None:
    assert values("w=0.35:1.4:0.01") == [k / 100 for k in range(35, 141)]
    assert values("w=0.1:0.3:0.1") == [0.1, 0.2, 0.3]  # 0.1 + 0.2 is not 0.3
    assert values("w=1:2:0.5") == [1.0, 1.5, 2.0]
    assert all(type(each) is float for each in values("w=1:2:0.5"))
    assert values("w=96:320:32") == [96, 128, 160, 192, 224, 256, 288, 320]
    assert values("w=96:300:100") == [96, 196, 296]
    assert values("w=-2:2:2") == [-2, 0, 2]
    assert values("w=1k:3k:1k") == [1000, 2000, 3000]


def test_every_range_is_what_fractions_say() -> None:
    for first in range(0, 30, 7):
        for last in range(first, first + 40, 9):
            for step in (1, 3, 5):
                ends = (Fraction(first, 20), Fraction(last, 20), Fraction(step, 20))
                found, exact = [], ends[0]
                while exact <= ends[1]:
                    found.append(float(exact))
                    exact += ends[2]
                assert span(*ends, "w") == found


def test_values_are_numbers_words_shapes_and_lists() -> None:
    assert values("a=1,2,8:10") == [1, 2, 8, 9, 10]
    assert values("a=1,2.5") == [1.0, 2.5]
    assert values("a=relu,gelu") == ["relu", "gelu"]
    assert values("a=true,false") == [True, False]
    assert values("input=3x8x9,3×10x11") == [[3, 8, 9], [3, 10, 11]]
    assert values("a=[2,2,6,2],[3,3,9,3]") == [[2, 2, 6, 2], [3, 3, 9, 3]]
    assert factor("a=[1:3,2|4]").parts == ((1, 2, 3), (2, 4))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("width", "does not say what is swept"),
        ("=1", "does not say what is swept"),
        ("a=", "does not say what is swept"),
        ("a=1,,2", "an empty value"),
        ("a=1,1", "the value 1 twice"),
        ("a=1,1.0", "the value 1.0 twice"),
        ("a=1,x", "several kinds"),
        ("a=1:2:0", "a step of 0"),
        ("a=2:1", "ends below its beginning"),
        ("a=1:2:3:4", "the range 1:2:3:4"),
        ("a=0:1:0.0000001", "10,000,001 values"),
        ("a=[1,2", "is not a list"),
        ("a=[]", "is not a list"),
        ("a=[1|2],[3]", "a list of choices among others"),
        ("input=0", "is not an input"),
        ("input=x", "is not an input"),
        ("input=1.5", "is not an input"),
        ("input=0:4", "the range 0:4"),
        ("input=1:2:0.5", "the range 1:2:0.5"),
    ],
)
def test_words_that_say_nothing_clear_are_refused(word: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        factor(word)


def test_nothing_is_swept_twice() -> None:
    with pytest.raises(SpaceError, match="swept twice"):
        factors(["a=1", "a=2"])


# --- drawing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17, 100, 1000, 4097])
def test_drawing_all_numbers_gives_each_once(count: int) -> None:
    drawn = Drawing(count, 3).numbers(0, count)
    assert sorted(drawn) == list(range(count))


def test_a_drawn_number_depends_on_its_place_and_the_seed_alone() -> None:
    whole = Drawing(10**20, 7).numbers(0, 300)
    assert [Drawing(10**20, 7).numbers(k, k + 1)[0] for k in range(300)] == whole
    assert Drawing(10**20, 7).numbers(100, 200) == whole[100:200]
    assert Drawing(10**20, 8).numbers(0, 300) != whole
    assert len(set(whole)) == 300


@pytest.mark.parametrize("count", [7, 1000, 2**40 + 1, 10**30])
def test_numpy_draws_the_same_numbers(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    end = min(count, 200)
    with_numpy = Drawing(count, 5).numbers(0, end)
    monkeypatch.setattr(drawing, "HAS_NUMPY", False)
    assert Drawing(count, 5).numbers(0, end) == with_numpy


def test_drawn_numbers_spread_evenly() -> None:
    drawn = Drawing(10**12, 1).numbers(0, 20_000)
    tenths = [sum(k * 10**11 <= each < (k + 1) * 10**11 for each in drawn) for k in range(10)]
    assert all(1850 < count < 2150 for count in tenths)  # 3.5 standard deviations


def test_the_rows_of_a_sample_are_different_rows_of_the_space() -> None:
    space = Space(factors(["a=1:40", "b=1:50"]))
    rows = Rows(space, 300, 2)
    assert rows.count == 300
    columns = rows.columns(0, 300)
    pairs = list(zip(columns["a"], columns["b"], strict=True))
    assert len(set(pairs)) == 300
    assert rows.row(7) == {"a": pairs[7][0], "b": pairs[7][1]}
    assert Rows(space, 5000, 2).count == 2000  # no more than there are
