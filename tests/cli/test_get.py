"""``get`` and ``layer``: values in, values out."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import Command, Ran
from hypothesis import example, given
from hypothesis import strategies as st
from shipped import report

from convcalc.analysis.report.lookup import value_at
from convcalc.cli.commands.get import raw
from convcalc.cli.console import Failure
from convcalc.cli.loading import input_shapes
from convcalc.language.one_layer import layer_target
from convcalc.language.syntax import nodes
from convcalc.model.graph.paths import PathError

RESNET18 = report("resnet18")
pytestmark = pytest.mark.usefixtures("folder")


# --- inputs and values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shapes"),
    [
        (["3x512x256"], [[3, 512, 256]]),
        (["3×512×256"], [[3, 512, 256]]),
        (["3,512,256"], [[3, 512, 256]]),
        (["[3, 512, 256]"], [[3, 512, 256]]),
        (["3x?xnull"], [[3, None, None]]),
        (["100"], [[100]]),
        (["3x1x1", "3x2x2"], [[3, 1, 1], [3, 2, 2]]),
        (["a=3x1", "b=4x1"], [{"a": [3, 1], "b": [4, 1]}]),
        (["a=3x1", "b=4x1", "a=3x2"], [{"a": [3, 1], "b": [4, 1]}, {"a": [3, 2]}]),
    ],
)
def test_input_shapes_are_read_as_people_write_them(words: list[str], shapes: Any) -> None:
    assert input_shapes(words) == shapes


@pytest.mark.parametrize("word", ["", "x", "3x", "3xx3", "-3x3", "3.5x3", "1e3", "3x3x3x3x3", "٣"])
def test_what_is_no_shape_is_refused(word: str) -> None:
    with pytest.raises(Failure):
        input_shapes([word])


@given(st.text(max_size=20) | st.text("{}[],:#\"'&*!|>%@`~?=- \n\t3xks", max_size=12))
@example("3}, repeat: 9, note: {")
@example("3, d: 7")
@example("3 # s")
@example("\udcff")  # a byte of the command line that is not UTF-8
def test_a_field_of_layer_cannot_reach_beyond_its_value(value: str) -> None:
    fields = ["out=3", f"k={value}", "s=2"]
    root = layer_target("conv", fields, [("", [3, 5, 5])]).root
    assert root is not None
    assert [key.text for key, _ in root.entries] == ["convcalc", "input", "layers"]
    layers = root.get("layers")
    assert isinstance(layers, nodes.Sequence)
    (item,) = layers.items
    assert isinstance(item, nodes.Mapping)
    given = item.get("conv")
    assert isinstance(given, nodes.Mapping)
    assert list(given.keys) == ["out", "k", "s"]
    assert isinstance(node := given.get("k"), nodes.Sequence) or _text(node) == value.strip()


def _text(node: nodes.Node | None) -> str:
    return node.text if isinstance(node, nodes.Scalar) else ""


@pytest.mark.parametrize("value", ["3x5", "3,5", "[3,5]", "[3, 5]", "3×5"])
def test_a_list_is_written_as_people_like(value: str, convcalc: Command) -> None:
    ran = convcalc(f"layer conv out=2 'k={value}' -i 3x9x9 -f json")
    assert json.loads(ran.out)["weights"]["weight"] == [2, 3, 3, 5]


def test_a_network_comes_from_stdin(monkeypatch: pytest.MonkeyPatch, convcalc: Command) -> None:
    text = b"convcalc: 1\ninput: [3, 8, 8]\nlayers: [{conv: {out: 2, k: 3}}]\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert convcalc("get totals.params -") == Ran(0, "56\n", "")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert convcalc("show -").code == 1


# --- get ---------------------------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a JSON document that holds no others, by its path."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if re.fullmatch(r"\w+", key):
                yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def test_get_finds_every_value_of_the_json_report(convcalc: Command) -> None:
    Path("net.convcalc.yaml").write_text(
        "convcalc: 1\ninput: [3, 8, 8]\nlayers: [{conv: {out: 2, k: 3}}, relu]\n", "utf-8"
    )
    report = json.loads(convcalc("show net.convcalc.yaml -f json").out)
    found = list(leaves(report))
    assert len(found) > 80
    for path, value in found:
        if value is not None:
            assert convcalc(f"get {path} net.convcalc.yaml").out == f"{raw(value)}\n", path


@given(
    st.lists(
        st.sampled_from(
            ["totals", "layers", "layer", "stem", "conv", ".", "[", "]", "0", "99", "x", " "]
        ),
        max_size=8,
    ).map("".join)
)
def test_any_path_leads_to_a_value_or_to_a_message(path: str) -> None:
    try:
        value_at(RESNET18, path)
    except PathError as error:
        assert error.message
        assert error.help


def test_get_adds_up_a_block(convcalc: Command) -> None:
    report = json.loads(convcalc("show resnet18 -f json").out)
    for block in ("layer[2]", "layer[2].BasicBlock[0]", "stem"):
        inside = [layer for layer in report["layers"] if layer["path"].startswith(f"{block}.")]
        for key in ("params", "macs", "elementwise"):
            total = sum(layer[key] for layer in inside)
            assert convcalc(f"get {block}.{key} resnet18").out == f"{total}\n"
        assert convcalc(f"get {block}.layers resnet18").out == f"{len(inside)}\n"
        assert json.loads(convcalc(f"get {block}.output resnet18").out) == inside[-1]["output"]


def test_cost_gives_the_published_winograd_saving_less_the_edge_tiles(convcalc: Command) -> None:
    """F(6x6, 3x3) saves 5.06 times in arXiv 1509.09308; 56 is not a multiple of 6."""
    ran = convcalc("layer conv out=64 k=3 p=1 -i 64x56x56 --cost winograd6 -f json")
    (cost,) = json.loads(ran.out)["costs"]
    assert cost["multiplications"] == 26_214_400


def test_cost_names_what_it_knows(convcalc: Command) -> None:
    ran = convcalc("layer conv out=64 k=3 -i 64x56x56 --cost winogrd")
    assert ran.code == 2
    assert "use 'winograd'" in ran.err
    assert convcalc("layer relu -i 64x56x56 --cost all").code == 2


def test_get_finds_a_layer_by_its_path_and_by_its_number(convcalc: Command) -> None:
    assert convcalc("get stem.conv.macs resnet50").out == "118013952\n"
    assert convcalc("get layers[0].macs resnet50").out == "118013952\n"
    assert convcalc("get receptive_field.size resnet50").out == "[427, 427]\n"
    assert convcalc("get network resnet50 -f json").out == '"resnet50"\n'
