"""Inputs whose sizes look misordered, and all those that are meant as they are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from command import command
from shipped import BASES, network
from texts import HEAD

from convcalc.language.input_order import misordered
from convcalc.language.one_layer import layer_target
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN

Sizes = tuple[int, ...]
RGB = Shape(1, 3, (224, 224))
BATCH, LAST = "batch-in-input", "channels-last-input"


@pytest.mark.parametrize(
    ("sizes", "declared", "rule", "meant"),
    [
        ((1, 3, 64, 64), None, BATCH, (3, 64, 64)),
        ((1, 3, 224, 224), None, BATCH, (3, 224, 224)),
        ((1, 1, 28, 28), None, BATCH, (1, 28, 28)),
        ((1, 4, 480, 640), None, BATCH, (4, 480, 640)),
        ((1, 3, UNKNOWN, UNKNOWN), None, BATCH, (3, UNKNOWN, UNKNOWN)),
        ((1, 224, 224, 3), None, LAST, (3, 224, 224)),
        ((224, 224, 3), None, LAST, (3, 224, 224)),
        ((224, 224, 3), RGB, LAST, (3, 224, 224)),
        ((480, 640, 4), None, LAST, (4, 480, 640)),
        ((28, 28, 1), None, LAST, (1, 28, 28)),
        ((64, 64, 12), Shape(1, 12, (64, 64)), LAST, (12, 64, 64)),
        ((16, 112, 112, 3), None, LAST, (3, 16, 112, 112)),
    ],
)
def test_what_looks_misordered(
    sizes: Sizes, declared: Shape | None, rule: str, meant: Sizes
) -> None:
    found = misordered(sizes, declared)
    assert found is not None
    assert found.rule == rule
    assert [*map(str, found.meant)] == [*map(str, meant)]


@pytest.mark.parametrize(
    ("sizes", "declared"),
    [
        ((3, 224, 224), None),
        ((1, 28, 28), None),  # grey
        ((1, 16, 64, 64), None),  # a volume, or a video of one channel
        ((1, 2, 64, 64), None),
        ((1, 128, 128, 128), None),
        ((1, 64, 64, 2), None),
        ((3, 16, 112, 112), None),  # a video
        ((64, 4, 56, 56), None),  # features of a video
        ((256, 1, 14, 14), None),
        ((1, 3, 8, 8), None),  # too small for an image
        ((1, 3, 16, 1000), None),  # a few spectra
        ((1, 3, 16000), None),
        ((512, 4, 4), None),  # features
        ((2048, 7, 7), None),
        ((64, 1024, 1), None),  # features of a set of points
        ((40, 98, 1), None),  # a spectrum as channels
        ((3, 1024, 1), None),
        ((16000, 1), None),
        ((80, 3000), None),
        ((1000,), None),
        ((3, UNKNOWN, UNKNOWN), None),
        ((UNKNOWN, UNKNOWN, 3), None),
        ((224, 224, 3), Shape(1, 224, (224, 3))),  # as the file has it
    ],
)
def test_what_does_not(sizes: Sizes, declared: Shape | None) -> None:
    assert misordered(sizes, declared) is None


def warnings(
    body: str, head: str = HEAD, inputs: Sequence[int] | None = None
) -> list[tuple[str, str]]:
    found = read_network(Target("net.yaml", None, head + body), inputs=inputs)
    return [(p.name, p.help) for p in found.problems]


def test_the_help_is_written_as_the_input_was() -> None:
    head = "convcalc: 1\nname: net\ninput: [1, 3, null, null]\n"
    (found,) = warnings("layers: [relu]\n", head)
    assert found == (BATCH, "channels come first, and no batch: [3, null, null]")
    (found,) = warnings("layers: [relu]\n", inputs=[224, 224, 3])
    assert found == (LAST, "channels come first, and no batch: 3x224x224")
    layer = read_network(layer_target("relu", [], [("", [1, 3, 64, 64])]))
    (problem,) = layer.problems
    assert problem.help == "channels come first, and no batch: 3x64x64"
    assert layer.sources["<layer>"][problem.place.column - 1 :] == "-i 1x3x64x64"


def test_every_command_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    run = command(capsys)
    line = "resnet18 -i 224x224x3"
    for typed in (
        f"show {line}",
        f"get totals.params {line}",
        f"rf {line}",
        f"explain {line} layer[0].BasicBlock[0]",
    ):
        _, _, err = run(typed)
        assert "looks like channels last" in err, typed
    assert "looks like" not in run(f"get totals.params {line} -q")[2]


@pytest.mark.parametrize("name", BASES)
def test_no_shipped_input_looks_misordered(name: str) -> None:
    assert not [p for p in network(name).problems if p.name in (BATCH, LAST)]
