"""Each rule on a small file: its work and parameters, and the sizes that the file states."""

from __future__ import annotations

from collections import Counter

import pytest
from importing.onnx_cases import CASES, Case
from onnx_files import model, node

from convcalc.analysis.analyse import analyse
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target
from convcalc.model.quantities.unknown import UNKNOWN

MOVES = {"flatten", "permute", "reshape"}


def network(content: bytes) -> NetworkFile:
    """The network of a file."""
    return read_target(Target("net.onnx", None, content, format="onnx"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rule_has_the_work_and_the_parameters_of_its_operator(case: Case) -> None:
    found = network(case.content)
    messages = [each.message for each in found.problems]
    if case.finding:
        assert any(case.finding in message for message in messages), messages
    else:
        assert messages == []
        assert None not in found.outputs.values()
    if case.operators:
        names = tuple(layer.name for layer in found.layers)
        count = len(case.operators)
        assert names[:count] == case.operators
        assert set(names[count:]) <= MOVES  # that give the output the axes that the file states
    if found.layers:
        totals = analyse(found).totals
        assert totals.macs is UNKNOWN if case.macs is None else totals.macs == case.macs
        assert totals.params is UNKNOWN if case.params is None else totals.params == case.params


def test_names_of_cases_are_their_own() -> None:
    counts = Counter(case.name for case in CASES)
    assert [name for name, count in counts.items() if count > 1] == []


def test_parameters_of_a_branch_are_unknown_and_no_number() -> None:
    """Those of the graphs that ``If`` holds are not read."""
    branch = node("If", ["x"], ["y"], "/If")
    content = model([branch], {"x": [1, 3, 8, 8]}, {"y": [1, 3, 8, 8]})
    found = read_target(Target("net.onnx", None, content, format="onnx"))
    (problem,) = found.problems
    assert problem.help == "its parameters and its work are unknown"
    assert analyse(found).totals.params is UNKNOWN
