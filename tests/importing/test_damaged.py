"""Files that are damaged, or made to be dangerous: problems, and nothing else."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from command import Command
from importing.damaged import SMALL
from importing.fuzz import made, outcome
from onnx_files import field, function, model, node, tensor, through

from convcalc.importing.opening import read_target
from convcalc.language.sources.target import Target

CONV = node("Conv", ["x", "w"], ["y"])


@pytest.mark.parametrize("first", range(0, 600, 50))
def test_a_damaged_file_gives_problems_and_nothing_else(first: int) -> None:
    for number in range(first, first + 50):
        outcome(made(number))


@pytest.mark.parametrize("whole", SMALL, ids=["convolutional", "transformer", "functions"])
def test_the_files_that_are_damaged_are_complete_before(whole: bytes) -> None:
    assert outcome(whole) == "read"


@pytest.mark.parametrize("whole", SMALL, ids=["convolutional", "transformer", "functions"])
def test_every_length_of_a_file_that_is_cut_off_is_refused_or_read(whole: bytes) -> None:
    for length in range(0, len(whole), 7):
        outcome(whole[:length])


def messages(content: bytes) -> list[str]:
    """The messages of the findings of a file."""
    found = read_target(Target("net.onnx", None, content, format="onnx"))
    return [each.message for each in found.problems]


def chained(depth: int) -> bytes:
    """Functions each of which calls the next one."""
    functions = [
        function(f"F{i}", "local", ["a"], ["b"], [node(f"F{i + 1}", ["a"], ["b"], domain="local")])
        for i in range(depth)
    ]
    last = function(f"F{depth}", "local", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    start = node("F0", ["x"], ["y"], domain="local")
    return through([start], [1, 4, 6, 6], "y", functions=[*functions, last])


def doubling(depth: int, calls: int = 2) -> bytes:
    """Functions each of which calls the next one twice, or more often."""
    functions = []
    for i in range(depth):
        op, domain = (f"D{i + 1}", "local") if i < depth - 1 else ("Relu", "")
        names = ["a", *(f"m{n}" for n in range(calls - 1)), "b"]
        nodes = [node(op, [a], [b], domain=domain) for a, b in pairwise(names)]
        functions.append(function(f"D{i}", "local", ["a"], ["b"], nodes))
    start = node("D0", ["x"], ["y"], domain="local")
    return through([start], [1, 4, 6, 6], "y", functions=functions)


def test_functions_in_functions_are_inlined() -> None:
    assert messages(chained(10)) == []
    assert messages(doubling(6)) == []


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (chained(40), "16 deep"),
        (doubling(12, 40), "more than 200,000 nodes"),
        (
            through(
                [node("R", ["x"], ["y"], domain="local")],
                [1, 4, 6, 6],
                "y",
                functions=[
                    function("R", "local", ["a"], ["b"], [node("R", ["a"], ["b"], domain="local")])
                ],
            ),
            "16 deep",
        ),
        (through([CONV], [1, 3, 8, 8], "y", weights={"w": [1 << 62, 3, 3, 3]}), None),
        (through([CONV], [1, 3, 8, 8], "y", weights={"w": [-1, 3, 3, 3]}), "impossible sizes"),
        (through([CONV], [1, 3, 8, 8], "y", weights={"w": [1] * 100}), "impossible sizes"),
        (through([CONV], [1, 3, 1 << 39, 1 << 39], "y", weights={"w": [4, 3, 3, 3]}), None),
        (
            through([node("Expand", ["c", "s"], ["e"]), node("Add", ["x", "e"], ["y"])],
                    [1, 3, 8, 8], "y", numbers={"c": [1.0], "s": [1 << 30, 1 << 30]}),
            "",
        ),
        (
            through([node("ConstantOfShape", ["s"], ["e"]), node("Add", ["x", "e"], ["y"])],
                    [1, 3, 8, 8], "y", numbers={"s": [10**9]}),
            "",
        ),
        (
            through([node("Range", ["a", "b", "c"], ["e"]), node("Add", ["x", "e"], ["y"])],
                    [1, 3, 8, 8], "y", tensors=[tensor("a", [], [0]), tensor("b", [], [10**15]),
                                                tensor("c", [], [1])]),
            "",
        ),
        (
            through([node("Tile", ["c", "s"], ["e"]), node("Add", ["x", "e"], ["y"])],
                    [1, 3, 8, 8], "y", numbers={"c": [1.0], "s": [1 << 60]}),
            "",
        ),
        (through([node("Relu", ["x"], ["y"]), node("Abs", ["y"], ["x"])], [1, 3, 8, 8], "y"), None),
        (through([node("Relu", ["y"], ["y"])], [1, 3, 8, 8], "y"), None),
        (through([node("Relu", ["nowhere"], ["y"])], [1, 3, 8, 8], "y"), None),
        (through([node("Pow", ["c", "c"], ["e"]), node("Add", ["x", "e"], ["y"])],
                 [1, 3, 8, 8], "y", numbers={"c": [10**18]}), None),
    ],
)  # fmt: skip
def test_what_is_made_to_be_dangerous_is_refused_or_harmless(
    content: bytes, part: str | None
) -> None:
    began = time.process_time()
    found = messages(content)
    assert time.process_time() - began < 60  # not for ever
    if part:
        assert any(part in message for message in found), found
    elif part is not None:
        assert found


def test_a_name_of_megabytes_is_cut_in_messages(folder: Path, convcalc: Command) -> None:
    name = "n" * 5_000_000
    content = through([node("Mystery", ["x"], ["y"], name=name)], [1, 3, 8, 8], "y")
    (folder / "long.onnx").write_bytes(content)
    ran = convcalc("check long.onnx")
    assert "CC501" in ran.out
    assert ran.code == 0  # a warning
    assert len(ran.out) + len(ran.err) < 100_000


def test_a_constant_of_a_billion_elements_that_is_not_there_is_its_sizes() -> None:
    content = through([node("Add", ["x", "w"], ["y"])], [1, 1, 1], "y", weights={"w": [10**9]})
    found = read_target(Target("net.onnx", None, content, format="onnx"))
    assert not found.problems
    assert found.shape(found.outputs["y"]).numel == 10**9


@pytest.mark.parametrize("op", ["Mul", "Add", "Pow"])
def test_numbers_that_grow_are_given_up(op: str) -> None:
    """Squared sixty times, a number would have more digits than there is memory for."""
    nodes = [node(op, [f"c{i}", f"c{i}"], [f"c{i + 1}"]) for i in range(90)]
    nodes.append(node("Mul", ["x", "c90"], ["y"]))
    sizes = {"x": [1, 3, 8, 8]}, {"y": [1, 3, 8, 8]}
    content = model(nodes, *sizes, numbers={"c0": [7]})
    found = read_target(Target("net.onnx", None, content, format="onnx"))
    assert found.shape(found.outputs["y"]).numel == 3 * 8 * 8


def test_constants_that_are_computed_are_work() -> None:
    nodes = [node("Add", [f"c{i}", f"c{i}"], [f"c{i + 1}"]) for i in range(5000)]
    nodes.append(node("Mul", ["x", "c5000"], ["y"]))
    sizes = {"x": [1, 1, 1, 4000]}, {"y": [1, 1, 1, 4000]}
    content = model(nodes, *sizes, numbers={"c0": [0] * 4000})
    (problem,) = read_target(Target("net.onnx", None, content, format="onnx")).problems
    assert problem.name == "too-large"
    assert "constants of the model" in problem.message


def test_data_in_another_file_is_never_opened(folder: Path, convcalc: Command) -> None:
    """Only the sizes of a tensor are needed; a path that leads outside is not even looked at."""
    outside = field(1, "location") + field(2, "../../etc/passwd")
    weight = tensor("w", [8, 3, 3, 3]) + field(13, outside) + field(14, 1)
    content = model([CONV], {"x": [1, 3, 9, 9]}, {"y": [1, 8, 7, 7]}, tensors=[weight])
    (folder / "net.onnx").write_bytes(content)
    assert convcalc("get totals.params net.onnx").out == f"{8 * 27}\n"


@pytest.mark.parametrize("number", range(40))
def test_exit_codes_are_those_of_findings(folder: Path, convcalc: Command, number: int) -> None:
    (folder / "net.onnx").write_bytes(made(number))
    ran = convcalc("check net.onnx")
    assert ran.code in (0, 1)
    assert "Traceback" not in ran.out + ran.err
