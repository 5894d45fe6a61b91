"""What people read when a file is wrong.

Each file of ``tests/golden/errors`` is broken in one way, or in a few of one kind; beside it
stands the whole text that it gives. ``CONVCALC_UPDATE_GOLDEN=1 pytest tests/diagnostics``
writes the texts anew; read them as a user would before you commit them.
"""

from __future__ import annotations

import re

import pytest
from kept import kept
from problems import BROKEN, GOLDEN, HEAD, errors, marked, read

from convcalc.analysis.analyse import analyse
from convcalc.diagnostics.text import full_text
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

# --- whole texts -----------------------------------------------------------------------------


def text_of(network: Network) -> str:
    """All problems, and what could be computed nevertheless."""
    layers = [f"{layer.path} {layer.output}" for layer in analyse(network).layers]
    parts = [full_text(problem, network.sources) for problem in network.problems]
    summary = f"computed: {', '.join(layers) or 'nothing'}; skipped: {network.skipped}"
    return "\n\n".join([*parts, summary]) + "\n"


@pytest.mark.parametrize("name", BROKEN)
def test_the_text_of_a_broken_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    text = text_of(read_network(Target(f"{name}.yaml")))
    assert text == kept(GOLDEN / f"{name}.txt", text)


def test_every_text_belongs_to_a_file() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == BROKEN


# --- one message per defect, and all of them ---------------------------------------------------


def names_of(body: str, head: str = HEAD) -> list[str]:
    return [problem.name for problem in errors(body, head)]


@pytest.mark.parametrize(
    "body",
    [
        "layers:\n- conv: {ot: 8, k: 3}\n",
        "layers:\n- conv: {out_channel: 8, k: 3}\n",
        "layers:\n- conv: {filters: 8, k: 3}\n",
        "layers:\n- adaptive_avg_pool: {size: 7}\n",  # the only unknown key, the only missing field
        "blocks:\n  A: {params: {width: int}, layers: [relu]}\nlayers:\n- A: {wdth: 8}\n",
        "blocks:\n  A: {layer: [relu]}\nlayers: [A]\n",
    ],
)
def test_a_misspelt_required_field_is_one_error(body: str) -> None:
    assert names_of(body) == ["unknown-key"]


@pytest.mark.parametrize(
    "param",
    [
        "{default: 3, min: 4}",
        "{default: 9, multiple_of: 8}",
        "{default: 2.5, type: int}",
        "{default: 2, choices: [1, 3]}",
        "nowhere",
        "null",
    ],
)
def test_a_wrong_param_is_not_reported_again_where_it_is_used(param: str) -> None:
    assert len(errors(f"params: {{w: {param}}}\nlayers:\n- conv: {{out: w, k: 3}}\n")) == 1


def test_every_wrong_field_of_a_layer_is_reported() -> None:
    body = "layers:\n- conv: {out: 0, k: -1, s: 0, p: -2, d: 0, g: 1.5, bias: 3}\n"
    assert marked(body) == ["0", "-1", "0", "-2", "0", "1.5", "3"]


def test_every_wrong_argument_of_a_block_is_reported() -> None:
    body = (
        "blocks:\n  A: {params: {n: int, b: bool, d: {default: 4, max: 8}}, layers: [relu]}\n"
        "layers:\n- A: {n: 4.5, b: 1, d: 9}\n"
    )
    assert marked(body) == ["4.5", "1", "9"]


def test_a_block_that_is_called_often_has_its_defect_once() -> None:
    body = "blocks:\n  A: [conv: {out: 0, k: 3}]\nlayers:\n- {A: {}, repeat: 5}\n- A\n"
    assert len(errors(body)) == 1


def test_a_reader_of_a_broken_layer_is_skipped_without_a_word() -> None:
    body = (
        "layers:\n- {conv: {out: 8, k: 3}, id: a}\n- {conv: {out: 0, k: 3}, id: b}\n"
        "- relu\n- {concat: [a, b], id: c}\n- {relu: {}, from: a, id: d}\noutputs: [c, d]\n"
    )
    network = read(body)
    assert [problem.name for problem in network.problems] == ["out-of-range"]
    assert [layer.path for layer in network.layers] == ["a", "d"]
    assert network.skipped == 3


def test_an_output_whose_layer_has_a_problem_is_not_a_second_problem() -> None:
    body = "layers:\n- {relu: {}, from: nowhere, id: a}\n- {add: [a, gone]}\noutputs: [a, add]\n"
    assert [p.place.line for p in errors(body)] == [5, 6]


@pytest.mark.parametrize(
    "item", ["[relu]", "3", "null", "{}", "{id: x}", "true", "{id: x, note: y}"]
)
def test_what_is_no_layer_is_skipped_with_all_that_reads_it(item: str) -> None:
    network = read(f"layers:\n- relu\n- {item}\n- conv: {{out: 8, k: 3, g: 2}}\n- tanh\n")
    assert len(network.problems) == 1
    assert [layer.path for layer in network.layers] == ["relu"]
    assert network.skipped == 3


def test_problems_at_the_top_do_not_get_lost() -> None:
    tops = {"name": "[a]", "description": "[a]", "source": "{a: b}", "note": "[a]", "year": "old"}
    for key, value in tops.items():
        head = "convcalc: 1\ninput: [3, 8, 8]\n"
        assert marked(f"{key}: {value}\nlayers: [relu]\n", head) == [value], key


def test_the_version_is_the_number_one() -> None:
    for version in ("'1'", "true", "[1]", "0"):
        problems = errors("layers: [relu]\n", f"convcalc: {version}\ninput: [3, 8, 8]\n")
        assert len(problems) == 1, version
        assert problems[0].place[1:3] == (1, 11)


def test_a_network_without_layers_says_so() -> None:
    for layers in ("", "layers:\n", "layers: []\n"):
        assert len(errors(layers)) == 1


def test_a_param_that_cannot_be_declared_breaks_nothing_else() -> None:
    for params in ("{i: 2}", "{c: 8, d: c + nope}", "{2: 3}", "{c: {min: 3}}", "{c: null}"):
        body = f"blocks:\n  A: {{params: {params}, layers: [relu]}}\nlayers: [A, tanh]\n"
        assert len(errors(body)) == 1, params


def test_a_variant_with_the_name_of_the_network_is_refused() -> None:
    assert len(errors("params: {w: 1}\nvariants:\n  net: {w: 2}\nlayers: [relu]\n")) == 1


# --- places ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("{conv: {out: width + i, k: 3}}", "i"),  # and not the i of width
        ("{conv: {out: 2*wide + w, k: 3}}", "w"),
        ("{conv: {out: [width], k: 3}}", "[width]"),
        ("{conv: {out: 8, k: [3, 0]}}", "0"),
        ("{conv: {out: 8, k: 3, p: [[0, -1], [0, 0]]}}", "-1"),
        ("{conv: {out: 8, k: 3, g: 2}}", "2"),
        ("{conv: {out: 8, kernel: 3}}", "kernel"),
        ("{residual: [relu], join: cat}", "cat"),
        ("{branches: [[relu], [relu]], join: cat}", "cat"),
        ("{relu: {}, repeat: 2 - 5}", "2 - 5"),
        ("{relu: {}, trainable: 3}", "3"),
        ("{relu: {}, in: 4}", "4"),
        ("{relu: {}, shape: [3, 31, 32]}", "[3, 31, 32]"),
        ("{concat: [prev, input, inptu]}", "inptu"),
        ("{relu: {}, share: nowhere}", "nowhere"),
        ("{relu: {}, share: [prev, prev]}", "[prev, prev]"),
        ("{conv2d: {out: 8, k: 3}}", "conv2d"),
    ],
)
def test_the_caret_points_at_what_is_wrong(item: str, text: str) -> None:
    assert marked(f"params: {{width: 8, wide: 2}}\nlayers:\n- relu\n- {item}\n") == [text]


# --- advice ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Conv2d", "conv"),
        ("ReLU", "relu"),
        ("MaxPool2d", "max_pool"),
        ("BatchNorm2d", "batch_norm"),
        ("ConvTranspose2d", "conv_transpose"),
        ("Linear", "linear"),
        ("conv2d", "conv"),
        ("convolution", "conv"),
        ("batchnorm", "batch_norm"),
        ("deconv", "conv_transpose"),
        ("dense", "linear"),
        ("reul", "relu"),
    ],
)
def test_the_names_of_other_tools_lead_to_ours(wrong: str, right: str) -> None:
    (problem,) = errors(f"layers:\n- {wrong}: {{}}\n")
    assert problem.help == f"use '{right}'"


@pytest.mark.parametrize(
    ("key", "right"),
    [("filters", "out"), ("strides", "stride"), ("kernel", "kernel_size"), ("pad", "padding")],
)
def test_the_fields_of_other_tools_lead_to_ours(key: str, right: str) -> None:
    fields = {"out": "out: 8, ", "kernel_size": "k: 3, "}
    given = "".join(text for name, text in fields.items() if name != right)
    (problem,) = errors(f"layers:\n- conv: {{{given}{key}: 3}}\n")
    assert right in problem.help


def test_a_suggestion_is_never_a_field_that_is_already_there() -> None:
    (problem,) = errors("layers:\n- conv: {out: 8, k: 3, kernel: 3}\n")
    assert "kernel_size" not in problem.help.removeprefix("valid keys: ") or "given" in problem.help


def test_a_name_that_is_not_close_is_not_suggested() -> None:
    for body in ("- frobnicate\n", "- {relu: {}, if: depth > 3}\n"):
        (problem,) = errors(f"params: {{width: 8}}\nlayers:\n{body}")
        assert "use '" not in problem.help


def test_a_layer_that_was_left_out_is_not_called_unknown() -> None:
    for left_out in ("if: false", "repeat: 0"):
        (problem,) = errors(
            f"layers:\n- {{tanh: {{}}, id: a, {left_out}}}\n- {{relu: {{}}, from: a}}\n"
        )
        assert "no layer above has the id" not in problem.message


def test_no_message_speaks_python() -> None:
    for stem in BROKEN:
        text = (GOLDEN / f"{stem}.txt").read_text("utf-8")
        assert not re.search(r"\b(None|True|False|NoneType|Traceback|dict|tuple)\b", text), stem


def test_an_empty_reference_is_no_layer() -> None:
    assert names_of("layers:\n- seq: [relu]\n- {relu: {}, from: ''}\n") == ["unknown-name"]
