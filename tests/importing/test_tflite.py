"""TensorFlow Lite files, written here byte by byte; ``tests/litert`` runs them in LiteRT."""

from __future__ import annotations

import random
import struct

import pytest
from importing.damaging import damaged, outcome
from importing.flatbuffer import Lite, flatbuffer
from importing.lite_cases import CASES

from convcalc.analysis.analyse import analyse
from convcalc.importing.formats import detect
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target
from convcalc.model.quantities.unknown import UNKNOWN

MOVED = ("transpose",)  # its axes stay in their order


def read(content: bytes) -> NetworkFile:
    """The network of a file."""
    return read_target(Target("model.tflite", None, content, format="tflite"))


@pytest.mark.parametrize("name", CASES)
def test_a_model_has_its_params_macs_and_sizes(name: str) -> None:
    case = CASES[name]
    found = read(case.content)
    remarks = ("linear acts on",)  # on positions, which is meant
    assert [p.message for p in found.problems if not p.message.startswith(remarks)] == []
    totals = analyse(found).totals
    assert (totals.params, totals.macs) == (case.params, case.macs)
    (made,) = (found.shape(number).dims[1:] for number in found.outputs.values())
    wanted = (case.output[-1], *case.output[1:-1])
    assert (sorted(made) if name in MOVED else made) == (
        sorted(wanted) if name in MOVED else wanted
    )


def test_an_activation_that_was_fused_is_a_layer() -> None:
    names = [layer.name for layer in read(CASES["network"].content).layers]
    wanted = "conv relu6 depthwise_conv relu add relu concat global_avg_pool flatten linear softmax"
    assert " ".join(names) == wanted


def test_padding_stands_before_and_behind() -> None:
    (only,) = read(CASES["pad"].content).layers
    assert only.operator.padding == ((1, 2), (0, 0))  # type: ignore[attr-defined]


def test_a_file_is_known_by_its_mark() -> None:
    assert detect(CASES["conv"].content[:64], "any.name") == "tflite"


def test_what_has_no_rule_keeps_its_sizes_and_its_weights() -> None:
    model = Lite()
    x = model.tensor(1, 4, 5, 6)
    (y,) = model.add(13, [x, model.weight(7)], (1, 4, 5, 6))
    (z,) = model.add(19, [y], (1, 4, 5, 6))
    found = read(model.content([x], [z]))
    (problem,) = found.problems
    assert problem.message == "no rule for LOCAL_RESPONSE_NORMALIZATION"
    totals = analyse(found).totals
    assert (totals.params, totals.macs) == (7, UNKNOWN)
    assert found.layers[0].analysis.output.dims == (1, 6, 4, 5)


def test_sizes_that_the_file_denies_are_told() -> None:
    model = Lite()
    x = model.tensor(1, 4, 5, 6)
    (y,) = model.add(34, [x, model.whole(0, 0, 1, 1, 0, 0, 0, 0, sizes=(4, 2))], (1, 5, 5, 6))
    (problem,) = read(model.content([x], [y])).problems
    assert problem.message == "Pad makes 1×6×5×6, but the file says 1×5×5×6"


def reaching(offset: int) -> bytes:
    """A file of which an offset points elsewhere."""
    content = bytearray(CASES["conv"].content)
    struct.pack_into("<I", content, 0, offset)
    return bytes(content)


REFUSED = {
    "cut off": (CASES["conv"].content[:120], "points behind the file"),
    "far away": (reaching(2**31), "points behind the file"),
    "another mark": (b"\0\0\0\0ABCD" + CASES["conv"].content[8:], "does not begin as"),
    "no graph": (flatbuffer({0: ("I", 3)}, b"TFL3"), "it holds no graph"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_model_is_refused(case: str) -> None:
    content, message = REFUSED[case]
    (problem,) = read(content).problems
    assert problem.name == "damaged-model"
    assert message in problem.message


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_refused_or_read(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        content = CASES[rng.choice(list(CASES))].content
        outcome(damaged(content, rng), "tflite")
