"""Conditions on rows, against Python's own comparisons."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from convcalc.analysis.sweeps import conditions
from convcalc.analysis.sweeps.conditions import BadCondition, Condition
from convcalc.model.quantities.shape import Shape

COUNT = 400


def columns() -> dict[str, list[Any]]:
    """Rows with numbers of several kinds, some of them unknown."""
    random = Random(4)
    return {
        "params": [random.randint(0, 10_000_000) for _ in range(COUNT)],
        "macs": [random.choice([None, random.randint(0, 2**70)]) for _ in range(COUNT)],
        "width": [random.randint(1, 140) / 100 for _ in range(COUNT)],
        "depths": [[random.randint(1, 4), 2] for _ in range(COUNT)],
        "act": [random.choice(["relu", "gelu"]) for _ in range(COUNT)],
    }


ROWS = columns()
# A condition, and what it says in Python; k and M are written out there.
CASES = [
    ("params <= 5M", "params <= 5_000_000"),
    ("params <= 5M and width < 0.7", "params <= 5_000_000 and width < 0.7"),
    ("params < 2.5M or params > 7500 k", "params < 2_500_000 or params > 7_500_000"),
    ("not params < 5M", "not params < 5_000_000"),
    ("1M < params < 2M", "1_000_000 < params < 2_000_000"),
    ("params % 2 == 0", "params % 2 == 0"),
    ("params // 1000 > 5000 * width", "params // 1000 > 5000 * width"),
    ("max(params, 3M) == 3M", "max(params, 3_000_000) == 3_000_000"),
    ("params < 3M if width > 0.5 else params > 3M",
     "params < 3_000_000 if width > 0.5 else params > 3_000_000"),
    ("depths[0] + depths[1] > 4", "depths[0] + depths[1] > 4"),
    ("sum(depths) > 4 and params < 5M", "sum(depths) > 4 and params < 5_000_000"),
    ("params < 8MiB", "params < 8 * 2**20"),
    ("width == 0.35", "width == 0.35"),
]  # fmt: skip


@pytest.mark.parametrize("has_numpy", [True, False])
@pytest.mark.parametrize(("text", "python"), CASES, ids=[text for text, _ in CASES])
def test_a_condition_holds_where_python_says_so(
    text: str, python: str, has_numpy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "HAS_NUMPY", has_numpy)
    code = compile(python, "test", "eval")
    expected = []
    for row in range(COUNT):
        scope = {name: values[row] for name, values in ROWS.items()}
        expected.append(bool(eval(code, {"max": max, "sum": sum}, scope)))
    assert Condition(text, list(ROWS)).kept(ROWS, None, COUNT) == expected
    assert True in expected or "0.35" in text


def test_a_row_with_an_unknown_number_satisfies_no_condition_on_it() -> None:
    small = {"macs": [None if each is None else each % 1000 for each in ROWS["macs"]]}
    for text in ("macs >= 0", "not macs < 0"):
        kept = Condition(text, ["macs"]).kept(small, None, COUNT)
        assert kept == [each is not None for each in ROWS["macs"]]


def test_sizes_of_the_input_are_known() -> None:
    shapes = [Shape(1, 3, (height, 10)) for height in range(5, 15)]
    for text in ("height > width", "in_height > in_width", "positions > 100"):
        kept = Condition(text, []).kept({}, shapes, 10)
        assert kept == [height > 10 for height in range(5, 15)]
    widths: dict[str, list[Any]] = {"width": [0.5, 20.0]}
    kept = Condition("width > in_width", ["width"]).kept(widths, shapes[:2], 2)
    assert kept == [False, True]


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("parms < 3", "the name 'parms' is not known", "use 'params'"),
        ("nosuch(3) < 3", "there is no function 'nosuch'", ""),
        ("depth < 3", "the param 'depth' is not swept", ""),
        ("params <", "is not an expression", ""),
        ("params.__class__ == 3", "an attribute is not part of an expression", ""),
        ("(lambda: 0)()", "not part of an expression", ""),
        ("__import__('os')", "a string is not part of an expression", ""),
        ("params < 3 # x", "one line of printable text", ""),
        ("[x for x in params]", "a comprehension is not part", ""),
    ],
)
def test_what_is_no_condition_is_refused(text: str, message: str, advice: str) -> None:
    with pytest.raises(BadCondition) as error:
        Condition(text, ["params"], ["depth"])
    assert message in error.value.message
    assert advice in error.value.help


def test_what_cannot_be_computed_is_refused() -> None:
    for text, message in (
        ("params + 1", "is not a condition"),
        ("params % 0 == 1", "divides by zero"),
        ("params[0] == 1", "has no items"),
    ):
        with pytest.raises(BadCondition, match=message):
            Condition(text, ["params"]).kept({"params": [1, 2]}, None, 2)
