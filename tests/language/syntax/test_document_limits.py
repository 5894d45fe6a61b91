"""Limits of what is read, and texts by chance."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from documents import value
from effort import at_most
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import NETWORK

from convcalc.diagnostics.text import full_text
from convcalc.language.syntax import reader as document
from convcalc.language.syntax.document_limits import Limits
from convcalc.language.syntax.reader import read

# --- limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fits", "exceeds", "limits"),
    [
        ("[[1]]", "[[[1]]]", Limits(depth=2)),
        ("{a: [1]}", "{a: {b: [1]}}", Limits(depth=2)),
        ("[1, 2]", "[1, 2, 3]", Limits(nodes=3)),
        ("{a: 1}", "{a: {}, b: 1}", Limits(nodes=3)),
        ("abcde", "abcdef", Limits(bytes=5)),
        ("éé", "ééé", Limits(bytes=5)),
    ],
)
def test_a_limit_itself_is_allowed(fits: str, exceeds: str, limits: Limits) -> None:
    assert read(fits, "f.yaml", limits)[1] == []
    node, problems = read(exceeds, "f.yaml", limits)
    assert node is None
    assert [d.name for d in problems] == ["too-large"]


def test_reading_stops_at_the_limit_of_problems() -> None:
    assert len(read("- no\n" * 5, "f.yaml", Limits(problems=5))[1]) == 5
    _, problems = read("- no\n" * 50_000, "f.yaml", Limits(problems=5))
    assert [d.name for d in problems] == ["ambiguous-scalar"] * 5 + ["too-large"]


# --- fuzzing --------------------------------------------------------------------------------


def never_raises_and_never_lies(text: str | bytes) -> None:
    with at_most(200_000):
        node, problems = read(text, "f.yaml")
    assert node is not None or problems
    lines = (text if isinstance(text, str) else text.decode("latin-1")).split("\n")
    for problem in problems:
        assert 1 <= problem.place.line <= len(lines) + 1
        assert problem.place.column >= 1
        assert "\n" not in problem.message
        full_text(problem, {"f.yaml": "\n".join(lines)})


yaml_like = st.text("{}[]()&*!|>'\"%@`:,-?#. \t\n\rak3é\x00\ufeff<~$=\\", max_size=60)


@settings(max_examples=4 * settings.default.max_examples)
@given(st.text(max_size=80) | yaml_like)
def test_any_text_is_read_or_refused(text: str) -> None:
    never_raises_and_never_lies(text)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    never_raises_and_never_lies(data)


@settings(max_examples=4 * settings.default.max_examples)
@given(st.integers(0, len(NETWORK)), st.integers(0, 6), yaml_like)
def test_a_damaged_file_is_read_or_refused(start: int, length: int, insert: str) -> None:
    never_raises_and_never_lies(NETWORK[:start] + insert[:4] + NETWORK[start + length :])


@given(yaml_like)
def test_the_pure_parser_survives_the_same(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_LOADER", yaml.BaseLoader)
        never_raises_and_never_lies(text)


values = st.recursive(
    st.integers(-999, 999) | st.booleans() | st.none() | st.text("abckxyz é*+", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=12,
)


@given(values, st.booleans())
def test_what_pyyaml_writes_is_read_back(data: Any, flow: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    assert value(text) == data
