"""Params whose values stand in a file of another program: a team's own configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import Command

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.language.syntax.foreign import ENDINGS, Unreadable, read_values, value_at
from convcalc.model.graph.network import Network

NET = """convcalc: 1
name: net
input: [3, 16, 16]
params:
  widths: {from: %s, key: %s}
layers:
- {conv: {out: w, k: 1}, for: {w: widths}}
"""
FILES = {
    "config.json": '{\n\t"model": {"depths": [2, 2],\n\t"hidden_sizes": [32, 64]}\n}\n',
    "config.yaml": "defaults: [a, b]\nmodel:\n  x: &w [32, 64]\n  hidden_sizes: *w\n  y: ${a.b}\n",
    "config.toml": '[model]\nname = "x"\nhidden_sizes = [32, 64]\n',
    "config.py": "b = ['x.py']\nn = [32, 64]\nmodel = dict(type='A', hidden_sizes=n, f=len(n))\n",
}


def network(folder: Path, text: str, **options: Any) -> Network:
    file = folder / "net.convcalc.yaml"
    file.write_text(text, "utf-8")
    return read_network(Target(str(file)), **options)


def shapes(found: Network) -> list[int]:
    assert found.problems == ()
    return [layer.analysis.output.channels for layer in found.layers]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "convcalc.toml").write_text("", "utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_each_format_gives_its_values(name: str, project: Path) -> None:
    assert shapes(network(project, NET % (name, "model.hidden_sizes"))) == [32, 64]
    one = NET.replace("w: widths", "w: [widths]") % (name, "'model.hidden_sizes[1]'")
    assert shapes(network(project, one)) == [64]


def test_a_key_is_the_name_of_the_param_if_not_given(project: Path) -> None:
    (project / "flat.json").write_text('{"widths": [5]}', "utf-8")
    text = NET.replace(", key: %s", "") % "flat.json"
    assert shapes(network(project, text)) == [5]


def test_variants_and_settings_come_first(project: Path) -> None:
    text = NET % ("config.json", "model.hidden_sizes") + "variants: {v: {widths: [7]}}\n"
    assert shapes(network(project, text, variant="v")) == [7]
    assert shapes(network(project, text, params={"widths": [9, 10]})) == [9, 10]


def test_a_default_holds_where_the_key_is_missing_but_not_where_the_file_is(project: Path) -> None:
    text = NET.replace("key: %s", "key: %s, default: [4]")
    assert shapes(network(project, text % ("config.json", "model.nosuch"))) == [4]
    found = network(project, text % ("nosuch.json", "model.nosuch"))
    assert [p.name for p in found.problems] == ["unreadable-import"]


def test_bounds_and_types_hold_for_values_of_a_file(project: Path) -> None:
    (project / "c.json").write_text('{"n": 3, "s": "2*8", "x": null, "m": {"a": 1}}', "utf-8")
    text = """convcalc: 1
input: [3, 16, 16]
params: {n: {from: c.json, key: %s, type: %s, max: 2}}
layers: [{conv: {out: 8, k: 1}}]
"""
    for key, kind, name, words in (
        ("n", "int", "out-of-range", "must be at most 2"),
        ("s", "int", "wrong-type", "must be of type int"),
        ("x", "int", "wrong-type", "'x' is null"),
        ("m", "int", "wrong-type", "'m' is a mapping"),
        ("m.b", "int", "unknown-name", "there is no 'm.b'"),
        ("n.b", "int", "unknown-name", "what is before 'b' has no keys"),
        ("'n[0]'", "int", "wrong-type", "there is no list"),
    ):
        (found,) = network(project, text % (key, kind)).problems
        assert (found.name, words in found.message) == (name, True), found
    wide = network(project, text.replace(", max: 2", "") % ("s", "str"))
    assert wide.problems == ()


def test_an_error_of_a_value_points_into_its_file(project: Path, convcalc: Command) -> None:
    config = project / "config.json"
    config.write_text('{\n  "n": "many"\n}\n', "utf-8")
    text = NET.replace("widths: {from", "widths: {type: list, from")
    found = network(project, text % ("config.json", "n"))
    (problem,) = found.problems
    assert Path(problem.place.file).name == "config.json"
    assert (problem.place.line, problem.place.column) == (2, 8)
    ran = convcalc(f"show {project / 'net.convcalc.yaml'}")
    assert '2 |   "n": "many"' in ran.err
    assert "  |        ^^^^^^" in ran.err


def test_a_changed_value_moves_the_numbers(project: Path) -> None:
    text = NET % ("config.json", "model.hidden_sizes")
    before = analyse(network(project, text)).totals.params
    config = project / "config.json"
    config.write_text(config.read_text("utf-8").replace("[32, 64]", "[32, 128]"), "utf-8")
    assert analyse(network(project, text)).totals.params - before == 64 * 33


def test_a_file_outside_the_project_is_refused(project: Path) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "convcalc.toml").write_text("", "utf-8")
    for path in ("../config.json", str(project / "config.json"), "http://host/config.json"):
        (found,) = network(inner, NET % (path, "model.hidden_sizes")).problems
        assert (found.name, "lies outside" in found.message) == ("unreadable-import", True)


def test_what_a_param_of_a_block_says_of_a_file_is_an_error(project: Path) -> None:
    text = """convcalc: 1
input: [3, 16, 16]
blocks: {A: {params: {c: {from: config.json, key: model.depths}}, layers: [relu]}}
layers: [{A: {c: 1}}]
"""
    assert [p.name for p in network(project, text).problems] == ["unknown-key"]
    lone = "convcalc: 1\ninput: [3, 8, 8]\nparams: {a: {key: b}}\nlayers: [relu]\n"
    assert network(project, lone).problems[0].name == "missing-key"


# --- hostile files -------------------------------------------------------------------------------

BOMBS = {
    "deep.json": "[" * 5000 + "]" * 5000,
    "deep.yaml": "[" * 5000 + "]" * 5000,
    "deep.toml": "a = " + "[" * 5000 + "]" * 5000,
    "deep.py": "a = " + "[" * 150 + "]" * 150,
    "calls.py": "a = " + "dict(x=" * 150 + "1" + ")" * 150,
    "dotted.toml": ".".join(["a"] * 100_000) + " = 1",
    "minus.py": "a = " + "-" * 100_000 + "1",
    "alias.yaml": "a: &a [*a]\n",
    "nothing.yaml": "a: *nowhere\n",
    "empty.yaml": "",
    "digits.json": '{"a": ' + "1" * 5000 + "}",
    "digits.yaml": "a: " + "1" * 5000,
    "digits.toml": "a = " + "1" * 5000,
    "digits.py": "a = " + "1" * 5000,
    "itself.yaml": "a: &a {<<: *a, b: 1}",
    "bad.json": "{",
    "bad.yaml": "a: [",
    "bad.toml": "a = ",
    "bad.py": "a = (",
    "binary.json": "\udcff",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_of_values_is_refused(name: str, project: Path) -> None:
    (project / name).write_bytes(BOMBS[name].encode("utf-8", "surrogateescape"))
    (found,) = network(project, NET % (name, "a")).problems
    assert found.name in ("unreadable-import", "wrong-type", "unknown-name")


@pytest.mark.parametrize("form", ["yaml", "py"])
def test_lists_that_double_are_counted_before_they_are_written_out(form: str) -> None:
    lines = ["a0: &a0 [1, 1]"] if form == "yaml" else ["a0 = [1, 1]"]
    for n in range(1, 40):
        inner = f"[*a{n - 1}, *a{n - 1}]" if form == "yaml" else f"[a{n - 1}, a{n - 1}]"
        lines.append(f"a{n}: &a{n} {inner}" if form == "yaml" else f"a{n} = {inner}")
    root, _ = read_values("\n".join(lines).encode(), f"x.{form}")
    with pytest.raises(Exception, match="holds more than 10,000 values"):
        value_at(root, "a39")
    assert value_at(root, "a3[0][1][0][1]").place.line > 0


def test_nothing_of_a_python_file_is_run(project: Path) -> None:
    mark = project / "ran"
    text = f"open({str(mark)!r}, 'w')\na = open({str(mark)!r}, 'w')\nb = [1, a]\nc = 2\n"
    root, _ = read_values(text.encode(), "x.py")
    assert value_at(root, "c").value == 2  # type: ignore[union-attr]
    for key in ("a", "b"):
        with pytest.raises(Exception, match="without running"):
            value_at(root, key)
    assert not mark.exists()


def test_the_ending_tells_the_format() -> None:
    with pytest.raises(Unreadable, match="must end in"):
        read_values(b"{}", "config.txt")
    for ending in ENDINGS:
        text = {".toml": "a = 1", ".py": "a = 1", ".json": '{"a": 1}'}.get(ending, "a: 1")
        root, _ = read_values(text.encode(), f"x{ending}")
        assert value_at(root, "a").value == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("off", False), ("0x10", 16), ("1_000", 1000), ("1e3", "1e3"), ("'3'", "3")],
)
def test_yaml_of_other_programs_is_read_as_they_do(text: str, value: object) -> None:
    from yaml import safe_load

    root, _ = read_values(f"a: {text}\n".encode(), "x.yaml")
    found = value_at(root, "a")
    assert found.value == value == safe_load(text)  # type: ignore[union-attr]


# --- on the command line -------------------------------------------------------------------------

CHECKED = NET + "expect: {net: {params: %d}}\n"


def test_set_from_takes_what_has_the_names_of_params(project: Path, convcalc: Command) -> None:
    net, more = project / "net.convcalc.yaml", project / "more.json"
    net.write_text(NET.replace("{from: %s, key: %s}", "[4]"), "utf-8")
    more.write_text('{"model": {"widths": [8, 9]}, "other": null}', "utf-8")
    line = f"get totals.params {net} --set-from {more}::model"
    assert convcalc(line).out == f"{8 * 4 + 9 * 9}\n"
    assert convcalc(f"{line} --set widths=[1]").out == "4\n"
    ran = convcalc(f"get totals.params {net} --set-from {more}")
    assert ran.code == 2
    assert "has no param of" in ran.err
    ran = convcalc(f"get totals.params {net} --set-from {more}::nosuch")
    assert "there is no 'nosuch'" in ran.err
    assert convcalc(f"get totals.params {net} --set-from {project / 'no.json'}").code == 2
    assert "has no name" in convcalc(f"get totals.params {net} --set @{more}").err


def test_explain_says_that_a_value_comes_from_a_file(project: Path, convcalc: Command) -> None:
    (project / "net.convcalc.yaml").write_text(NET % ("config.json", "model.hidden_sizes"), "utf-8")
    ran = convcalc(f"explain {project / 'net.convcalc.yaml'} 'conv[1]'")
    assert "config.json:3" in ran.out


def test_check_of_a_file_of_values_checks_the_networks_that_use_it(
    project: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    models = project / "models"
    models.mkdir()
    for name, source in (("one", "config.json"), ("two", "config.toml")):
        text = CHECKED % (f"../{source}", "model.hidden_sizes", 32 * 4 + 64 * 33)
        (models / f"{name}.convcalc.yaml").write_text(text, "utf-8")
    assert "in 1 model," in convcalc("check config.json").out
    assert "in 2 models," in convcalc("check config.json config.toml").out
    config = project / "config.json"
    config.write_text(config.read_text("utf-8").replace("[32, 64]", "[32, 128]"), "utf-8")
    ran = convcalc("check config.json")
    assert ran.code == 1
    assert "models/one.convcalc.yaml" in ran.out
    assert "expect-drift" in ran.out
    assert convcalc("check config.toml").code == 0
