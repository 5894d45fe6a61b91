"""Files of sweeps: the same as flags, errors at their places, and only networks of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import Command, verb
from jsonschema import Draft7Validator

from convcalc.analysis.sweeps.sweep_file import KEYS, read_sweep
from convcalc.analysis.sweeps.words import factors
from convcalc.output.schemas.sweep import sweep_schema

sweep = verb("sweep")
SCHEMA = Draft7Validator(sweep_schema())
FILE = """\
sweep: 1
target: mobilenet_v2
over:
  width: {from: 0.35, to: 1.4, step: 0.35}
  input: {from: 96, to: 224, step: 64}
where: [params <= 5M, macs <= 300M]
metrics: [params, macs]
pareto: [macs, -params]
by: -params
top: 3
"""
LINE = (
    "mobilenet_v2 --over width=0.35:1.4:0.35 --over input=96:224:64 --where 'params <= 5M' "
    "--where 'macs <= 300M' --metrics params,macs --pareto macs,-params --by -params --top 3"
)
STACK = "convcalc: 1\ninput: [3, 8, 8]\nparams: {width: 8}\nlayers: [conv: {out: width, k: 3}]\n"


def write(folder: Path, text: str, name: str = "space.sweep.yaml") -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def test_a_file_says_what_flags_say(sweep: Command, folder: Path) -> None:
    write(folder, FILE)
    found, expected = sweep("space.sweep.yaml -f json"), sweep(f"{LINE} -f json")
    assert found == expected
    assert found.code == 0
    assert SCHEMA.is_valid(yaml.safe_load(FILE))


def test_flags_come_first_and_add_factors_and_conditions(sweep: Command, folder: Path) -> None:
    write(folder, FILE)
    ran = sweep("space.sweep.yaml --over input=100 --where 'width > 0.5' --top 1 -f json")
    found = json.loads(ran.out)
    assert found["over"] == {"width": [0.35, 0.7, 1.05, 1.4], "input": [100]}
    assert found["where"] == ["params <= 5M", "macs <= 300M", "width > 0.5"]
    assert found["top"] == 1
    assert found["by"] == "-params"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{a: [1, 2, 4]}", ["a=1,2,4"]),
        ("{a: 3}", ["a=3"]),
        ("{a: {from: 1, to: 3}}", ["a=1:3"]),
        ("{a: {from: 0.1, to: 0.3, step: 0.1}, b: [x, y]}", ["a=0.1:0.3:0.1", "b=x,y"]),
        ("{a: {from: 1k, to: 3k, step: 1k}}", ["a=1k:3k:1k"]),
        ("{a: [true, false]}", ["a=true,false"]),
        ("{a: [[1, 2], [3, 4]]}", ["a=[1,2],[3,4]"]),
        ("{a: {product: [[1, 2], [3], 4]}}", ["a=[1|2,3,4]"]),
        ("{input: [3x8x9, 3x10x11]}", ["input=3x8x9,3x10x11"]),
        ("{input: [[3, 8, 9], [3, 10, 11]]}", ["input=3x8x9,3x10x11"]),
        ("{input: [8, 9]}", ["input=8,9"]),
    ],
)
def test_values_in_a_file_are_those_of_words(written: str, words: list[str]) -> None:
    text = f"sweep: 1\ntarget: vgg11\nover: {written}\n"
    found, problems = read_sweep(text.encode(), "x.sweep.yaml")
    assert problems == []
    assert found is not None
    assert found.factors == tuple(factors(words))
    assert SCHEMA.is_valid(yaml.safe_load(text))


BROKEN = [
    ("", "1:1", "the file is empty"),
    ("[1]", "1:1", "a file of a sweep is a mapping"),
    ("target: vgg11\nover: {input: 8}", "1:1", "the key 'sweep' is missing"),
    (FILE.replace("sweep: 1", "sweep: 2"), "1:8", "this version"),
    (FILE.replace("target: mobilenet_v2\n", ""), "1:1", "a sweep needs a target"),
    (FILE.replace("target: mobilenet_v2", "target: [a]"), "2:9", "a sweep needs a target"),
    (FILE.replace("where", "were"), "6:1", "unknown key 'were'"),
    (FILE.replace("over:", "over: 3\nx:"), "3:7", "'over' says what is swept"),
    (FILE.replace("from: 96", "form: 96"), "5:11", "unknown key 'form'"),
    (FILE.replace("from: 96, ", ""), "5:10", "a range has 'from' and 'to'"),
    (FILE.replace("step: 64", "step: x"), "5:36", "a number is expected"),
    (FILE.replace("step: 64", "step: 0"), "5:10", "a step of 0"),
    (FILE.replace("to: 224", "to: 9"), "5:10", "ends below its beginning"),
    (FILE.replace("from: 96", "from: 0"), "5:10", "sizes are whole"),
    (FILE.replace("{from: 96, to: 224, step: 64}", "[8, x]"), "5:14", "'x' is not an input"),
    (FILE.replace("{from: 96, to: 224, step: 64}", "[8, 0]"), "5:14", "sizes are whole"),
    (FILE.replace("{from: 96, to: 224, step: 64}", "[8, 8]"), "5:10", "the value 8 twice"),
    (FILE.replace("{from: 96, to: 224, step: 64}", "[]"), "5:10", "has no values"),
    (FILE.replace("{from: 96, to: 224, step: 64}", "{product: 3}"), "5:10", "a list of lists"),
    (FILE.replace("params <= 5M", "params <="), "6:9", "is not an expression"),
    (FILE.replace("params <= 5M", "parms <= 5M"), "6:9", "the name 'parms' is not known"),
    (FILE.replace("[params, macs]", "[params, max]"), "7:19", "unknown metric 'max'"),
    (FILE.replace("[macs, -params]", "[macs, -parms]"), "8:16", "'parms' is not a column"),
    (FILE.replace("by: -params", "by: {a: 1}"), "9:5", "'by' is a text"),
    (FILE.replace("top: 3", "top: 0"), "10:6", "'top' is a whole number from 1, or 'all'"),
    (FILE + "seed: -1\n", "11:7", "'seed' is a whole number from 0"),
    (FILE + "sample: 1.5\n", "11:9", "'sample' is a whole number from 1"),
    (FILE + "variant: [a]\n", "11:10", "'variant' is a text"),
    (FILE.replace("width:", "widht:"), "4:3", "has no param 'widht'"),
]


@pytest.mark.parametrize(("text", "place", "message"), BROKEN, ids=[case[2] for case in BROKEN])
def test_a_problem_is_shown_at_its_place(
    sweep: Command, folder: Path, text: str, place: str, message: str
) -> None:
    write(folder, text)
    ran = sweep("space.sweep.yaml")
    assert ran.code == 1
    assert ran.out == ""
    assert message in ran.err
    assert f" --> space.sweep.yaml:{place}" in ran.err


def test_the_schema_refuses_what_is_wrong_by_itself() -> None:
    wrong: list[Any] = [
        {},
        {"sweep": 2, "target": "a", "over": {"a": 1}},
        {"sweep": 1, "target": "a", "over": {}},
        {"sweep": 1, "target": "a", "over": {"a": {"form": 1, "to": 2}}},
        {"sweep": 1, "target": "a", "over": {"a": 1}, "metrics": ["parms"]},
        {"sweep": 1, "target": "a", "over": {"a": 1}, "top": 0},
        {"sweep": 1, "target": "a", "over": {"a": 1}, "were": []},
    ]
    assert not any(map(SCHEMA.is_valid, wrong))
    assert set(sweep_schema()["properties"]) == set(KEYS)


def test_a_file_names_networks_from_where_it_lies(sweep: Command, folder: Path) -> None:
    write(folder, STACK, "nets/s.convcalc.yaml")
    (folder / "pyproject.toml").touch()
    for target in ("s.convcalc.yaml", "../nets/s.convcalc.yaml"):
        write(folder, f"sweep: 1\ntarget: {target}\nover: {{width: [1, 2]}}\n", "nets/a.sweep.yaml")
        ran = sweep("nets/a.sweep.yaml -f jsonl")
        assert ran.code == 0, ran.err
        assert len(ran.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../outside.convcalc.yaml", "lies outside the project"),
        ("/etc/hosts.yaml", "lies outside the project"),
        ("link.convcalc.yaml", "leads out of the project"),
        ("torchvision:resnet50", "the target is 'torchvision:resnet50'"),
        ("timm:resnet50", "the target is 'timm:resnet50'"),
        ("HEAD:s.convcalc.yaml", "no such file"),
        ("onnx:s.onnx", "the target is 'onnx:s.onnx'"),
        ("s.onnx", "the target is 's.onnx'"),
        ("'-'", "the target is '-'"),
        ("nosuch", "no such file or built-in network"),
        ("nosuch.yaml", "no such file"),
    ],
)
def test_a_stranger_cannot_name_what_lies_outside_or_runs_code(
    sweep: Command,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    target: str,
    message: str,
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "outside.convcalc.yaml"
    outside.write_text(STACK, "utf-8")
    (folder / "project").mkdir()
    write(folder, STACK, "outside.convcalc.yaml")
    (folder / "project" / "pyproject.toml").touch()
    (folder / "project" / "link.convcalc.yaml").symlink_to(outside)
    write(folder, f"sweep: 1\ntarget: {target}\nover: {{width: [1, 2]}}\n", "project/a.sweep.yaml")
    ran = sweep("project/a.sweep.yaml")
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""
