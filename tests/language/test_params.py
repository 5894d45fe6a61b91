# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Params of files and blocks, who sees which name, and variants."""

from __future__ import annotations

from typing import Any

import pytest
from texts import HEAD, c, channels, problems, read, shapes

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target, TargetError

# --- params ----------------------------------------------------------------------------------

PARAMS = (
    "params:\n  w: {default: 16, min: 8, max: 64, multiple_of: 8, help: the width}\n"
    "  k: {default: 3, choices: [3, 5]}\n  twice: w*2\n  x: {default: 2, type: float}\n"
    "  active: true\n  list: [1, 2]\n  mode: {default: nearest, type: str, choices: [nearest, linear]}\n"
    "layers:\n- conv: {out: w, k: k}\n- conv: {out: twice, k: 1}\n"
    "- {upsample: {scale: x, mode: mode}, if: active}\n- {relu: {}, for: {n: list}}\n"
)


def test_params_have_defaults_and_may_use_those_above() -> None:
    assert shapes(PARAMS)[:3] == ["16×30×30", "32×30×30", "32×60×60"]


@pytest.mark.parametrize(
    ("params", "output"),
    [
        ({"w": 8}, "16×60×60"),
        ({"w": 16.0}, "32×60×60"),
        ({"w": "8*3"}, "48×60×60"),
        ({"k": 5}, "32×56×56"),
        ({"x": 0.5}, "32×15×15"),
        ({"active": False}, "32×30×30"),
        ({"active": "false"}, "32×30×30"),
        ({"mode": "linear"}, "32×60×60"),
        ({"twice": 5}, "5×60×60"),
        ({"list": [1, 2, 3]}, "32×60×60"),
        ({"list": "[]"}, "32×60×60"),
    ],
)
def test_params_can_be_set(params: dict[str, Any], output: str) -> None:
    assert shapes(PARAMS, params=params)[-1] == output


@pytest.mark.parametrize(
    "params",
    [
        {"w": 0},
        {"w": 72},
        {"w": 12},
        {"w": 16.5},
        {"w": True},
        {"w": None},
        {"w": [16]},
        {"w": "nothing"},
        {"k": 4},
        {"x": "nothing"},
        {"active": 1},
        {"list": 3},
        {"mode": "cubic"},
        {"mode": 5},
    ],
)
def test_a_value_that_a_param_does_not_allow_is_one_problem(params: dict[str, Any]) -> None:
    assert len(problems(PARAMS, params=params)) == 1


def test_what_no_file_knows_cannot_be_asked_for() -> None:
    for wrong in (
        {"params": {"z": 1}},
        {"variant": "z"},
        {"inputs": {"z": [3, 8, 8]}},
        {"inputs": [3, 8]},
    ):
        with pytest.raises(TargetError):
            read(PARAMS, **wrong)


def test_types_of_block_params() -> None:
    body = (
        "blocks:\n  A:\n    params: {n: int, x: float, b: bool, s: str, l: list, z: shape, d: n*2}\n"
        "    layers:\n    - {upsample: {scale: x, mode: s}, if: b}\n    - conv: {out: d, k: l}\n"
    )
    call = "layers:\n- A: {n: %s, x: %s, b: %s, s: %s, l: %s, z: [1, 2]}\n"
    good = body + call % (4, 2, "true", "linear", "[3, 1]")
    assert shapes(good) == ["3×64×64", "8×62×64"]
    bad = {
        0: ("4.5", "true", "[4]"),
        1: ("true", "[1]"),
        2: ("1", "0"),
        3: ("3", "spline"),
        4: ("3",),
    }
    for index, values in bad.items():
        for value in values:
            given = ["4", "2", "true", "linear", "[3, 1]"]
            given[index] = value
            assert len(problems(body + call % tuple(given))) == 1, (index, value)


def test_a_default_of_a_block_may_use_the_params_before_it_and_the_input() -> None:
    body = (
        "params: {w: 10}\nblocks:\n  A:\n    params: {c: int, half: c//2, all: half + w + in_channels}\n"
        "    layers: [{conv: {out: half, k: 1}}, {conv: {out: all, k: 1}}]\n"
        "layers:\n- A: {c: 8}\n- A: {c: 8, half: 1}\n"
    )
    assert channels(body) == [4, 17, 1, 28]


# --- scope -----------------------------------------------------------------------------------


def test_a_block_sees_its_own_params_and_those_of_the_file() -> None:
    body = (
        f"params: {{w: 5}}\nblocks:\n  A: {{params: {{c: 2}}, layers: [{c('w*c')}]}}\nlayers: [A]\n"
    )
    assert channels(body) == [10]


def test_a_block_does_not_see_what_its_caller_has() -> None:
    inner = f"blocks:\n  A: {{params: {{c: 2}}, layers: [{c('x')}]}}\n"
    outer = "  B: {params: {x: 3}, layers: [A]}\n"
    assert problems(f"{inner}{outer}layers: [B]\n") == ["unknown-name"]
    assert problems(f"{inner}layers: [{{A: {{}}, for: {{x: [1]}}}}]\n") == ["unknown-name"]
    assert problems(f"blocks:\n  A: [{c('i + 1')}]\nlayers: [{{A: {{}}, repeat: 2}}]\n") == [
        "unknown-name"
    ]


def test_a_loop_of_the_caller_does_not_change_the_params_of_the_file() -> None:
    body = (
        f"params: {{w: 5}}\nblocks:\n  A: [{c('w')}]\nlayers: [{{A: {{}}, for: {{w: [1, 2]}}}}]\n"
    )
    assert channels(body) == [5, 5]


def test_a_block_does_not_see_the_ids_of_its_caller() -> None:
    body = "blocks:\n  A: [add: [outer, prev]]\nlayers:\n- {relu: {}, id: outer}\n- A\n"
    assert problems(body) == ["unknown-name"]


def test_a_block_does_not_see_the_paths_of_its_caller() -> None:
    body = "blocks:\n  A: [add: [tanh, prev]]\nlayers:\n- tanh\n- A\n"
    assert problems(body) == ["unknown-name"]


def test_params_of_a_block_shadow_those_of_the_file() -> None:
    body = f"params: {{w: 5}}\nblocks:\n  A: {{params: {{w: 2}}, layers: [{c('w')}]}}\nlayers: [A, A: {{w: w+1}}, {c('w')}]\n"
    assert channels(body) == [2, 6, 5]


def test_names_of_a_loop_shadow_params_and_reach_into_composites() -> None:
    body = f"params: {{w: 5}}\nlayers:\n- {{seq: [{c('w')}, {{residual: [{c('w')}]}}], for: {{w: [1, 2]}}}}\n- {c('w')}\n"
    assert channels(body) == [1, 1, 1, 2, 2, 2, 5]


def test_in_channels_is_what_comes_in_each_time() -> None:
    assert channels(f"layers:\n- {c('in_channels*2', ', repeat: 3')}\n") == [6, 12, 24]
    body = f"layers:\n- {{seq: [{c('in_channels+1')}, {c('in_channels+1')}], repeat: 2}}\n"
    assert channels(body) == [4, 5, 6, 7]
    assert channels(
        f"layers:\n- {{conv: {{out: 7, k: 1}}, id: a}}\n- {c('in_channels', ', from: input')}\n"
    ) == [7, 3]


def test_i_is_the_innermost_index() -> None:
    assert channels(f"layers:\n- {c('i + 1', ', repeat: 3')}\n") == [1, 2, 3]
    assert channels(f"layers:\n- {c('n + i', ', for: {n: [10, 20]}')}\n") == [10, 21]
    both = f"layers:\n- {c('n + i', ', for: {n: [10, 20]}, repeat: 2')}\n"
    assert channels(both) == [10, 11, 20, 21]
    nested = f"layers:\n- {{seq: [{c('i + 1')}, {c('10*(i + 1)', ', repeat: 2')}], repeat: 2}}\n"
    assert channels(nested) == [1, 10, 20, 2, 10, 20]


# --- variants --------------------------------------------------------------------------------

VARIANTS = (
    f"params: {{w: 4, deep: false}}\nvariants:\n  wide: {{w: 8}}\n  deep: {{w: 2, deep: true}}\n"
    f"layers:\n- {c('w')}\n- {c('w', ', if: deep')}\n"
)


def test_variants_override_params() -> None:
    assert channels(VARIANTS) == [4]
    assert channels(VARIANTS, variant="net") == [4]
    assert channels(VARIANTS, variant="wide") == [8]
    assert channels(VARIANTS, variant="deep") == [2, 2]
    assert channels(VARIANTS, variant="deep", params={"w": 5}) == [5, 5]
    assert (read(VARIANTS, variant="wide").name, read(VARIANTS).name) == ("wide", "net")
    assert (
        analyse(read_network(Target("net.yaml", "wide", HEAD + VARIANTS))).layers[0].output.channels
        == 8
    )


def test_expect_is_kept_by_variant() -> None:
    body = f"{VARIANTS}expect:\n  net: {{params: 16, output: [4, 32, 32], macs: 12.288k}}\n  wide: {{params: 2**5}}\n"
    assert read(body).expect == {
        "net": {"params": 16, "output": [4, 32, 32], "macs": 12_288},
        "wide": {"params": 32},
    }
