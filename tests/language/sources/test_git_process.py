"""How git is asked: what of a long list is kept, and which variables reach it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.language.sources.git_process import _with_endings, environment

NAMES = st.lists(st.sampled_from([b"a.yaml", b"b", b".yaml", b"c\n.yaml", b"d.yaml/e"]))


@given(NAMES, st.lists(st.integers(0, 60)))
def test_the_same_names_are_kept_however_the_list_is_cut(
    names: list[bytes], cuts: list[int]
) -> None:
    listed = b"".join(name + b"\0" for name in names)
    places = sorted({0, len(listed), *(cut for cut in cuts if cut < len(listed))})
    rest, kept = bytearray(), b""
    for one, other in pairwise(places):
        rest += listed[one:other]
        kept += _with_endings(rest, (b".yaml",))
    assert kept == b"".join(name + b"\0" for name in names if name.endswith(b".yaml"))
    assert not rest


def test_only_what_does_not_redirect_git_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"GIT_CONFIG_GLOBAL": "a", "GIT_CONFIG_KEY_0": "b", "GIT_EXEC_PATH": "c", "PATH": "d"}
    lost = (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_SSH",
        "GIT_EXTERNAL_DIFF",
        "GIT_TRACE",
    )
    for name, value in (*kept.items(), *((name, "x") for name in lost)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
    found = environment()
    assert {name: found.get(name) for name in kept} == kept
    assert not set(lost) & set(found)
    assert found["GIT_ALLOW_PROTOCOL"] == "none"
