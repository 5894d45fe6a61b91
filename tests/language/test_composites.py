# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Loops, conditions, rows, residuals and branches."""

from __future__ import annotations

import pytest
from texts import c, channels, paths, problems, report

# --- for, if, repeat -------------------------------------------------------------------------


def test_for_then_if_then_repeat() -> None:
    body = f"layers:\n- {c('n*10 + i', ', repeat: n, if: n != 2, for: {n: [1, 2, 3]}')}\n"
    assert channels(body) == [10, 30, 31, 32]


def test_if_sees_the_index_of_for_but_not_of_repeat() -> None:
    assert channels(f"layers:\n- {c('n', ', for: {n: [1, 2, 3]}, if: i != 1')}\n") == [1, 3]
    assert problems(f"layers:\n- {c(3, ', repeat: 3, if: i != 1')}\n") == ["unknown-name"]


def test_for_walks_several_lists_together() -> None:
    body = f"params: {{l: [1, 2]}}\nlayers:\n- {c('a*10 + b', ', for: {a: l, b: [3, 4]}')}\n"
    assert channels(body) == [13, 24]
    lists = f"params: {{l: [[1, 2], [3]]}}\nlayers:\n- {{seq: [{c('b', ', for: {b: a}')}], for: {{a: l}}}}\n"
    assert channels(lists) == [1, 2, 3]
    computed = f"params: {{w: 4}}\nlayers:\n- {c('n', ', for: {n: [w, w*2, in_channels]}')}\n"
    assert channels(computed) == [4, 8, 3]


def test_nothing_is_repeated_no_times() -> None:
    for times in ("repeat: 0", "if: false", "for: {n: []}", "repeat: 2 - 2", "if: 1 > 2"):
        assert paths(f"layers:\n- tanh\n- {{relu: {{}}, {times}}}\n- sigmoid\n") == [
            "tanh",
            "sigmoid",
        ]


def test_conditions_are_true_or_false() -> None:
    assert paths("params: {lit: true}\nlayers:\n- {relu: {}, if: lit and not 1 > 2}\n") == ["relu"]
    for condition in ("1", "0", "in_channels", "[true]", "null"):
        assert len(problems(f"layers:\n- {{relu: {{}}, if: {condition}}}\n")) == 1


# --- composites ------------------------------------------------------------------------------


def test_seq_is_a_row() -> None:
    assert channels(f"layers:\n- seq: [{c(4)}, relu]\n  repeat: 2\n- seq: []\n") == [4, 4, 4, 4]


def test_a_residual_adds_its_input() -> None:
    assert paths(f"layers:\n- residual: [{c(3)}, relu]\n") == ["conv", "relu", "add"]
    assert paths("layers:\n- residual: []\n") == ["add"]
    assert problems(f"layers:\n- residual: [{c(4)}]\n") == ["shape-mismatch"]


def test_a_residual_with_a_shortcut() -> None:
    body = f"layers:\n- residual: [{c(4)}]\n  shortcut: [{c(4)}, tanh]\n- relu\n"
    found = report(body)
    assert paths(body) == ["conv", "shortcut.conv", "shortcut.tanh", "add", "relu"]
    assert [layer.inputs[0].channels for layer in found.layers] == [3, 3, 4, 4, 4]


@pytest.mark.parametrize(
    ("join", "operator", "out"),
    [("add", "add", 3), ("mul", "mul", 3), ("max", "maximum", 3), ("concat", "concat", 6)],
)
def test_the_join_of_a_residual_and_of_branches(join: str, operator: str, out: int) -> None:
    for composite in ("residual: [relu]", "branches: [[relu], [tanh]]"):
        last = report(f"layers:\n- {{{composite}, join: {join}}}\n").layers[-1]
        assert (last.operator, last.output.channels) == (operator, out)


def test_branches_read_copies_unless_they_split() -> None:
    for split in ("", ", split: copy"):
        body = f"layers:\n- {{branches: [[], [{c(2)}], relu]{split}}}\n"
        assert paths(body) == ["branch[1].conv", "branch[2].relu", "concat"]
        assert channels(body) == [2, 3, 8]


def test_branches_split_the_channels() -> None:
    head = "convcalc: 1\ninput: [6, 8, 8]\n"
    body = "layers:\n- {branches: [[], [relu]], split: channels}\n"
    assert paths(body, head) == ["branch[0].split", "branch[1].split", "branch[1].relu", "concat"]
    assert channels(body, head) == [3, 3, 3, 6]
    for split in ("[2, 4]", "[in_channels//3, 4]", "l"):
        listed = f"params: {{l: [2, 4]}}\nlayers:\n- {{branches: [[], []], split: {split}}}\n"
        assert channels(listed, head) == [2, 4, 6]


def test_a_single_branch_needs_no_join() -> None:
    assert paths("layers:\n- branches: [[relu]]\n") == ["branch[0].relu"]
