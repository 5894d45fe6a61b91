# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""What each statement of the network language means, on networks of a few layers."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import pytest
from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target, TargetError
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

EXAMPLES = TESTS / "examples"
HEAD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\n"


def read(body: str, head: str = HEAD, **options: Any) -> Network:
    """The network of a text, which must have no errors."""
    found = read_network(Target("net.yaml", None, head + body), **options)
    assert not [p for p in found.problems if p.severity == "error"], found.problems
    return found


def report(body: str, head: str = HEAD, **options: Any) -> Report:
    return analyse(read(body, head, **options))


def shapes(body: str, head: str = HEAD, **options: Any) -> list[str]:
    return [str(layer.output) for layer in report(body, head, **options).layers]


def channels(body: str, head: str = HEAD, **options: Any) -> list[int]:
    return [layer.output.channels for layer in report(body, head, **options).layers]


def paths(body: str, head: str = HEAD, **options: Any) -> list[str]:
    return [layer.path for layer in report(body, head, **options).layers]


def problems(body: str, head: str = HEAD, **options: Any) -> list[str]:
    network = read_network(Target("net.yaml", None, head + body), **options)
    analyse(network)
    return [problem.name for problem in network.problems]


def c(out: str | int, more: str = "") -> str:
    """A 1x1 convolution as an item."""
    return f"{{conv: {{out: {out}, k: 1}}{more}}}"


# --- the four examples -----------------------------------------------------------------------


def example(name: str, variant: str | None = None, **params: Any) -> Report:
    network = read_network(
        Target(str(EXAMPLES / f"{name}.convcalc.yaml")), variant=variant, params=params
    )
    assert not network.problems, network.problems
    return analyse(network)


@pytest.mark.parametrize(
    ("name", "variant", "params", "output"),
    [
        ("vgg16", None, 138_357_544, "1000"),
        ("vgg16", "vgg11", 132_863_336, "1000"),
        ("vgg16", "vgg19", 143_667_240, "1000"),
        ("resnet50", None, 25_557_032, "1000"),
        ("resnet50", "resnet101", 44_549_160, "1000"),
        ("resnet50", "wide_resnet50_2", 68_883_240, "1000"),
        ("resnet50", "resnext50_32x4d", 25_028_904, "1000"),
        ("shufflenet_v2", None, 2_278_604, "1000"),
        ("shufflenet_v2", "shufflenet_v2_x0_5", 1_366_792, "1000"),
    ],
)
def test_the_examples_have_the_published_parameters(
    name: str, variant: str | None, params: int, output: str
) -> None:
    """https://docs.pytorch.org/vision/stable/models.html#table-of-all-available-classification-weights"""
    found = example(name, variant)
    assert found.totals.params == params
    assert str(next(iter(found.outputs.values()))) == output


def test_the_unet_of_the_examples() -> None:
    found = example("unet")
    assert found.totals.params == 31_037_633  # milesial/Pytorch-UNet with one class, bilinear=False
    assert str(next(iter(found.outputs.values()))) == "1×256×256"
    bottom = [layer for layer in found.layers if layer.path.startswith("bottom.")][-1]
    assert bottom.receptive_field is not None
    assert bottom.receptive_field.size == (140, 140)


def test_the_layers_of_a_resnet_have_the_paths_that_people_expect() -> None:
    found = [layer.path for layer in example("resnet50").layers]
    assert found[:4] == ["stem.conv", "stem.batch_norm", "stem.relu", "max_pool"]
    assert "layer[2].Bottleneck[0].ConvBn[0].conv" in found
    assert "layer[0].Bottleneck[0].shortcut.ConvBn.conv" in found
    assert "layer[3].Bottleneck[2].add" in found
    assert found[-2:] == ["global_avg_pool", "linear"]
    assert len(set(found)) == len(found)


# --- items and fields ------------------------------------------------------------------------


def test_a_bare_word_is_a_layer_without_fields() -> None:
    for item in ("relu", "relu: {}", "relu:", "{relu: {}}", "{relu: null}"):
        assert shapes(f"layers:\n- {item}\n") == ["3×32×32"]


def test_short_and_long_names_mean_the_same() -> None:
    short = "layers:\n- conv: {out: 6, k: 3, s: 2, p: 2, d: 2, g: 3}\n"
    long = (
        "layers:\n- conv: {out_channels: 6, kernel_size: 3, stride: 2, padding: 2, dilation: 2,"
        " groups: 3}\n"
    )
    assert report(short).layers[0].fields == report(long).layers[0].fields


def test_a_value_per_axis_is_a_list() -> None:
    body = "layers:\n- conv: {out: 4, k: [1, 7], s: [1, 2], p: [0, 3], d: [1, 1]}\n"
    assert shapes(body) == ["4×32×16"]
    assert report(body).layers[0].weights["weight"] == (4, 3, 1, 7)


@pytest.mark.parametrize(
    ("padding", "output"),
    [
        ("0", "1×29×28"),
        ("1", "1×31×30"),
        ("[1, 2]", "1×31×32"),  # flat: one number per axis
        ("[[1, 0], [0, 2]]", "1×30×30"),  # nested: before and after
        ("valid", "1×29×28"),
        ("same", "1×32×32"),
        ("half", "1×33×32"),
        ("causal", "1×32×32"),  # 3 before the first axis, 2 on each side of the second
    ],
)
def test_padding_is_numbers_or_a_word(padding: str, output: str) -> None:
    assert shapes(f"layers:\n- conv: {{out: 1, k: [4, 5], p: {padding}}}\n") == [output]


def test_padding_same_is_that_of_tensorflow() -> None:
    head = "convcalc: 1\ninput: [1, 7]\n"
    assert shapes("layers:\n- conv: {out: 1, k: 3, s: 2, p: same}\n", head) == ["1×4"]
    assert shapes("layers:\n- conv: {out: 1, k: 2, s: 2, p: same}\n", head) == ["1×4"]
    field = report("layers:\n- conv: {out: 1, k: 2, s: 2, p: same}\n", head).receptive_field
    assert field is not None
    assert float(field.center[0]) == 0.5  # the one position of padding comes after


def test_input_channels_are_inferred_and_may_be_stated() -> None:
    assert channels("layers:\n- {conv: {out: 8, k: 1}, in: 3}\n- {relu: {}, in: 4 + 4}\n") == [8, 8]
    assert problems("layers:\n- {conv: {out: 8, k: 1}, in: 4}\n") == ["stated-differently"]


def test_a_stated_shape_is_checked() -> None:
    for shape in ("[8, 30, 30]", "[8, null, 30]", "[2**3, 32 - 2, 30]"):
        assert not problems(f"layers:\n- {{conv: {{out: 8, k: 3}}, shape: {shape}}}\n")
    for shape in ("[8, 31, 30]", "[8, 30]", "[1, 8, 30, 30]", "8"):
        assert problems(f"layers:\n- {{conv: {{out: 8, k: 3}}, shape: {shape}}}\n")
    seq = "layers:\n- {seq: [relu, {conv: {out: 8, k: 3}}], in: 3, shape: [8, 30, 30]}\n"
    assert not problems(seq)


def test_a_note_stays_with_its_layer() -> None:
    found = report("note: of the file\nlayers:\n- {relu: {}, note: as in the paper}\n")
    assert found.layers[0].note == "as in the paper"
    assert read("note: of the file\nlayers: [relu]\n").note == "of the file"


def test_what_a_file_says_of_itself() -> None:
    head = (
        "convcalc: 1\nname: small\ndescription: A net.\nsource: a paper\nyear: 2015\ninput: [3]\n"
    )
    found = read("layers: [relu]\n", head)
    said = (found.name, found.description, found.origin, found.year)
    assert said == ("small", "A net.", "a paper", 2015)


def test_a_layer_that_is_not_trained() -> None:
    body = (
        "layers:\n- {conv: {out: 3, k: 1}, trainable: false}\n"
        "- {seq: [{conv: {out: 3, k: 1}}, {seq: [{conv: {out: 3, k: 1}}]}], trainable: false}\n"
        "- {A: {}, trainable: false}\n- conv: {out: 3, k: 1}\n"
    )
    head = f"{HEAD}blocks:\n  A: [{{conv: {{out: 3, k: 1}}}}]\n"
    found = report(body, head)
    assert [layer.trainable for layer in found.layers] == [0, 0, 0, 0, 12]
    assert (found.totals.params, found.totals.trainable) == (60, 12)


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


# --- references ------------------------------------------------------------------------------


def test_a_layer_reads_the_one_above_or_what_from_names() -> None:
    body = f"layers:\n- {c(4, ', id: a')}\n- {c(5)}\n- {c('in_channels', ', from: a')}\n- {c('in_channels', ', from: input')}\n- {{concat: [a, prev, input]}}\n- {{add: {{}}, from: [a, a]}}\n"
    assert channels(body) == [4, 5, 4, 3, 10, 4]


def test_an_id_of_a_composite_is_its_joined_tensor() -> None:
    body = f"layers:\n- {{residual: [{c(3)}], id: r}}\n- {{seq: [{c(5)}, relu], id: s}}\n- {{branches: [[], []], id: b}}\n- {{A: {{}}, id: z}}\n- concat: [r, s, b, z]\n"
    head = f"{HEAD}blocks:\n  A: [{c(2)}]\n"
    assert channels(body, head)[-1] == 3 + 5 + 10 + 2


def test_an_id_of_a_repeated_item_is_its_last_iteration() -> None:
    body = f"layers:\n- {c('i + 1', ', id: a, repeat: 3')}\n- {c('in_channels', ', from: a')}\n"
    assert channels(body) == [1, 2, 3, 3]
    one = f"layers:\n- {c('i + 1', ', id: a, repeat: 3')}\n- {{concat: ['a[0]', 'a[1]', 'a[2]']}}\n"
    assert channels(one)[-1] == 6


def test_iterations_that_were_left_out_are_not_counted() -> None:
    body = f"layers:\n- {c('n', ', id: a, for: {n: [1, 2, 3]}, if: n != 2')}\n- {{concat: ['a[0]', 'a[1]']}}\n"
    assert channels(body) == [1, 3, 4]


def test_layers_inside_are_addressed_by_dotted_paths() -> None:
    head = f"{HEAD}blocks:\n  A: [{c(4, ', id: inner')}, {c(5)}]\n"
    body = "layers:\n- A\n- {A: {}, id: x}\n- {seq: [relu, {seq: [tanh], id: t}], id: s}\n- concat: [A.inner, x.inner, x.conv, s.t.tanh, s.t]\n"
    assert channels(body, head)[-1] == 4 + 4 + 5 + 5 + 5


def test_there_are_no_references_downwards_and_so_no_cycles() -> None:
    assert problems("layers:\n- {relu: {}, from: b}\n- {relu: {}, id: b, from: input}\n") == [
        "unknown-name"
    ]
    assert problems("layers:\n- {relu: {}, from: a, id: a}\n") == ["unknown-name"]
    assert problems("layers:\n- {seq: [{relu: {}, from: a}], id: a}\n") == ["unknown-name"]


def test_ref_params_hand_tensors_into_blocks() -> None:
    head = (
        f"{HEAD}blocks:\n  Up:\n    params: {{c: int, skip: ref}}\n"
        f"    layers: [concat: [skip, prev, input], {c('c')}, {{Deep: {{t: skip}}}}]\n"
        "  Deep: {params: {t: ref}, layers: [{concat: [t, prev]}]}\n"
    )
    body = f"layers:\n- {c(4, ', id: e')}\n- {c(5, ', id: f')}\n- Up: {{c: 6, skip: e}}\n"
    assert channels(body, head)[-3:] == [14, 6, 10]
    loop = "- {Up: {c: 6, skip: s}, for: {s: [e, f]}}\n"
    assert channels(body + loop, head)[-6:] == [4 + 10 + 10, 6, 10, 5 + 10 + 10, 6, 11]
    for name, wide in (("prev", 10), ("input", 3)):
        last = channels(f"{body}- Up: {{c: 6, skip: {name}}}\n", head)
        assert last[-1] == 6 + wide


def test_loops_over_ids_work_for_from_and_for_inputs_too() -> None:
    body = f"layers:\n- {c(4, ', id: e')}\n- {c(5, ', id: f')}\n"
    assert channels(f"{body}- {{relu: {{}}, from: s, for: {{s: [e, f]}}}}\n")[-2:] == [4, 5]
    assert channels(f"{body}- {{concat: [prev, s], for: {{s: [e, f]}}}}\n")[-2:] == [9, 14]


@pytest.mark.parametrize(
    "item",
    [
        "{seq: [relu], from: [input, prev]}",
        "{A: {}, from: [input, prev]}",
        "{residual: [relu], from: [input, prev]}",
    ],
)
def test_a_second_input_is_never_dropped_silently(item: str) -> None:
    assert len(problems(f"blocks:\n  A: [relu]\nlayers:\n- tanh\n- {item}\n")) == 1


def test_a_ref_is_one_tensor() -> None:
    head = f"{HEAD}blocks:\n  Up: {{params: {{skip: ref}}, layers: [concat: [skip, prev]]}}\n"
    for skip in ("[e, prev]", "[]", "3", "{a: b}", "null"):
        assert (
            len(problems(f"layers:\n- {{relu: {{}}, id: e}}\n- Up: {{skip: {skip}}}\n", head)) == 1
        )


# --- several inputs, outputs -----------------------------------------------------------------

TWO = "convcalc: 1\nname: two\ninputs: {left: [3, 8, 8], right: [4, 8, 8]}\n"


def test_several_inputs_are_read_by_name() -> None:
    body = f"layers:\n- {c(5, ', from: left')}\n- {c(6, ', from: right, id: r')}\n- concat: [prev, r, left]\n"
    assert channels(body, TWO) == [5, 6, 15]
    assert channels("layers:\n- concat: [left, right]\n", TWO) == [7]


def test_composites_and_blocks_may_read_the_inputs_themselves() -> None:
    assert channels("layers:\n- seq: [{relu: {}, from: left}, tanh]\n", TWO) == [3, 3]
    head = f"{TWO}blocks:\n  Fuse: {{params: {{a: ref, b: ref}}, layers: [concat: [a, b]]}}\n"
    assert channels("layers:\n- Fuse: {a: left, b: right}\n", head) == [7]


def test_several_inputs_have_no_first_one() -> None:
    assert problems("layers:\n- relu\n", TWO) == ["missing-key"]
    assert problems("layers:\n- {relu: {}, from: left, if: false}\n- relu\n", TWO) == [
        "missing-key"
    ]
    assert problems("layers:\n- {relu: {}, from: input}\n", TWO) == ["unknown-name"]


def test_sizes_of_inputs_can_be_set() -> None:
    assert shapes("layers: [relu]\n", inputs=[5, 9, 7]) == ["5×9×7"]
    assert shapes("layers:\n- concat: [left, right]\n", TWO, inputs={"left": [9, 8, 8]}) == [
        "13×8×8"
    ]
    assert shapes("layers: [relu]\n", inputs=[3, None, 7]) == ["3×unknown×7"]
    with pytest.raises(TargetError):
        read("layers:\n- concat: [left, right]\n", TWO, inputs=[3, 8, 8])


def test_input_sizes_may_be_expressions() -> None:
    head = "convcalc: 1\nname: net\nparams: {n: 4, whole: [3, 8, 8]}\n"
    assert shapes("input: [n - 1, n*4, n**2]\nlayers: [relu]\n", head) == ["3×16×16"]
    assert shapes("input: whole\nlayers: [relu]\n", head) == ["3×8×8"]
    assert shapes("input: [n - 1, n*4]\nlayers: [relu]\n", head, params={"n": 5}) == ["4×20"]


def test_outputs_are_the_ids_listed_or_the_last_layer() -> None:
    body = f"layers:\n- {c(4, ', id: a')}\n- {c(5, ', id: b')}\n- {c(6)}\n"
    assert [str(s) for s in report(body).outputs.values()] == ["6×32×32"]
    listed = {name: s.channels for name, s in report(f"{body}outputs: [b, a]\n").outputs.items()}
    assert listed == {"b": 5, "a": 4}
    assert list(report(f"{body}outputs: a\n").outputs) == ["a"]
    for wrong in ("[c]", "[]", "{x: a}", "[{x: a}]", "[3]", "null"):
        assert len(problems(f"{body}outputs: {wrong}\n")) == 1, wrong


def test_the_batch_multiplies_work_and_not_parameters() -> None:
    one, four = report(f"layers:\n- {c(4)}\n"), report(f"layers:\n- {c(4)}\n", batch=4)
    assert four.totals.macs == 4 * one.totals.macs
    assert four.totals.params == one.totals.params
    assert four.layers[0].output.dims == (4, 4, 32, 32)


# --- paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[relu, tanh]", "relu tanh"),
        ("[relu, relu]", "relu[0] relu[1]"),
        ("[{relu: {}, repeat: 1}]", "relu[0]"),
        ("[{relu: {}, for: {n: [1]}}]", "relu[0]"),
        ("[{relu: {}, id: a}, relu]", "a relu"),
        ("[{relu: {}, id: a, repeat: 2}]", "a[0] a[1]"),
        ("[{relu: {}, id: relu}, relu]", "relu[0] relu[1]"),
        ("[{relu: {}, repeat: 2}, relu]", "relu[0] relu[1] relu[2]"),
        ("[seq: [relu], relu]", "relu[0] relu[1]"),
        ("[{seq: [relu, tanh], repeat: 2}]", "relu[0] tanh[0] relu[1] tanh[1]"),
        ("[{seq: [relu], id: s}]", "s.relu"),
        ("[{seq: [relu], id: s, repeat: 2}, relu]", "s[0].relu s[1].relu relu"),
        ("[residual: [relu]]", "relu add"),
        ("[{residual: [relu], id: r}]", "r.relu r.add"),
        ("[{residual: [relu], shortcut: [tanh]}]", "relu shortcut.tanh add"),
        (
            "[{residual: [relu], shortcut: [tanh]}, {residual: [], shortcut: [tanh]}]",
            "relu shortcut[0].tanh add[0] shortcut[1].tanh add[1]",
        ),
        (
            "[{residual: [relu], shortcut: [tanh]}, residual: []]",
            "relu shortcut.tanh add[0] add[1]",
        ),
        (
            "[{residual: [], shortcut: [tanh, tanh], id: r}]",
            "r.shortcut.tanh[0] r.shortcut.tanh[1] r.add",
        ),
        ("[branches: [[relu], [relu]]]", "branch[0].relu branch[1].relu concat"),
        ("[branches: [[], [relu]]]", "branch[1].relu concat"),
        (
            "[{branches: [[relu], [relu, relu]], id: b}]",
            "b.branch[0].relu b.branch[1].relu[0] b.branch[1].relu[1] b.concat",
        ),
        (
            "[{branches: [[relu], []], repeat: 2}]",
            "branch[0].relu concat[0] branch[2].relu concat[1]",
        ),
        ("[{branches: [[seq: [relu]], []], join: max}]", "branch[0].relu maximum"),
        ("[A, A]", "A[0].relu A[1].relu"),
        ("[{A: {}, id: a}, A]", "a.relu A.relu"),
        ("[{A: {}, repeat: 2}]", "A[0].relu A[1].relu"),
        ("[concat: [prev, input], {concat: [prev, input]}]", "concat[0] concat[1]"),
        ("[{branches: [[relu]]}, {concat: [input, input]}]", "branch[0].relu concat"),
    ],
)
def test_paths(layers: str, expected: str) -> None:
    assert paths(f"blocks:\n  A: [relu]\nlayers: {layers}\n") == expected.split()


def test_a_failed_sibling_keeps_its_number() -> None:
    body = f"layers:\n- {c(0)}\n- {{conv: {{out: 5, k: 1, g: 9}}, from: input}}\n- {{conv: {{out: 5, k: 1}}, from: nowhere}}\n- {c(5, ', from: input')}\n"
    network = read_network(Target("net.yaml", None, HEAD + body))
    assert [layer.path for layer in network.layers] == ["conv[3]"]


def test_paths_are_unique() -> None:
    for name in ("vgg16", "resnet50", "unet", "shufflenet_v2"):
        found = [layer.path for layer in example(name).layers]
        assert len(set(found)) == len(found)


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


# --- imports ---------------------------------------------------------------------------------


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"convcalc: 1\n{text}", "utf-8")


def imported(folder: Path, body: str, name: str = "net.yaml") -> Network:
    return read_network(Target(str(folder / name), None, HEAD + body))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "convcalc.toml").touch()
    return tmp_path / "project"


def test_an_imported_block_sees_the_defaults_of_its_own_file(project: Path) -> None:
    written(
        project,
        {
            "lib/b.yaml": f"params: {{w: 6}}\nvariants: {{v: {{w: 9}}}}\nblocks:\n  A: {{params: {{c: 1}}, layers: [{c('w*c')}]}}\n"
        },
    )
    body = "params: {w: 100}\nimports: {lib: lib/b.yaml}\nlayers: [lib.A, {lib.A: {c: 2}, id: z}, lib.A]\n"
    network = imported(project, body)
    assert [str(p.message) for p in network.problems] == []
    assert [(x.path, x.analysis.output.channels) for x in network.layers] == [
        ("A[0].conv", 6),
        ("z.conv", 12),
        ("A[1].conv", 6),
    ]


def test_imports_are_relative_to_the_file_that_imports(project: Path) -> None:
    written(
        project,
        {
            "lib/one.yaml": "imports: {two: deep/two.yaml}\nblocks:\n  A: [two.B]\n",
            "lib/deep/two.yaml": f"imports: {{top: ../../top.yaml}}\nblocks:\n  B: [top.C, {c(5)}]\n",
            "top.yaml": f"blocks:\n  C: [{c(4)}]\n",
        },
    )
    network = imported(project, "imports: {one: lib/one.yaml}\nlayers: [one.A]\n")
    assert not network.problems
    assert [layer.path for layer in network.layers] == ["A.B.C.conv", "A.B.conv"]


def test_imports_are_found_among_the_shipped_blocks(project: Path) -> None:
    network = imported(
        project, "imports: {b: blocks/conv_bn.convcalc.yaml}\nlayers: [b.ConvBn: {out: 8}]\n"
    )
    assert not network.problems
    written(
        project,
        {
            "blocks/conv_bn.convcalc.yaml": f"blocks:\n  ConvBn: {{params: {{out: int}}, layers: [{c('out')}]}}\n"
        },
    )
    near = imported(
        project, "imports: {b: blocks/conv_bn.convcalc.yaml}\nlayers: [b.ConvBn: {out: 8}]\n"
    )
    assert [layer.path for layer in near.layers] == ["ConvBn.conv"]


def test_only_blocks_are_imported(project: Path) -> None:
    written(
        project,
        {"b.yaml": "params: {w: 6}\ninput: [3, 8, 8]\nlayers: [relu]\nblocks:\n  A: [relu]\n"},
    )
    network = imported(project, f"imports: {{b: b.yaml}}\nlayers: [{c('w')}]\n")
    assert [problem.name for problem in network.problems] == ["unknown-name"]


@pytest.mark.parametrize(
    "path",
    [
        "gone.yaml",
        "../outside.yaml",
        "/etc/hostname",
        "https://example.org/a.yaml",
        "lib",
        "",
        "link.yaml",
        ".",
    ],
)
def test_what_cannot_be_imported_is_one_problem(project: Path, path: str) -> None:
    (project.parent / "outside.yaml").write_text("convcalc: 1\nblocks:\n  A: [relu]\n")
    (project / "link.yaml").symlink_to(project.parent / "outside.yaml")
    (project / "lib").mkdir()
    network = imported(project, f"imports: {{b: '{path}'}}\nlayers: [tanh, b.A]\n")
    assert [problem.name for problem in network.problems] == ["unreadable-import"]
    assert (len(network.layers), network.skipped) == (1, 1)


def test_imports_in_a_ring_are_one_problem(project: Path) -> None:
    written(
        project,
        {
            "a.yaml": "imports: {b: b.yaml}\nblocks: {A: [b.B]}\n",
            "b.yaml": "imports: {a: a.yaml}\nblocks: {B: [a.A]}\n",
        },
    )
    for name in ("a.yaml", "net.yaml"):
        network = imported(project, f"imports: {{x: {name}}}\nlayers: [relu]\n")
        assert [problem.name for problem in network.problems] == ["import-cycle"]


def test_a_file_that_is_imported_twice_is_read_once(project: Path) -> None:
    written(
        project,
        {
            "a.yaml": "blocks:\n  A: [{conv: {out: 0, k: 1}}]\n  B: [nope]\n",
            "b.yaml": "imports: {a: a.yaml}\nblocks: {B: [a.A]}\n",
        },
    )
    network = imported(
        project,
        "imports: {a: a.yaml, b: b.yaml, c: ./a.yaml}\nlayers: [a.A, {b.B: {}, from: input}]\n",
    )
    assert [problem.name for problem in network.problems] == ["out-of-range", "unknown-operator"]


# --- share -----------------------------------------------------------------------------------


def test_shared_weights_are_counted_once_and_used_each_time() -> None:
    body = f"layers:\n- {c(3, ', id: a')}\n- {c(3, ', share: a')}\n- {c(3, ', share: a')}\n"
    found = report(body)
    assert found.totals.params == 12
    assert found.totals.macs == 3 * 9 * 32 * 32
    assert [layer.shares for layer in found.layers] == ["", "a", "a"]
    assert [layer.params for layer in found.layers] == [12, 0, 0]


def test_weights_are_shared_at_other_sizes_of_the_image() -> None:
    body = f"layers:\n- {c(3, ', id: a')}\n- max_pool: {{k: 2, s: 2}}\n- {c(3, ', share: a')}\n"
    assert report(body).totals.params == 12


def test_blocks_and_composites_share_all_their_weights() -> None:
    head = f"{HEAD}blocks:\n  A: [{c(3, ', id: z')}, batch_norm, relu]\n"
    body = f"layers:\n- {{A: {{}}, id: a}}\n- {{A: {{}}, share: a, repeat: 2}}\n- {{seq: [{c(3)}, batch_norm], share: a}}\n- {c(3, ', share: a.z')}\n"
    found = report(body, head)
    assert (found.totals.params, found.totals.buffers) == (
        18,
        report("layers: [A]\n", head).totals.buffers,
    )


def test_what_is_shared_again_belongs_to_the_first() -> None:
    body = f"layers:\n- {c(3, ', id: a')}\n- {c(3, ', share: a, id: b')}\n- {c(3, ', share: b')}\n"
    assert [layer.shares for layer in report(body).layers] == ["", "a", "a"]


def test_sharing_inside_a_block_stays_within_each_call() -> None:
    head = f"{HEAD}blocks:\n  A: [{c(3, ', id: z')}, {c(3, ', share: z')}]\n"
    assert report("layers:\n- {A: {}, repeat: 3}\n", head).totals.params == 36


@pytest.mark.parametrize(
    "item",
    [
        "{conv: {out: 3, k: 3}, share: a}",
        "{conv: {out: 4, k: 1}, share: a}",
        "{conv: {out: 3, k: 1, bias: false}, share: a}",
        "{relu: {}, share: a}",
        "{batch_norm: {}, share: a}",
    ],
)
def test_weights_of_another_shape_cannot_be_shared(item: str) -> None:
    assert problems(f"layers:\n- {c(3, ', id: a')}\n- {item}\n") == ["share-mismatch"]


@pytest.mark.parametrize(
    "share", ["nowhere", "prev", "input", "self", "[a, a]", "3", "null", "{a: b}"]
)
def test_what_can_be_shared_is_a_layer_above(share: str) -> None:
    """Above all, a layer that shares with itself must not lose its parameters."""
    assert (
        len(problems(f"layers:\n- {c(3, ', id: a')}\n- {c(3, f', id: self, share: {share}')}\n"))
        == 1
    )


def test_iterations_do_not_share_with_themselves() -> None:
    assert len(problems(f"layers:\n- {c(3, ', id: a, share: a, repeat: 3')}\n")) == 1


def test_a_ref_param_is_a_tensor_and_not_weights() -> None:
    head = f"{HEAD}blocks:\n  A: {{params: {{t: ref}}, layers: [{c(3, ', share: t')}]}}\n"
    assert len(problems(f"layers:\n- {c(3, ', id: a')}\n- A: {{t: a}}\n", head)) == 1


# --- opaque ----------------------------------------------------------------------------------


def test_an_opaque_layer_is_what_it_says() -> None:
    body = "layers:\n- opaque: {output: [256, 14, 14], params: 12345, macs: 1.2M, receptive_field: 5}\n- relu\n"
    found = report(body, batch=2)
    first = found.layers[0]
    assert (first.declared, found.layers[1].declared) == (True, False)
    assert (str(first.output), first.params, first.macs) == ("256×14×14", 12345, 2_400_000)


def test_an_opaque_layer_may_read_everything() -> None:
    body = "layers:\n- opaque: {output: [256], params: 0, macs: 0, receptive_field: global}\n"
    field = report(body).receptive_field
    assert field is not None
    assert field.is_global
    assert field.reason == ""


def test_what_an_opaque_layer_does_not_say_is_unknown() -> None:
    found = report("layers:\n- opaque: {output: [256, 14, 14]}\n- conv: {out: 1, k: 3}\n")
    assert not known(found.totals.params)
    assert not known(found.totals.macs)
    assert {"opaque: params", "opaque: macs"} <= set(found.totals.unknown)
    assert found.receptive_field is not None
    assert not known(found.receptive_field.size[0])
    assert found.receptive_field.reason


# --- unknown sizes ---------------------------------------------------------------------------

UNSIZED = "convcalc: 1\nname: net\ninput: [3, null, null]\n"


def test_an_unknown_size_leaves_parameters_and_receptive_fields_known() -> None:
    body = "layers:\n- conv: {out: 8, k: 3}\n- batch_norm\n- max_pool: {k: 2, s: 2}\n- residual: [{conv: {out: 8, k: 3, p: 1}}]\n- upsample: {scale: 2}\n- global_avg_pool\n- linear: {out: 10}\n"
    found, sized = report(body, UNSIZED), report(body)
    assert found.totals.params == sized.totals.params
    assert [x.params for x in found.layers] == [x.params for x in sized.layers]
    fields = [x.receptive_field for x in found.layers], [x.receptive_field for x in sized.layers]
    assert fields[0] == fields[1]
    assert str(found.layers[0].output) == "8×unknown×unknown"
    assert str(found.layers[-1].output) == "10"


def test_counts_that_depend_on_an_unknown_size_are_unknown_and_say_so() -> None:
    found = report("layers:\n- conv: {out: 8, k: 3}\n- flatten\n- linear: {out: 10}\n", UNSIZED)
    for count in (
        found.totals.params,
        found.totals.macs,
        found.totals.flops,
        found.totals.moved,
        found.totals.activations,
    ):
        assert not known(count)
    assert {"conv: macs", "linear: params", "linear: macs"} <= set(found.totals.unknown)
    assert found.layers[0].params == 8 * 27 + 8


def test_one_axis_may_be_unknown_alone() -> None:
    assert shapes("layers:\n- conv: {out: 8, k: 3}\n", "convcalc: 1\ninput: [3, null, 32]\n") == [
        "8×unknown×30"
    ]


def test_what_must_know_a_size_says_that_it_does_not() -> None:
    for item in (
        "{relu: {}, if: in_channels > 3}",
        "{relu: {}, repeat: in_channels}",
        "{linear: {out: in_channels*2}}",
        "{branches: [[], []], split: channels}",
    ):
        assert problems(f"layers:\n- flatten\n- {item}\n", UNSIZED) == ["bad-expression"], item
    head = f"{UNSIZED}blocks:\n  A: {{params: {{c: int}}, layers: [relu]}}\n"
    assert problems("layers:\n- flatten\n- A: {c: in_channels}\n", head) == ["bad-expression"]


def test_stated_shapes_of_unknown_sizes_are_not_held_against_them() -> None:
    assert not problems(
        "layers:\n- {conv: {out: 8, k: 3}, shape: [8, 30, 30]}\n- {flatten: {}, shape: [7200]}\n- {relu: {}, in: 7200}\n",
        UNSIZED,
    )
    assert problems("layers:\n- {conv: {out: 8, k: 3}, shape: [9, 30, 30]}\n", UNSIZED) == [
        "stated-differently"
    ]


# --- expressions where people write them -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("w*4", 32),
        ("'w*4'", 32),
        ('"max(w, 3)"', 8),
        ("w // 3", 2),
        ("w/2", 4),
        ("32.0", 32),
        ("1e1", 10),
        ("0x10", 16),
        ("w if wide else 1", 8),
        ("w if not wide else 1", 1),
        ('"l[-1]"', 5),
        ("sum(l)", 9),
        ("len(l)", 2),
        ("make_divisible(w*1.1)", 8),
        ('"make_divisible(w*1.4, 4)"', 12),
        ("round(2.5)", 2),
        ("-w + 10", 2),
    ],
)
def test_expressions_in_fields(text: str, value: int) -> None:
    body = f"params: {{w: 8, wide: true, l: [4, 5]}}\nlayers:\n- conv: {{out: {text}, k: 1}}\n"
    assert channels(body) == [value]


@pytest.mark.parametrize(
    "text",
    ["21.5", "w/3", "w +", "[8]", "true", "null", "nowhere", "'8 8'", "w.real", "2**65", "'l'"],
)
def test_what_is_no_channel_count(text: str) -> None:
    body = f"params: {{w: 8, l: [4, 5]}}\nlayers:\n- conv: {{out: {text}, k: 1}}\n"
    assert len(problems(body)) == 1


# --- decisions about operators -----------------------------------------------------------------


def test_global_pooling_drops_the_axes_unless_they_are_kept() -> None:
    body = "layers:\n- global_avg_pool: {keepdim: %s}\n- %s: {out: 5}\n"
    assert shapes(body % ("false", "linear")) == ["3", "5"]
    assert shapes(body % ("true", "pointwise_conv")) == ["3×1×1", "5×1×1"]


def test_linear_acts_on_the_channels_and_warns_where_a_flatten_was_meant() -> None:
    body = "layers:\n- linear: {out: 5}\n"
    network = read_network(Target("net.yaml", None, HEAD + body))
    (problem,) = network.problems
    assert (problem.name, problem.severity) == ("flatten-missing", "warning")
    (layer,) = analyse(network).layers
    assert (str(layer.output), layer.params) == ("5×32×32", 20)
    assert analyse(network).complete


def test_expect_is_kept_by_variant() -> None:
    body = f"{VARIANTS}expect:\n  net: {{params: 16, output: [4, 32, 32], macs: 12.288k}}\n  wide: {{params: 2**5}}\n"
    assert read(body).expect == {
        "net": {"params": 16, "output": [4, 32, 32], "macs": 12_288},
        "wide": {"params": 32},
    }


def test_a_report_adds_up() -> None:
    for name in ("vgg16", "resnet50", "unet", "shufflenet_v2"):
        found = example(name)
        for key in ("params", "trainable", "buffers", "macs", "elementwise", "activations"):
            assert sum(getattr(x, key) for x in found.layers) == getattr(found.totals, key)
        assert found.totals.params == sum(prod(w) for x in found.layers for w in x.weights.values())
