"""The safe arithmetic: agrees with Python where it may, and refuses everything else."""

from __future__ import annotations

from typing import Any

import pytest
from formulas import SCOPE, error, value
from hypothesis import given
from hypothesis import strategies as st

from convcalc.language.syntax.expressions import ExpressionError, compile_expression, make_divisible
from convcalc.model.quantities.unknown import UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k//2", 1),
        ("c*4", 256),
        ("-k + +c", 61),
        ("c/3*3", 64.0),
        ("7 % -4", -1),
        ("2**-2", 0.25),
        ("2 if k == 0 else 1", 1),
        ("1 < k < 3", False),
        ("1 < k <= 3 != 4", True),
        ("act == true", True),
        ("act and not false or k > 9", True),
        ("mode if act else k", "same"),
        ("[c, [k, half]]", [64, [3, 0.5]]),
        ("widths[0] + widths[-1]", 48),
        ("widths[-3]", 16),
        ("pairs[1][0]", 3),
        ("[k, c][1]", 64),
        ("len(widths)", 3),
        ("sum(widths)", 72),
        ("sum(k, 1, half)", 4.5),
        ("sum([])", 0),
        ("min(c, k, 5)", 3),
        ("max(widths)", 32),
        ("max(k)", 3),
        ("abs(k - c)", 61),
        ("ceil(c / 3)", 22),
        ("floor(-half)", -1),
        ("1e3 + 0x1F", 1031.0),
        ("  k ", 3),
    ],
)
def test_the_language_computes(text: str, expected: Any) -> None:
    result = value(text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("n", "rounded"), [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2)])
def test_round_is_half_even_and_whole(n: float, rounded: int) -> None:
    result = compile_expression("round(x)").evaluate({"x": n})
    assert result == rounded
    assert type(result) is int


def test_whole_results_are_exact_beyond_float_precision() -> None:
    assert value("ceil(near) - floor(near) + round(near) - near") == 0
    assert value("near // 3") == (2**62 - 1) // 3


# torchvision: new = max(8, int(v + 4) // 8 * 8); new += 8 if new < 0.9 * v. By hand.
@pytest.mark.parametrize(
    ("v", "expected"),
    [
        (1, 8),  # never below the divisor
        (8, 8),
        (11, 16),  # 8 would be below 9.9
        (12, 16),
        (16 * 0.35, 8),
        (32 * 0.35, 16),  # 11.2: 8 is below 10.08
        (64 * 0.35, 24),  # 22.4
        (96 * 0.35, 32),  # 33.6
        (24 * 0.75, 24),  # 18: 16 is below 16.2
        (32 * 0.75, 24),
        (24 * 1.4, 32),  # 33.6
        (320 * 1.4, 448),
        (17.7, 16),  # 16 is above 15.93
        (17.8, 24),  # 16 is below 16.02
    ],
)
def test_make_divisible_is_torchvisions(v: float, expected: int) -> None:
    assert make_divisible(v) == expected
    assert compile_expression("make_divisible(v)").evaluate({"v": v}) == expected


def test_make_divisible_by_another_divisor() -> None:
    assert value("make_divisible(c, 3)") == 63  # int(65.5) // 3 * 3 = 63
    assert value("make_divisible(10, 4)") == 12  # int(12.0) // 4 * 4
    assert "whole number" in error("make_divisible(10, 0)").help


# --- agreement with Python ------------------------------------------------------------------

leaves = st.one_of(
    st.integers(0, 99).map(str),
    st.sampled_from(["0.5", "1e3", "c", "k", "half", "widths[1]", "len(widths)"]),
)
arithmetic = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        inner.map("-{}".format),
        inner.map("abs({})".format),
        st.tuples(inner, inner).map("max({0[0]}, {0[1]})".format),
        st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} < {0[2]} else {0[1]})".format),
        st.tuples(inner, st.integers(-3, 3)).map("({0[0]}) ** {0[1]}".format),
    ),
    max_leaves=8,
)


@given(arithmetic)
def test_arithmetic_agrees_with_python(text: str) -> None:
    if len(text) > 200:
        return
    try:
        ours = value(text)
    except ExpressionError as refusal:
        ours = refusal.message
    try:
        python = eval(text, {"abs": abs, "max": max, "len": len}, dict(SCOPE))
    except ZeroDivisionError:
        assert "divides by zero" in ours or "2^62" in ours
        return
    if isinstance(ours, str):
        assert "2^62" in ours or "divides by zero" in ours
    else:
        assert ours == python
        assert type(ours) is type(python)


# --- bounds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2**61 + (2**61 - 1)",
        "near",
        "-near",
        "4611686018427387903",
        "2**0.5 * 2",
        "2**-64",
    ],
)
def test_values_up_to_the_bound_are_computed(text: str) -> None:
    assert abs(value(text)) <= 2**62 - 1


@pytest.mark.parametrize(
    "text",
    [
        "2**62",
        "2**61 + 2**61",
        "-2**61 - 2**61",
        "near + 1",
        "4611686018427387904",
        "9" * 200,
        "1e19",
        "1e999",
        "2**62 - 2**62",  # intermediate values count
        "near ** 64 % 7",
        "sum(near, near)",
        "half ** -64",
        "1e18 * 1e18",
    ],
)
def test_values_from_2_to_the_62_are_refused(text: str) -> None:
    assert error(text).message == "the value is not below 2^62"


def test_a_scope_cannot_bring_in_a_larger_value() -> None:
    with pytest.raises(ExpressionError):
        compile_expression("x").evaluate({"x": 2**62})


@pytest.mark.parametrize("text", ["9**9**9", "2**64**2", "2**65", "2**-65", "k**c**k"])
def test_exponents_beyond_64_are_not_even_tried(text: str) -> None:
    assert "beyond 64" in error(text).message


# --- names and unknown sizes ----------------------------------------------------------------


def test_names_are_the_free_names_without_functions_and_words() -> None:
    expression = compile_expression("max(c, k) if act == true else widths[i]")
    assert expression.names == {"c", "k", "act", "widths", "i"}


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    refusal = error("c * wdths[0]")
    assert refusal.message == "the name 'wdths' is not known"
    assert refusal.help == "use 'widths'"
    assert refusal.column == 4
    assert refusal.rule == "unknown-name"


def test_a_misspelt_function_gets_the_nearest_one() -> None:
    assert error("make_divisable(c)").help == "use 'make_divisible'"


def test_columns_count_characters_and_leading_spaces() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression("  größe + q").evaluate({"größe": 1})
    assert caught.value.column == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k and act", "'k' is 3, not true or false"),
        ("act + 1", "'+' needs numbers, not true"),
        ("2 * widths", "'*' needs numbers, not a list of 3"),
        ("mode - 1", "'-' needs numbers, not the word 'same'"),
        ("widths[3]", "index 3 of a list of 3"),
        ("c // 0", "64 // 0 divides by zero"),
        ("k.real", "an attribute is not part of an expression"),
        ("round(k, 1)", "round takes 1 value, not 2"),
        ("1 if in_channels > 8 else 2", "'in_channels' is not known"),
        ("1 if in_channels else 2", "'in_channels' is not known"),
    ],
)
def test_messages(text: str, message: str) -> None:
    assert error(text).message == message


def test_the_column_is_that_of_the_wrong_operand() -> None:
    assert error("2 * widths").column == 4


@pytest.mark.parametrize(
    "text",
    [
        "in_channels",
        "in_channels * 0",
        "k - in_channels",
        "-in_channels",
        "in_channels ** 2",
        "2 ** in_channels",
        "max(in_channels, 3)",
        "min([3, in_channels])",
        "sum(in_channels, 1)",
        "abs(in_channels)",
        "round(in_channels / 2)",
        "make_divisible(in_channels)",
    ],
)
def test_an_unknown_size_stays_unknown(text: str) -> None:
    assert value(text) is UNKNOWN


@pytest.mark.parametrize(
    "text", ["in_channels == 1", "in_channels != 1", "1 < in_channels", "not in_channels"]
)
def test_an_unknown_size_decides_nothing(text: str) -> None:
    assert "is not known" in error(text).message


def test_the_same_text_is_compiled_once() -> None:
    assert compile_expression("c + 12345") is compile_expression("c + 12345")
