"""``convcalc explain``: whole outputs, shares that add up, and wrong usage.

Whole outputs are in ``tests/golden/explain``; ``CONVCALC_UPDATE_GOLDEN=1 pytest
tests/cli/test_explain.py`` writes them anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import shipped
from command import Command, verb
from kept import kept
from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.analysis.conventions import convention_names, number
from convcalc.analysis.conventions.counting import count_leaf as counted
from convcalc.analysis.conventions.counting import total
from convcalc.analysis.conventions.leaves import leaves
from convcalc.analysis.conventions.listing import rule_lines
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.syntax.expressions import compile_expression

GOLDEN = TESTS / "golden" / "explain"
LAYER = "layer[1].Bottleneck[0].ConvBn[1].conv"


explain = verb("explain")


LINES = {
    "transposed": "conv_transpose out=1 k=4 s=3 -i 1x2x2",
    "transposed_json": "conv_transpose out=1 k=4 s=3 -i 1x2x2 -f json",
    "layer": f"resnet101 {LAYER} --set wide=2 --batch 4",
    "layer_80": f"resnet50 {LAYER}",
    "layer_color": "resnet50 stem.conv --color always",
    "layer_markdown": "unet d1.up -f markdown",
    "composite": "squeeze_excite reduction=4 -i 16x7x7",
    "several_inputs": "concat -i a=3x5x5 -i b=4x5x5",
    "join": "resnet50 layer[0].Bottleneck[0].add",
    "unknown_size": "conv out=8 k=3 -i 3x?x?",
    "network": "resnet50",
    "block": "resnet50 layer[1]",
    "convention": "resnet50 --convention fvcore",
    "convention_layer": "conv_transpose out=3 k=4 s=3 -i 2x2x2 --convention torchinfo",
    "versus": "resnet50 --convention thop --versus fvcore",
    "versus_block": "resnet50 layer[1] --convention keras.params --versus convcalc.params",
    "versus_markdown": "mobilenet_v2 --convention ptflops --versus torch -f markdown",
}


@pytest.mark.parametrize("name", LINES)
def test_whole_outputs(name: str, explain: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.endswith("_80"):
        monkeypatch.setenv("COLUMNS", "80")
    ran = explain(LINES[name])
    text = f"$ convcalc explain {LINES[name]}\n{ran.out}"
    assert (ran.code, ran.err) == (0, "")
    assert text == kept(GOLDEN / f"{name}.txt", text)


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize(
    "line", [f"resnet50 {LAYER}", "deform_conv version=3 g=4 -i 64x9x9", "resnet50"]
)
def test_no_line_is_wider_than_the_terminal(
    line: str, width: int, explain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, explain(line).out.splitlines())) <= width


def test_the_transposed_convolution_shows_its_size_with_numbers(explain: Command) -> None:
    out = explain("conv_transpose out=1 k=4 s=3 -i 1x2x2").out
    assert "= (2 - 1) * 3 - 0 - 0 + 4 + 0 = 7" in out


def test_the_shares_of_a_network_and_of_a_block_add_up(explain: Command) -> None:
    report = shipped.report("resnet50")
    whole = json.loads(explain("resnet50 -f json").out)
    for listed in (whole["by_part"], whole["by_operator"]):
        assert sum(row["params"] for row in listed) == report.totals.params
        assert sum(row["macs"] for row in listed) == report.totals.macs
    block = json.loads(explain("resnet50 layer[1] -f json").out)
    (row,) = (row for row in whole["by_part"] if row["path"] == "layer[1]")
    assert sum(part["params"] for part in block["by_part"]) == row["params"]
    assert {line["name"]: line["result"] for line in block["totals"]}["MACs"] == row["macs"]


def test_the_peak_is_the_sum_of_what_is_alive(explain: Command) -> None:
    report = shipped.report("unet")
    lines = json.loads(explain("unet -f json").out)["totals"]
    (alive,) = (line for line in lines if line["name"] == "alive")
    sizes = {layer.path: layer.output.numel for layer in report.layers}
    assert [sizes[name] for name in alive["formula"].split(" + ")] == [
        int(text) for text in alive["numbers"].split(" + ")
    ]
    assert lines[-1]["result"] == report.totals.memory.activations_peak
    assert {line["name"]: line["result"] for line in lines}["training"] == report.totals.training


def test_every_layer_can_be_explained_in_full(explain: Command) -> None:
    report = shipped.report("resnet18")
    whole = json.loads(explain("resnet18 --layers -f json").out)["layers"]
    assert [layer["path"] for layer in whole] == [layer.path for layer in report.layers]
    assert all(layer["fields"][0]["from"] == "given" for layer in whole if "conv" in layer["path"])
    block = explain("resnet18 stem --layers").out
    assert block.count("\nwork\n") == 3
    assert explain("resnet18 stem --layers -f markdown").out.count("| part ") == 3
    assert explain("resnet18 stem.conv --layers").out == explain("resnet18 stem.conv").out


def test_a_field_that_names_another_layer_shows_its_name(explain: Command) -> None:
    text = "convcalc: 1\ninput: [3, 8, 8]\nlayers:\n  - {max_pool: {k: 2}, id: pool}\n"
    Path("up.yaml").write_text(text + "  - {max_unpool: {indices: pool}, id: up}\n", "utf-8")
    assert re.search(r"\n  indices +pool +layer, up.yaml:5\n", explain("up.yaml up").out)


# --- other tools -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2"])
def test_every_difference_of_two_tools_ends_in_nothing(name: str, explain: Command) -> None:
    for tool in convention_names():
        found = json.loads(explain(f"{name} --convention {tool} --versus fvcore -f json").out)
        assert found["remainder"] == 0
        assert sum(item["difference"] for item in found["items"]) == found["difference"]
        assert found["total"] - found["versus_total"] == found["difference"]


def test_a_difference_is_taken_off_step_by_step(explain: Command) -> None:
    out = explain("resnet50 --convention thop --versus fvcore").out
    assert re.search(r"batch_norm .* \+22,227,968  \+2,048\n", out)
    assert re.search(r"global_avg_pool .* \+2,048       0\n", out)
    assert out.endswith("remainder  0\n")


@pytest.mark.parametrize("tool", convention_names())
def test_convcalc_itself_is_a_tool_to_compare_with(tool: str, explain: Command) -> None:
    report = shipped.report("shufflenet_v2_x1_0")
    line = f"shufflenet_v2_x1_0 --convention {tool} --versus"
    for own, total_of in (("convcalc", "macs"), ("convcalc.elementwise", "elementwise")):
        found = json.loads(explain(f"{line} {own} -f json").out)
        assert found["versus_total"] == getattr(report.totals, total_of)
        assert found["remainder"] == 0
    counted = json.loads(explain(f"{line} convcalc --count elementwise -f json").out)
    assert counted["versus_total"] == report.totals.elementwise


def test_the_symbols_of_the_rules_are_explained(explain: Command) -> None:
    out = explain("resnet50 global_avg_pool --convention torchscan").out
    assert "O·(k' - 1 + R)" in out
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["O", "k'", "R"]


def test_the_parameters_of_two_tools_are_compared_too(explain: Command) -> None:
    found = json.loads(
        explain("resnet50 --convention keras.params --versus thop.params -f json").out
    )
    (item,) = (item for item in found["items"] if item["difference"])
    assert (item["operator"], item["difference"], found["remainder"]) == ("batch_norm", 53_120, 0)


def test_a_block_and_the_copies_of_a_repeat_can_be_compared(explain: Command) -> None:
    report = analyse(read_network(resolve("resnet50")), convention="thop")
    for path in ("layer[1]", "layer", "layer[0].Bottleneck"):
        inside = [x for x in report.layers if x.path.startswith((f"{path}.", f"{path}["))]
        found = json.loads(
            explain(f"resnet50 '{path}' --convention thop --versus convcalc -f json").out
        )
        assert found["total"] == sum(layer.convention["macs"] for layer in inside)
        assert found["difference"] == found["total"] - sum(layer.macs for layer in inside)
        whole = json.loads(explain(f"resnet50 '{path}' -f json").out)
        assert sum(row["macs"] for row in whole["by_part"]) == sum(x.macs for x in inside)


def test_unknown_differences_come_first_and_the_others_run_down_to_nothing(
    explain: Command,
) -> None:
    Path("part.yaml").write_text(
        "convcalc: 1\ninput: [3, 8, 8]\nlayers:\n  - {conv: {out: 4, k: 3, p: 1}}\n  - batch_norm\n"
        "  - opaque: {output: [4, 8, 8], macs: 10, params: 2, receptive_field: unknown}\n"
        "  - relu\n",
        "utf-8",
    )
    lines = explain("part.yaml --convention ptflops --versus convcalc").out.splitlines()
    rows = [line.split() for line in lines[3:7]]
    assert [row[0] for row in rows] == ["opaque", "batch_norm", "relu", "conv"]
    # bias 4·64, norm 2·4·64, ReLU 2·4·64
    assert [row[-1] for row in rows] == ["+1,280", "+768", "+256", "0"]
    assert lines[-1] == "remainder  unknown, because of opaque"


@pytest.mark.parametrize("tool", convention_names())
def test_the_numbers_of_a_rule_give_what_the_tool_counts(tool: str) -> None:
    network = read_network(resolve("efficientnet_b0"), batch=2)
    chosen, count = number(tool)
    lines = rule_lines(network, chosen, count)
    expected = sum(total(counted(leaf, chosen, count)) for leaf in leaves(network))
    assert sum(line.amount for line in lines) == expected
    for line in lines:
        if line.numbers:
            assert compile_expression(line.numbers).evaluate({}) == line.amount
        elif line.amount:  # a rule in words
            assert re.search("[a-z]{3}|⌊|k'", line.rule), line


@pytest.mark.parametrize(
    ("tool", "numbers"), [("fvcore", "192"), ("thop", "2352"), ("ptflops", "192 + 147")]
)
def test_a_transposed_convolution_has_the_numbers_of_the_tool(
    tool: str, numbers: str, explain: Command
) -> None:
    line = f"conv_transpose out=3 k=4 s=3 -i 1x2x2 --convention {tool} -f json"
    (rule,) = json.loads(explain(line).out)["rules"]
    assert rule["numbers"] == numbers  # 4 inputs or 49 outputs, each with 1 x 3 x 4 x 4 weights


# --- wrong usage -------------------------------------------------------------------------------

WRONG = {
    "resnet50 layr[1]": "there is no layer or block 'layr[1]'\n  = help: use 'layer[1]'",
    "vgg16 head": "there is no layer or block 'head'\n"
    "  = help: there are: features[0], features[1], ",
    "resnet50 k=3": "'k=3' is one word too many\n  = help: fields follow an operator",
    "resnet50 stem linear": "'linear' is one word too many\n  = help: name one layer",
    "conv k=3": "a layer needs its input",
    "conv 3 -i 3x4x4": "'3' is not a field",
    "convv k=3 -i 3x4x4": "unknown operator 'convv'\n  = help: use 'conv'",
    "resnet51": "no such file or built-in network: 'resnet51'",
    "resnet50 --versus thop": "--versus needs a convention to compare",
    "resnet50 --convention thopp": "--convention 'thopp' is not a convention\n  = help: use 'thop'",
    "resnet50 --convention thop --versus x": "--versus 'x' is not a convention",
    "resnet50 stemm --convention thop --versus fvcore": "there is no layer or block 'stemm'",
    "resnet50 --convention thop.mac": "--convention 'thop.mac' is not a convention\n"
    "  = help: use 'thop.macs'",
    "resnet50 -f csv": "output format is 'csv', but must be one of: table, markdown, json",
    "resnet50 -i 3x64x64 -i 3x32x32": "explain takes one input",
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage(line: str, explain: Command) -> None:
    ran = explain(line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {WRONG[line]}"), ran.err


def test_problems_of_the_file_are_told_and_the_other_layers_explained(explain: Command) -> None:
    text = "convcalc: 1\nname: broken\ninput: [3, 9, 9]\nlayers:\n"
    text += "  - conv: {out: 6, k: 3}\n  - max_pool: {k: 9}\n"
    Path("broken.yaml").write_text(text, "utf-8")
    fine = explain("broken.yaml conv")
    assert fine.code == 1
    assert "out_channels * (in_channels // groups)" in fine.out
    assert "empty-output" in fine.err
    failed = explain("broken.yaml max_pool")
    assert (failed.code, failed.out) == (1, "")
    assert "empty-output" in failed.err
