"""Every output: its shape, its field on each input, and from where on it sees everything."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from command import Command

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.from_json import load_report
from convcalc.analysis.report.lookup import value_at
from convcalc.analysis.report.outputs import output_reports
from convcalc.analysis.report.report import Report
from convcalc.analysis.report.to_json import report_payload
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.paths import PathError

HEAD = "convcalc: 1\nname: net\n"
NET = """\
input: [3, 32, 32]
outputs: [%s]
layers:
- {conv: {out: 8, k: 3, s: 2, p: 1}, id: a}
- {conv: {out: 8, k: 3, p: 1}, id: b}
- {global_avg_pool: {}, id: pool}
- {linear: {out: 10}, id: head}
"""
# By hand: 3 and 3 + 2·2 positions, a step of 2; behind the pooling all of them.
SEEN = {"a": (3, 2, ""), "b": (7, 2, ""), "pool": (7, 2, "pool"), "head": (7, 2, "pool")}
SHAPES = {"a": (8, 16, 16), "b": (8, 16, 16), "pool": (8,), "head": (10,), "input": (3, 32, 32)}


def reported(body: str, **more: Any) -> Report:
    return analyse(read_network(Target("net.yaml", None, HEAD + body)), **more)


@pytest.mark.parametrize("names", [*permutations(("a", "head", "input"))])
def test_each_output_has_its_own_numbers_in_any_order(names: tuple[str, ...]) -> None:
    found = reported(NET % ", ".join(names)).per_output
    assert tuple(found) == names
    for name, output in found.items():
        size, jump, first = SEEN.get(name, (1, 1, ""))
        field = output.receptive_field
        assert field is not None and output.shape is not None
        assert (output.path, output.shape.dims) == (name, (1, *SHAPES[name]))
        assert (field.size, field.jump) == ((size,) * 2, (Fraction(jump),) * 2)
        assert (output.first_global, field.is_global) == (first, bool(first))


@pytest.mark.parametrize("name", ["a", "b", "pool", "head", "input"])
def test_the_field_of_the_report_is_that_of_its_first_output(name: str) -> None:
    several = reported(NET % f"{name}, {'b' if name != 'b' else 'a'}")
    alone = reported(NET % name)
    for found in (several, alone):
        assert found.receptive_field == found.per_output[name].receptive_field
        assert found.global_from == found.per_output[name].first_global
    assert several.receptive_field == alone.receptive_field


def test_two_names_of_one_tensor_are_two_outputs() -> None:
    builder = Builder("net")
    x = builder.input("image", [3, 8, 8])
    y = builder.add("conv", x, out_channels=4, kernel_size=3)
    report = analyse(builder.network({"one": y, "two": y}))
    assert {name: each.path for name, each in report.per_output.items()} == {
        "one": "conv",
        "two": "conv",
    }
    assert report.per_output["one"].receptive_field == report.per_output["two"].receptive_field


def test_an_input_that_is_returned_sees_itself() -> None:
    (output,) = reported("input: [3, 5, 7]\noutputs: input\nlayers: [relu]\n").per_output.values()
    field = output.receptive_field
    assert field is not None
    assert (field.size, field.jump, field.center) == ((1, 1), (1, 1), (0, 0))
    assert (field.input_size, field.coverage, field.holes) == ((5, 7), None, None)
    network = read_network(Target("n", None, HEAD + "input: [3]\noutputs: input\nlayers: [relu]"))
    assert analyse(network).per_output["input"].receptive_fields == {}
    network = read_network(
        Target("n", None, HEAD + "input: [3, 5]\noutputs: input\nlayers: [relu]")
    )
    found = output_reports(network, analyse(network).layers, support=True)["input"].receptive_field
    assert found is not None
    assert (found.coverage, found.holes) == ((1,), (0,))


def test_each_input_has_its_field_and_its_first_global_layer() -> None:
    body = """\
inputs: {left: [4, 16, 16], right: [4, 16, 16]}
outputs: [gated, plain, words]
layers:
- {conv: {out: 4, k: 3, p: 1}, from: left, id: plain}
- {global_avg_pool: {keepdim: true}, from: right, id: gate}
- {mul: [plain, gate], id: gated}
- {conv: {out: 4, k: 5, p: 2}, from: right, id: words}
"""
    found = reported(body).per_output
    assert {name: dict(each.global_from) for name, each in found.items()} == {
        "gated": {"right": "gate"},
        "plain": {},
        "words": {},
    }
    assert {name: list(each.receptive_fields) for name, each in found.items()} == {
        "gated": ["left", "right"],
        "plain": ["left"],
        "words": ["right"],
    }
    assert reported(body).global_from == ""  # the first output is local on its first input


def test_the_first_global_layer_is_the_earliest_of_all_branches() -> None:
    body = """\
input: [4, 16, 16]
outputs: [join, late, early]
layers:
- {conv: {out: 4, k: 3, p: 1}, id: stem}
- {squeeze_excite: {reduction: 2}, id: early}
- {squeeze_excite: {reduction: 2}, from: stem, id: late}
- {add: [late, early], id: join}
"""
    firsts = {name: each.first_global for name, each in reported(body).per_output.items()}
    assert firsts == {"join": "early", "late": "late", "early": "early"}


# --- what could not be computed ------------------------------------------------------------------

WRONG = NET.replace("{linear: {out: 10}", "{linear: {out: 0}")


def test_an_output_that_failed_is_named_and_unknown() -> None:
    report = reported(WRONG % "head, b")
    assert not report.complete
    assert list(report.outputs) == ["b"]
    assert (report.per_output["head"].shape, report.per_output["head"].path) == (None, "")
    assert report.receptive_field is None  # not that of the second output
    payload = report_payload(report)["per_output"]
    assert payload["head"] == {
        "path": None,
        "shape": None,
        "receptive_field": None,
        "receptive_fields": {},
    }
    assert payload["b"]["shape"] == [1, 8, 16, 16]


def test_the_builder_keeps_the_names_of_outputs_that_failed() -> None:
    builder = Builder("net")
    x = builder.input("image", [3, 8, 8])
    good = builder.add("conv", x, out_channels=4, kernel_size=3)
    bad = builder.add("conv", x, out_channels=4, kernel_size=9)
    assert builder.network({"bad": bad, "good": good}).output_names == ("bad", "good")
    assert builder.network([bad, good]).output_names == ("output[0]", "conv")
    assert list(builder.network([bad, good]).outputs) == ["conv"]


@pytest.mark.parametrize("command", ["show", "rf"])
def test_every_output_has_a_row(command: str, convcalc: Command, tmp_path: Path) -> None:
    file = tmp_path / "net.convcalc.yaml"
    file.write_text(HEAD + NET % "a, head, input", "utf-8")
    rows = [line.split() for line in convcalc(f"{command} {file}").out.splitlines()]
    assert [row[1] for row in rows if row[:1] == ["→"]] == ["a", "head", "input"]
    file.write_text(HEAD + NET % "head", "utf-8")
    assert "→ head" not in convcalc(f"{command} {file}").out
    file.write_text(HEAD + WRONG % "head, b", "utf-8")
    found = convcalc(f"{command} {file}")
    assert "head unknown, b 8×16×16" in found.out
    (row,) = (line.split() for line in found.out.splitlines() if line.startswith("→ head"))
    assert set(row[3:]) == {"unknown"}


def test_the_footer_says_what_each_output_sees(convcalc: Command, tmp_path: Path) -> None:
    file = tmp_path / "net.convcalc.yaml"
    file.write_text(HEAD + NET % "a, head, pool", "utf-8")
    lines = [x for x in convcalc(f"show {file}").out.splitlines() if "receptive" in x]
    assert lines == [
        "receptive field  of a: 3 at jump 2",
        "receptive field  of head, pool: 7 at jump 2, global from pool",
    ]


def test_several_networks_show_the_values_of_all_outputs(convcalc: Command, tmp_path: Path) -> None:
    for name in ("one", "two"):
        text = HEAD + NET % ("a, head" if name == "two" else "b")
        (tmp_path / f"{name}.convcalc.yaml").write_text(text, "utf-8")
    files = " ".join(str(tmp_path / f"{name}.convcalc.yaml") for name in ("one", "two"))
    shown = convcalc(f"show {files} --columns output,receptive_field,jump --sort receptive_field")
    assert "8×16×16, 10  3, global (7)     2" in shown.out
    plain = convcalc(f"show {files} --columns output,receptive_field -f csv").out.splitlines()
    assert plain[1:] == ["8x16x16,7x7", '"8x16x16, 10","3x3, 7x7"']


def test_rf_says_which_output_it_studies_and_names_the_others(
    convcalc: Command, tmp_path: Path
) -> None:
    file = tmp_path / "net.convcalc.yaml"
    file.write_text(HEAD + NET % "input, b, a", "utf-8")
    assert "b; the others, with --at: input, a" in convcalc(f"rf {file}").out
    assert "a; the others, with --at: input, b" in convcalc(f"rf {file} --at a").out
    body = """\
inputs: {words: [16], image: [3, 8, 8]}
outputs: [text, map]
layers:
- {linear: {out: 10}, from: words, id: text}
- {conv: {out: 10, k: 3}, from: image, id: map}
"""
    file.write_text(HEAD + body, "utf-8")
    assert "map; the others, with --at: text" in convcalc(f"rf {file}").out


# --- as JSON -------------------------------------------------------------------------------------


def test_a_saved_report_has_its_outputs_again() -> None:
    for names in ("a, head, input", "head"):
        report = reported(NET % names, support=True)
        payload = report_payload(report)
        again = load_report(json.dumps(payload).encode(), "old.json")
        assert report_payload(again) == payload
        del payload["per_output"]  # as an older version saved it
        older = load_report(json.dumps(payload).encode(), "old.json").per_output
        for name, output in report.per_output.items():
            if name != "input":
                assert older[name].shape == output.shape
                assert older[name].receptive_fields == output.receptive_fields


def test_get_follows_names_with_dots_and_brackets() -> None:
    body = """\
input: [4, 8, 8]
outputs: ["part[1].c", "part[0].c", part]
blocks: {Two: {layers: [{conv: {out: 4, k: 3}, id: c}, relu]}}
layers:
- {Two: {}, repeat: 2, id: part}
"""
    report = reported(body)
    assert value_at(report, "per_output.part[0].c.shape") == [1, 4, 6, 6]
    assert value_at(report, "per_output.part[1].c.shape[3]") == 4
    assert value_at(report, "outputs.part[0].c") == [1, 4, 6, 6]
    assert value_at(report, "outputs.part[0].c[1]") == 4
    assert value_at(report, "per_output.part.receptive_field.size[0]") == 5
    assert value_at(report, "per_output.part.receptive_fields.input.global_from") is None
    with pytest.raises(PathError, match=r"there is no 'prat' in per_output"):
        value_at(report, "per_output.prat.shape")
    with pytest.raises(PathError) as raised:
        value_at(report, "outputs.part.shape")
    assert raised.value.help == "get outputs.part, or a key of per_output.part"
