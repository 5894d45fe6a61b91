# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Branches from a list, branches under a condition, and what each round of a loop reads."""

from __future__ import annotations

import pytest
from problems import errors
from small import network_of_text
from texts import channels, paths, problems, report, shapes

HEAD = "convcalc: 1\nname: net\ninput: [8, 16, 16]\nparams: {rates: [1, 2, 4], keep: false, none: []}\n"
CONV = "{conv: {out: 4, k: 3, d: r, p: r}}"
ASPP = [
    f"branches: {{for: {{r: rates}}, layers: [{CONV}]}}",
    f"branches: [{{for: {{r: rates}}, layers: [{CONV}]}}]",
    f"branches: [{{for: {{r: rates}}, layers: {CONV}}}]",
    "branches: [{conv: {out: 4, k: 3, d: r, p: r}, for: {r: rates}}]",
    "branches: [{conv: {out: 4, k: 3, d: rates[i], p: rates[i]}, for: {r: rates}}]".replace(
        "rates[i]", '"rates[i]"'
    ),
    "branches: [{seq: [{conv: {out: 4, k: 3, d: r, p: r}}], for: {r: rates}}]",
    f"branches: [{{for: {{r: [1, 2]}}, layers: [{CONV}]}}, [{{conv: {{out: 4, k: 3, d: 4, p: 4}}}}]]",
    f"branches: [{{for: {{r: [1, 2, 3, 4]}}, if: r != 3, layers: [{CONV}]}}]",
]


@pytest.mark.parametrize("branches", ASPP)
def test_a_branch_for_each_rate(branches: str) -> None:
    found = report(f"layers:\n- {{{branches}, join: concat}}\n", HEAD)
    assert found.totals.params == 3 * (4 * 8 * 9 + 4) == 876
    assert found.layers[-1].output.dims[1:] == (12, 16, 16)
    sizes = [next(iter(layer.receptive_fields.values())).size for layer in found.layers]
    assert sizes == [(3, 3), (5, 5), (9, 9), (9, 9)]


def test_branches_from_a_list_have_paths_and_ids_as_if_written_out() -> None:
    assert paths(
        "layers:\n- {branches: {for: {r: rates}, layers: [{relu: {}, id: x}]}, id: b}\n", HEAD
    ) == ["b.branch[0].x", "b.branch[1].x", "b.branch[2].x", "b.concat"]
    body = "layers:\n- {branches: [{conv: {out: r, k: 1}, for: {r: rates}, id: c}, []]}\n- {relu: {}, from: 'c[1]'}\n- {relu: {}, from: c}\n"
    assert channels(body, HEAD)[-2:] == [2, 4]


def test_a_list_within_a_branch_is_still_a_chain() -> None:
    body = (
        "layers:\n- branches: [[{conv: {out: r, k: 1}, for: {r: rates}}], {relu: {}, repeat: 2}]\n"
    )
    assert channels(body, HEAD) == [1, 2, 4, 8, 8, 12]


def test_a_branch_under_a_false_condition_is_left_out() -> None:
    # RepVGG's third branch is left out where the stride or the channels change.
    for branch in (
        "[{batch_norm: {}, if: keep}]",
        "{batch_norm: {}, if: keep}",
        "[{batch_norm: {}, if: keep}, {relu: {}, if: keep}]",
        "{if: keep, layers: [batch_norm]}",
        "{batch_norm: {}, for: {r: rates}, if: keep}",
        "{batch_norm: {}, for: {r: none}}",
    ):
        body = (
            f"layers:\n- {{branches: [[{{conv: {{out: 8, k: 3, p: 1}}}}], {branch}], join: add}}\n"
        )
        found = report(body, HEAD)
        assert [layer.operator for layer in found.layers] == ["conv"]
        assert found.totals.params == 584
    three = "layers:\n- {branches: [[], {relu: {}, if: keep}, [tanh]], join: add}\n"
    assert paths(three, HEAD) == ["branch[2].tanh", "add"]  # each branch keeps its number


def test_a_branch_under_a_true_condition_is_there() -> None:
    head = HEAD.replace("keep: false", "keep: true")
    body = "layers:\n- {branches: [[relu], [{batch_norm: {}, if: keep}]], join: add}\n"
    assert [layer.operator for layer in report(body, head).layers] == ["relu", "batch_norm", "add"]


def test_an_empty_branch_is_the_identity_as_before() -> None:
    body = "layers:\n- {branches: [[relu], []], join: add}\n"
    assert [layer.operator for layer in report(body, HEAD).layers] == ["relu", "add"]
    part = "layers:\n- {branches: [[relu], [{tanh: {}, if: keep}, {relu: {}, repeat: 0}]], join: add}\n"
    assert [layer.operator for layer in report(part, HEAD).layers] == ["relu", "add"]


def test_channels_are_split_over_the_branches_that_are_there() -> None:
    body = "layers:\n- {branches: [[relu], {tanh: {}, if: keep}, [elu]], split: channels}\n"
    assert shapes(body, HEAD) == ["4×16×16", "4×16×16", "4×16×16", "4×16×16", "8×16×16"]
    assert problems(body.replace("channels", "[2, 3, 3]"), HEAD) == ["wrong-type"]


def test_a_residual_without_its_body_is_its_shortcut() -> None:
    # It once added its input to itself.
    assert paths("layers:\n- {residual: [{relu: {}, if: keep}]}\n- tanh\n", HEAD) == ["tanh"]
    body = "layers:\n- {residual: [{relu: {}, if: keep}], shortcut: [elu]}\n"
    assert paths(body, HEAD) == ["shortcut.elu"]
    assert [layer.operator for layer in report("layers:\n- residual: []\n", HEAD).layers] == ["add"]


@pytest.mark.parametrize(
    ("item", "name", "text"),
    [
        ("{branches: [[relu]], for: {r: rates}}", "wrong-type", "has one branch only"),
        ("{branches: [{relu: {}, if: keep}]}", "wrong-type", "no branch is left"),
        ("{branches: {for: {r: none}, layers: [relu]}}", "wrong-type", "no branch is left"),
        ("{branches: {layers: [relu]}}", "wrong-type", "needs a list of branches"),
        (
            "{branches: [{fro: {r: rates}, layers: [relu]}]}",
            "unknown-key",
            "unknown key 'fro' in a branch",
        ),
        ("{branches: [{for: rates, layers: [relu]}]}", "wrong-type", "'for' needs a mapping"),
        ("{branches: [{if: 3, layers: [relu]}]}", "wrong-type", "'if' is 3"),
        ("{branches: [{for: {r: rates}, layers: [{relu: {}, if: rr}]}]}", "unknown-name", "'rr'"),
    ],
)
def test_what_is_no_branch(item: str, name: str, text: str) -> None:
    found = errors(f"layers:\n- {item}\n", HEAD)
    assert found[0].name == name
    assert text in found[0].message


def test_a_left_out_branch_cannot_be_named() -> None:
    body = "layers:\n- {branches: [[relu], {tanh: {}, if: keep, id: t}]}\n- {relu: {}, from: t}\n"
    (error,) = errors(body, HEAD)
    assert error.message == "'t' was left out by its 'if' or 'repeat'"


def test_the_origin_of_a_branchs_rate_is_its_list() -> None:
    from convcalc.language.expand.origins import Origins

    origins = Origins()
    text = HEAD.removeprefix("convcalc: 1\nname: net\n") + f"layers:\n- {{{ASPP[0]}}}\n"
    network = network_of_text(text, witness=origins)
    found = {each.name: each for each in origins.found["branch[2].conv"]}
    assert found["dilation"].parts[0].how == "for"
    assert found["dilation"].parts[0].text == "rates[2]"
    assert network.layers


# --- what each round reads -----------------------------------------------------------------------


def readers(item: str, count: int = 3) -> list[list[str]]:
    """What each of the last layers reads, by name."""
    text = (
        f"input: [4, 8, 8]\nlayers:\n- {{relu: {{}}, id: x}}\n- {{tanh: {{}}, id: y}}\n- {item}\n"
    )
    network = network_of_text(text)
    return [[network.name_of(t) for t in layer.inputs] for layer in network.layers[-count:]]


@pytest.mark.parametrize(
    "loop",
    [
        "repeat: 3",
        "for: {c: [1, 2, 3]}",
        "for: {c: [1]}, repeat: 3",
        "for: {c: [1, 2, 3]}, repeat: 1",
    ],
)
def test_a_fixed_name_is_read_by_the_first_round_and_then_the_round_before(loop: str) -> None:
    assert readers(f"{{elu: {{}}, from: x, {loop}}}") == [["x"], ["elu[0]"], ["elu[1]"]]


def test_a_loop_variable_is_read_by_each_round() -> None:
    assert readers("{elu: {}, from: s, for: {s: [x, y, x]}}") == [["x"], ["y"], ["x"]]
    twice = readers("{elu: {}, from: s, for: {s: [x, y]}, repeat: 2}", 4)
    assert twice == [["x"], ["elu[0]"], ["y"], ["elu[2]"]]


@pytest.mark.parametrize("loop", ["repeat: 3", "for: {c: [1, 2, 3]}"])
def test_prev_is_read_anew_in_each_round(loop: str) -> None:
    assert readers(f"{{add: [prev, x], {loop}}}") == [["y", "x"], ["add[0]", "x"], ["add[1]", "x"]]
    assert readers(f"{{add: {{}}, from: [x, prev], {loop}}}")[-1] == ["x", "add[1]"]


def test_the_first_round_is_the_first_that_is_not_left_out() -> None:
    rounds = readers("{elu: {}, from: x, for: {c: [1, 2, 3]}, if: c > 1}", 2)
    assert rounds == [["x"], ["elu[0]"]]


def test_a_chain_of_widths_from_a_name_has_no_dead_round() -> None:
    body = "layers:\n- {relu: {}, id: x}\n- {conv: {out: c, k: 3}, from: x, for: {c: [2, 3]}}\n"
    found = report(body)
    assert [layer.params for layer in found.layers] == [0, 2 * 3 * 9 + 2, 3 * 2 * 9 + 3]
    assert found.layers[-1].output.spatial == (28, 28)
