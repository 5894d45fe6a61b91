"""A path means the same to every command, budget and call; and what it means by definition."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from small import network_of_text

import convcalc
from convcalc.analysis.analyse import analyse
from convcalc.analysis.receptive_field.study import tensor_of
from convcalc.analysis.report.lookup import value_at
from convcalc.cli import main
from convcalc.language.expand.scopes import Call
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.graph import path_index
from convcalc.model.graph.network import Layer, Network
from convcalc.model.graph.paths import Part, PathError, Paths, may_refer_to, paths_of
from convcalc.testing import assert_budget

CONV = "conv: {out: 4, k: 3, p: 1}"
NETWORKS = {
    "repeat": f"""\
input: [4, 16, 16]
layers:
  - {{{CONV}, id: stage, repeat: 3}}
  - {{{CONV}, id: once, repeat: 1}}
  - relu
""",
    "for": """\
input: [4, 16, 16]
layers:
  - {conv: {out: c, k: 3, p: 1}, id: stage, for: {c: [4, 6, 8]}}
  - {conv: {out: c, k: 3, p: 1}, id: both, for: {c: [4, 8]}, repeat: 2}
""",
    "blocks": f"""\
input: [4, 16, 16]
blocks:
  Pair:
    - {{{CONV}, id: first}}
    - relu
    - {{{CONV}, id: again, repeat: 2}}
  Stage:
    - {{Pair: {{}}, repeat: 2}}
    - {{Pair: {{}}, id: last}}
layers:
  - {{Stage: {{}}, id: body, repeat: 2}}
  - Stage
  - {CONV}
  - {CONV}
""",
    "composites": f"""\
input: [4, 16, 16]
blocks:
  Body:
    - seq: [{{{CONV}, id: c1}}, relu]
      id: x
      repeat: 2
layers:
  - seq: [{{{CONV}, id: inner}}, {{{CONV}, id: many, repeat: 2}}, relu]
    id: stem
  - {{Body: {{}}, id: body}}
  - residual: [{{{CONV}, id: main}}, relu]
    id: res
    shortcut: [{{{CONV}, id: side}}]
  - residual: [{{{CONV}, id: bare}}, relu]
""",
    "branches": f"""\
input: [4, 16, 16]
layers:
  - branches: [[{{{CONV}, id: left}}, relu], [{{{CONV}, id: right}}]]
    id: fork
    split: copy
  - branches: [[{CONV}], [{CONV}, {{{CONV}, id: deep}}]]
    split: channels
""",
    "ports": """\
input: [4, 16, 16]
blocks:
  Mix: [{conv: {out: 4, k: 1}}, {octave_conv: {out: 8, k: 3, p: 1, alpha_out: 0.25}, id: mix}]
layers:
  - {Mix: {}, id: m}
  - {octave_conv: {out: 8, k: 3, p: 1, alpha_out: 0.25}, id: oct, repeat: 2}
  - seq: [{octave_conv: {out: 8, k: 3, p: 1, alpha_out: 0.25}, id: o}]
    id: s
""",
    "inputs": f"""\
inputs: {{image: [4, 16, 16], mask: [1, 16, 16]}}
layers:
  - {{{CONV}, from: image, id: seen}}
  - {{{CONV}, from: mask, id: masked}}
  - concat: [seen, masked]
  - {{{CONV}, id: tail, repeat: 2}}
""",
}


class Case(NamedTuple):
    """A path of one network, and the layers that it means; its tensor is the output of the last
    unless ``output`` names another."""

    network: str
    path: str
    layers: tuple[str, ...]
    output: str = ""

    @property
    def last(self) -> str:
        """The layer that makes its tensor."""
        return self.output or self.layers[-1]


def pair(path: str) -> tuple[str, ...]:
    """The layers of a call of ``Pair``."""
    return (f"{path}.first", f"{path}.relu", f"{path}.again[0]", f"{path}.again[1]")


def stage(path: str) -> tuple[str, ...]:
    """The layers of a call of ``Stage``."""
    return (*pair(f"{path}.Pair[0]"), *pair(f"{path}.Pair[1]"), *pair(f"{path}.last"))


CASES = [
    Case("repeat", "stage", ("stage[0]", "stage[1]", "stage[2]")),
    Case("repeat", "stage[1]", ("stage[1]",)),
    Case("repeat", "once", ("once[0]",)),
    Case("repeat", "once[0]", ("once[0]",)),
    Case("repeat", "relu", ("relu",)),
    Case("for", "stage", ("stage[0]", "stage[1]", "stage[2]")),
    Case("for", "stage[2]", ("stage[2]",)),
    Case("for", "both", ("both[0]", "both[1]", "both[2]", "both[3]")),
    Case("blocks", "body", (*stage("body[0]"), *stage("body[1]"))),
    Case("blocks", "body[1]", stage("body[1]")),
    Case("blocks", "Stage", stage("Stage")),
    Case("blocks", "Stage.Pair", (*pair("Stage.Pair[0]"), *pair("Stage.Pair[1]"))),
    Case("blocks", "Stage.last.again", ("Stage.last.again[0]", "Stage.last.again[1]")),
    Case("blocks", "body[0].Pair[1].first", ("body[0].Pair[1].first",)),
    Case("blocks", "conv", ("conv[0]", "conv[1]")),
    Case("composites", "stem", ("stem.inner", "stem.many[0]", "stem.many[1]", "stem.relu")),
    Case("composites", "stem.inner", ("stem.inner",)),
    Case("composites", "inner", ("stem.inner",)),
    Case("composites", "many", ("stem.many[0]", "stem.many[1]")),
    Case("composites", "many[0]", ("stem.many[0]",)),
    Case("composites", "body.c1", ("body.x[0].c1", "body.x[1].c1")),
    Case("composites", "body.x", tuple(f"body.x[{k}].{n}" for k in (0, 1) for n in ("c1", "relu"))),
    Case("composites", "main", ("res.main",)),
    Case("composites", "side", ("res.shortcut.side",)),
    Case("composites", "res", ("res.main", "res.relu", "res.shortcut.side", "res.add")),
    Case("composites", "bare", ("bare",)),
    Case("branches", "left", ("fork.branch[0].left",)),
    Case("branches", "right", ("fork.branch[1].right",)),
    Case("branches", "fork.branch[0]", ("fork.branch[0].left", "fork.branch[0].relu")),
    Case(
        "branches",
        "fork",
        (
            "fork.branch[0].left",
            "fork.branch[0].relu",
            "fork.branch[1].right",
            "fork.concat",
        ),
    ),
    Case("branches", "deep", ("branch[1].deep",)),
    Case("ports", "m", ("m.conv", "m.mix", "m.mix.low"), output="m.mix"),
    Case("ports", "m.mix", ("m.mix",)),
    Case("ports", "m.mix.low", ("m.mix.low",)),
    Case("ports", "oct", ("oct[0]", "oct[1]")),
    Case("ports", "oct[1].low", ("oct[1].low",)),
    Case("ports", "o", ("s.o",)),
    Case("ports", "o.low", ("s.o.low",)),
    Case("inputs", "seen", ("seen",)),
    Case("inputs", "tail", ("tail[0]", "tail[1]")),
]

# Paths that mean nothing, and what every command says one may have meant; empty: nothing close.
WRONG = [
    ("repeat", "stag", "stage"),
    ("repeat", "stage[3]", "stage[2]"),
    ("blocks", "body[0].Pair[1].frist", "body[0].Pair[1].first"),
    ("blocks", "body[0].last.agian", "body[0].last.again"),
    ("composites", "innr", "inner"),
    ("composites", "stem.mny[1]", "stem.many[1]"),
    ("branches", "fork.branch[2]", "fork.branch[1]"),
    ("ports", "m.mix.lw", "m.mix.low"),
    ("inputs", "masekd", "masked"),
    ("blocks", "xyzzy", ""),
    ("inputs", "xyzzy", ""),
]


def network(name: str, more: str = "") -> Network:
    return network_of_text(NETWORKS[name] + more)


def layer(of: Network, path: str) -> Layer:
    (found,) = (each for each in of.layers if each.path == path)
    return found


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on ``n.convcalc.yaml``, one of the networks with more text at its end."""
    monkeypatch.chdir(tmp_path)

    def go(name: str, line: str, more: str = "") -> tuple[int, str, str]:
        text = f"convcalc: 1\nname: n\n{NETWORKS[name]}{more}"
        Path("n.convcalc.yaml").write_text(text, "utf-8")
        code = main(shlex.split(line.replace("FILE", "n.convcalc.yaml")))
        return code, *capsys.readouterr()

    return go


def ids(values: Iterable[Any]) -> list[str]:
    return [f"{value[0]}: {value[1]}" for value in values]


# --- the same answer -----------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_a_path_means_these_layers_in_a_network_and_in_a_report(case: Case) -> None:
    found = network(case.network)
    for graph in (found, analyse(found)):
        part = paths_of(graph).part(case.path)
        assert tuple(graph.layers[index].path for index in part.layers) == case.layers
        assert graph.layers[part.output].path == case.last


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_every_command_gives_the_numbers_of_the_same_layers(case: Case, run: Any) -> None:
    report = analyse(network(case.network))
    layers = [each for each in report.layers if each.path in case.layers]
    params, macs = (sum(getattr(each, key) for each in layers) for key in ("params", "macs"))
    (last,) = (each for each in report.layers if each.path == case.last)
    shape = [1, *last.output.dims[1:]]

    assert run(case.network, f"get {case.path}.params FILE")[1] == f"{params}\n"
    assert run(case.network, f"get {case.path}.macs FILE")[1] == f"{macs}\n"
    assert json.loads(run(case.network, f"get {case.path}.output FILE")[1]) == shape

    told = json.loads(run(case.network, f"rf FILE --at {case.path} -f json")[1])
    assert told["target"]["path"] == case.last

    told = json.loads(run(case.network, f"explain FILE {case.path} --layers -f json")[1])
    explained = [told["layer"]] if "layer" in told else told["layers"]
    assert tuple(each["path"] for each in explained) == case.layers
    told = json.loads(run(case.network, f"explain FILE {case.path} -f json")[1])
    if "layer" in told:
        assert (told["layer"]["path"],) == case.layers
        assert all(field["from"] != "composite" for field in told["layer"]["fields"])
    else:
        assert sum(part["params"] for part in told["by_part"]) == params
        assert sum(part["macs"] for part in told["by_part"]) == macs


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_budgets_and_calls_measure_the_same_layers_and_the_same_tensor(
    case: Case, run: Any
) -> None:
    found = network(case.network)
    report = analyse(found)
    layers = [each for each in report.layers if each.path in case.layers]
    params = sum(each.params for each in layers)
    (last,) = (each for each in report.layers if each.path == case.last)
    field = last.receptive_field
    assert field is not None
    demands: dict[str, Any] = {
        "params": {"equals": params, "at": case.path},
        "layers": {"equals": len(layers), "at": case.path},
        "share": {"of": case.path, "min": 0, "metric": "macs"},
        "receptive_field": {"equals": list(map(int, field.size)), "at": case.path},
        "output": {"equals": list(last.output.dims[1:]), "at": case.path},
        "shapes": {case.path: list(last.output.dims[1:])},
    }
    assert_budget(found, **demands)
    code, _, told = run(case.network, "check FILE", f"budgets: {json.dumps(demands)}\n")
    assert code == 0, told

    name = next(iter(last.receptive_fields))
    study = convcalc.study(found, case.path, name=name)
    assert (study.path, study.asked) == (case.last, tensor_of(found, case.last))


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_outputs_of_a_file_name_the_same_tensor(case: Case) -> None:
    found = network(case.network, f"outputs: [{json.dumps(case.path)}]\n")
    assert found.outputs == {case.path: tensor_of(found, case.path)}
    assert found.shape(found.outputs[case.path]) == layer(found, case.last).analysis.output


def test_an_input_is_a_tensor_and_no_layer(run: Any) -> None:
    found = network("inputs")
    assert [tensor_of(found, name) for name in ("image", "mask")] == [0, 1]
    assert_budget(
        found, shapes={"mask": [1, 16, 16]}, output={"equals": [4, 16, 16], "at": "image"}
    )
    assert network("inputs", "outputs: [mask]\n").outputs == {"mask": 1}
    assert "'mask' is an input of the network" in run("inputs", "rf FILE --at mask")[1]
    for line in ("explain FILE mask",):
        assert run("inputs", line)[2] == (
            "error: 'mask' is an input of the network\n  = help: name a layer or block\n"
        )
    with pytest.raises(AssertionError, match="'mask' is an input of the network"):
        assert_budget(found, params={"max": 1, "at": "mask"})


def test_the_only_input_is_called_input_too() -> None:
    found = network_of_text("inputs: {image: [3, 8, 8]}\nlayers: [relu]\noutputs: [input]\n")
    assert found.outputs == {"input": 0}
    assert (tensor_of(found, "input"), tensor_of(found, "image")) == (0, 0)
    with pytest.raises(PathError):
        tensor_of(network("inputs"), "input")


# --- the same suggestion -------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "path", "meant"), WRONG, ids=ids(WRONG))
def test_every_command_says_the_same_of_a_path_that_is_not_there(
    name: str, path: str, meant: str, run: Any
) -> None:
    found, message = network(name), f"there is no layer or block '{path}'"
    advice = f"use '{meant}'" if meant else "there are: "
    for line in (f"rf FILE --at {path}", f"explain FILE {path}", f"get {path}.params FILE"):
        code, out, told = run(name, line)
        assert (code, out) == (2, "")
        assert told.startswith(f"error: {message}\n  = help: {advice}"), line

    demand = f"budgets: {{params: {{max: 1, at: '{path}'}}, shapes: {{'{path}': [1]}}}}\n"
    code, out, told = run(name, "check FILE", demand)
    assert code == 1
    assert (out + told).count(message) == 2
    assert (out + told).count(f"help: {advice}") == 2
    for demands in ({"params": {"max": 1, "at": path}}, {"shapes": {path: [1]}}):
        with pytest.raises(AssertionError) as broken:
            assert_budget(found, **demands)
        assert message in str(broken.value)
        assert f"help: {advice}" in str(broken.value)

    for ask in (convcalc.study, lambda each, at: value_at(analyse(each), at)):
        with pytest.raises(PathError) as error:
            ask(found, path)
        assert error.value.message == message
        assert error.value.help.startswith(advice)

    code, _, told = run(name, "show FILE", f"outputs: ['{path}']\n")
    assert code == 1
    assert message in told
    assert f"help: {advice}" in told


def test_every_command_says_the_same_of_an_input_that_is_not_there(run: Any) -> None:
    found = network("inputs")
    for wrong, advice in (("imge", "use 'image'"), ("xyzzy", "inputs: image, mask")):
        message = f"there is no input '{wrong}'"
        told = run("inputs", f"rf FILE --of {wrong}")[2]
        assert told == f"error: {message}\n  = help: {advice}\n"
        with pytest.raises(PathError) as error:
            convcalc.study(found, name=wrong)
        assert (error.value.message, error.value.help) == (message, advice)
        with pytest.raises(AssertionError, match=f"{message}\n.*{advice}"):
            assert_budget(found, receptive_field={"max": 9, "input": wrong})


def test_get_tells_keys_from_paths(run: Any) -> None:
    lines = {
        "get totls.params FILE": ("there is no 'totls'", "use 'totals'"),
        "get stage.parms FILE": ("there is no 'parms' in stage", "use 'params'"),
        "get stage[1].parms FILE": ("there is no 'parms' in stage[1]", "use 'params'"),
        "get stage[9] FILE": ("there is no layer or block 'stage[9]'", "use 'stage["),
    }
    for line, (message, advice) in lines.items():
        assert run("repeat", line)[2].startswith(f"error: {message}\n  = help: {advice}"), line
    told = run("blocks", "get body[0].Pair[1].frist.macs FILE")[2]
    assert "'body[0].Pair[1].frist'\n  = help: use 'body[0].Pair[1].first'" in told


# --- by definition -------------------------------------------------------------------------------


def named(each: Layer) -> list[str]:
    """The paths of a layer and of all that it stands in."""
    return [*(group.path for group in each.groups), each.path]


def brute_force(layers: Iterable[Layer]) -> dict[str, list[int]]:
    """By path, and by path without its last index: the layers there."""
    exact: dict[str, list[int]] = {}
    copies: dict[str, list[int]] = {}
    for index, each in enumerate(layers):
        for path in named(each):
            exact.setdefault(path, []).append(index)
        for base in {path[: path.rindex("[")] for path in named(each) if path[-1] == "]"}:
            copies.setdefault(base, []).append(index)
    return copies | exact


class Ids:
    """Every id of a network while it is written out, and the paths of what carries it."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, None]] = {}

    def __call__(self, call: Call, _: Any) -> None:
        around: Call | None = call
        while around is not None:
            item = around.item
            if item.id and around.path and item.id not in (item.name, item.kind):
                name = around.frame.prefix + item.id
                self.found.setdefault(name, {})[around.path] = None
            around = around.frame.call


def assert_resolved(found: Network, ids: Ids) -> None:
    """Every name means what it means by definition, and there is no further name."""
    paths, expected = Paths(found.layers, found.inputs), brute_force(found.layers)
    for path, layers in expected.items():
        assert list(paths.part(path).layers) == layers, path
    for name, carriers in ids.found.items():
        layers = sorted({index for path in carriers for index in expected[path]})
        assert list(paths.part(name).layers) == layers, name
    further = set(paths.index.names()) - set(expected) - set(ids.found)
    assert {name for name in further if re.sub(r"\[\d+\]$|\.\w+$", "", name) not in ids.found} == (
        set()
    )


def test_every_name_of_every_network_that_ships_means_what_it_means_by_definition(
    part: Part,
) -> None:
    for name in part(sorted(shipped_names())):
        ids = Ids()
        assert_resolved(read_network(resolve(name), witness=ids), ids)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_name_of_these_networks_means_what_it_means_by_definition(name: str) -> None:
    ids = Ids()
    found = network_of_text(NETWORKS[name], witness=ids)
    assert ids.found
    assert_resolved(found, ids)


def test_the_tensor_of_a_part_is_what_a_file_reads_by_the_same_name() -> None:
    for name, path in (("repeat", "stage"), ("composites", "stem"), ("ports", "oct")):
        found = network(name, f"  - {{identity: {{}}, from: {path}, id: reader}}\n")
        (tensor,) = layer(found, "reader").inputs
        assert tensor == tensor_of(found, path)


def test_a_path_of_the_tables_goes_before_a_repeated_item_and_an_id() -> None:
    found = network_of_text(
        "input: [4, 8, 8]\nlayers: [{seq: [{conv: {out: 4, k: 1}, id: relu}], id: s}, relu]\n"
    )
    assert paths_of(found).part("relu").layers == (1,)
    assert paths_of(found).part("s.relu").layers == (0,)


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("repeat", "stage", ("conv", 0, False)),
        ("repeat", "stage[0]", ("conv", 0, True)),
        ("blocks", "body", ("Stage", 0, False)),
        ("blocks", "body[0]", ("Stage", 1, False)),
        ("blocks", "body[0].Pair", ("Pair", 1, False)),
        ("blocks", "body[0].Pair[1].first", ("conv", 2, True)),
        ("composites", "inner", ("conv", 1, True)),
        ("composites", "body.c1", ("conv", 2, False)),
        ("composites", "stem", ("seq", 1, False)),
    ],
)
def test_a_part_knows_its_kind_and_how_deep_it_stands(
    name: str, path: str, expected: tuple[str, int, bool]
) -> None:
    part: Part = paths_of(network(name)).part(path)
    assert (part.kind, part.depth, part.is_layer) == expected


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_a_layer_may_be_meant_while_its_network_is_read(case: Case) -> None:
    """A further output is known by its layer, which is made first."""
    part = paths_of(network(case.network)).part(case.path)
    if part.is_layer:
        (path,) = case.layers
        parents = case.path.rpartition(".")[0], path.rpartition(".")[0]
        assert may_refer_to(case.path, path) or may_refer_to(*parents)
    assert not may_refer_to(case.path, "other")


def test_the_index_is_built_once_and_only_where_a_path_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[int] = []
    plain = path_index.PathIndex.exact.func
    counted = property(lambda self: built.append(1) or plain(self))
    monkeypatch.setattr(path_index.PathIndex, "exact", counted)
    report = analyse(network("blocks"))
    value_at(report, "totals.params")
    value_at(report, "receptive_field.size")
    tensor_of(network("blocks"), "")
    assert not built


def test_the_index_is_kept() -> None:
    found = network("blocks")
    assert paths_of(found) is paths_of(found)
    assert paths_of(found).index.exact is paths_of(found).index.exact
