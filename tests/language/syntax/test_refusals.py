"""Everything that is no arithmetic is refused with one sentence."""

from __future__ import annotations

import contextlib
import math

import pytest
from effort import at_most
from formulas import SCOPE, error, value
from hypothesis import given
from hypothesis import strategies as st

from convcalc.language.syntax.expressions import ExpressionError, compile_expression

ATTACKS = [
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "k.real",
    "(1).bit_length()",
    "__import__('os').system('id')",
    "__builtins__",
    "open('x')",
    "eval('1')",
    "[1]*10**9",
    "[1] + [2]",
    "mode * 9",
    "mode + mode",
    "'a'",
    "b'a'",
    "f'{k}'",
    "lambda: 1",
    "(lambda x: x)(1)",
    "min(key=1)",
    "min(*widths)",
    "[*widths]",
    "[x for x in widths]",
    "sum(x for x in widths)",
    "{1: 2}",
    "{1}",
    "(1, 2)",
    "1, 2",
    "(x := 1)",
    "x = 1",
    "k; c",
    "k\nc",
    "k # c",
    "widths[0:2]",
    "widths[0, 1]",
    "widths[half]",
    "widths[act]",
    "widths[3]",
    "widths[-4]",
    "k[0]",
    "mode[0]",
    "~k",
    "k << 3",
    "k | c",
    "k ^ 2",
    "k @ c",
    "k in widths",
    "k is c",
    "1j",
    "...",
    "None",
    "await k",
    "k(3)",
    "min(k)(c)",
    "act + 1",
    "-act",
    "abs(act)",
    "sum(pairs)",
    "max(widths, k)",
    "max([])",
    "min()",
    "len(k)",
    "len(mode)",
    "round(k, 1)",
    "k and act",
    "not k",
    "1 if k else 2",
    "mode == mode",
    "widths == widths",
    "act == 1",
    "(-8) ** half",
    "k / 0",
    "k // 0.0",
    "k % 0",
    "0 ** -1",
    "",
    "   ",
    "3:3",
    "010",
    "1 +",
    "${c}",
    "(" * 100 + "1" + ")" * 99,
    "(" * 1000 + "1" + ")" * 1000,
    "k" * 201,
    "-" * 100_000 + "1",
    "k\x00",
    "\ud800",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_everything_else_is_refused_with_one_sentence(text: str) -> None:
    refusal = error(text)
    assert refusal.message
    assert not refusal.message.endswith(".")
    assert "invalid" not in refusal.message
    assert 0 <= refusal.column <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 199 + "1",
        "not " * 48 + "act",
        "min(" * 40 + "k" + ")" * 39 + ", c)",
        "[" * 99 + "]" * 99,
        "(" * 90 + "1" + ")" * 90,
        "1 if act else " * 14 + "2",
        "k" + "**1" * 66,
        "k<" * 99 + "k",
    ],
)
def test_nesting_within_the_length_ends_fast(text: str) -> None:
    with contextlib.suppress(ExpressionError), at_most(5000):
        value(text)


@given(
    st.text(max_size=210) | st.text("()[]{}+-*/%<>=!.,:'\"0123456789ckxaif elsnotrd", max_size=210)
)
def test_any_text_gives_a_value_or_an_expression_error(text: str) -> None:
    try:
        result = compile_expression(text).evaluate(SCOPE)
    except ExpressionError as refusal:
        assert 0 <= refusal.column <= len(text)
    else:
        if isinstance(result, int | float):
            assert math.isfinite(result)
