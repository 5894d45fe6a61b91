"""Files that the language could not read once, or read wrongly without a word: what they give now.

Their heads say what is wanted. Those that are still refused say how they are to be written.
"""

from __future__ import annotations

from typing import Any

import pytest
from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.checking.rules import dead_layer
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

FOLDER = TESTS / "examples" / "wanted"
OFFICIAL = TESTS / "examples" / "official"


def text(name: str) -> str:
    return (FOLDER / f"{name}.convcalc.yaml").read_text("utf-8")


def read(name: str, *changes: tuple[str, str], **options: Any) -> Network:
    """A file with some changes to its text."""
    body = text(name)
    for old, new in changes:
        assert old in body
        body = body.replace(old, new)
    path = FOLDER / f"{name}.convcalc.yaml"
    return read_network(Target(str(path), None, body), **options)


def report(network: Network) -> Report:
    assert not errors(network)
    found = analyse(network)
    assert found.complete
    return found


def errors(network: Network) -> list[Diagnostic]:
    return [problem for problem in network.problems if problem.severity == "error"]


def output(network: Network) -> tuple[int | None, ...]:
    return tuple(network.layers[-1].analysis.output.dims[1:])


def counts(network: Network) -> tuple[int, int]:
    totals = report(network).totals
    return totals.params, totals.macs


@pytest.mark.parametrize(
    ("name", "params", "shape"),
    [
        ("branches_from_list", 3 * (4 * 8 * 9 + 4), (12, 16, 16)),
        ("concat_over_repeat", 3 * (8 * 8 * 9 + 8), (8 + 3 * 8, 16, 16)),
        ("for_over_paths", 8 * 8 + 8 + 2 * (2 * 8 + 2), (2, 16, 16)),
        ("optional_branch", 8 * 8 * 9 + 8, (8, 16, 16)),
        ("share_with_ref_param", 8 * 8 + 8 + 4 * 8, (8, 16, 16)),
    ],
)
def test_it_does_what_is_wanted(name: str, params: int, shape: tuple[int, ...]) -> None:
    network = read(name)
    assert report(network).totals.params == params
    assert output(network) == shape


def test_paths_by_way_of_a_ref_give_efficientdets_numbers() -> None:
    """rwightman/efficientdet-pytorch 0.4.1, tf_efficientdet_d0 at 512x512."""
    assert counts(read("efficientdet_d0_ref_path")) == (3_880_067, 2_492_331_520)


def test_an_hourglass_calls_itself_as_in_the_official_code() -> None:
    network = read("hourglass_recursion")
    res = 256 * 256 * 9 + 256
    # A residual unit at the full size, and three at each of four depths, one more in the middle.
    assert report(network).totals.params == res * (1 + 3 * 4)
    assert output(network) == (256, 64, 64)
    assert [layer.name for layer in network.layers].count("max_pool") == 4


def test_a_layer_that_nobody_reads_is_a_finding() -> None:
    network = read("dead_layer")
    (found,) = dead_layer.findings(network)
    assert found.name == "dead-layer"
    assert "'dead'" in found.message
    assert "72 params (50 %)" in found.message


def test_one_missing_block_is_one_error_and_no_limit() -> None:
    (found,) = errors(read("false_too_large_min"))
    assert (found.name, found.help) == ("unknown-name", "use 'Module3'")


def test_an_id_that_is_a_param_too_is_refused_and_nothing_else() -> None:
    """The network is read as soon as they are called otherwise: see ``official/hrnet_w18``."""
    found = errors(read("hrnet_false_too_large"))
    assert {problem.name for problem in found} == {"duplicate-id"}
    assert len(found) == 2 + 3 + 4
    assert found[0].help == "give the layer or the param another name"


def test_a_param_that_is_an_int_or_a_list_is_declared_as_a_size() -> None:
    """monai 1.6.1, DynUNet, 3d_fullres: with the type that the help names, its numbers."""
    first, second = errors(read("nnunet_3d_int_or_list"))
    assert first.help == second.help == "declare it with 'type: size', an int or one per axis"
    declared = [(f"{name}: {n}}}", f"{name}: {{default: {n}, type: size}}}}") for name, n in SIZES]
    assert counts(read("nnunet_3d_int_or_list", *declared)) == (30_779_843, 238_826_291_200)


SIZES = (("s", 1), ("k", 2))


def test_a_stated_size_warns_at_another_input_and_may_follow_it() -> None:
    larger: dict[str, Any] = {"inputs": [3, 64, 64]}
    assert read("opaque_ignores_input").problems == ()
    (found,) = read("opaque_ignores_input", **larger).problems
    assert (found.name, found.severity) == ("declared-size-kept", "warning")
    assert "output: same" in found.help
    for follows in ("same", "[in_channels, height, width]"):
        network = read("opaque_ignores_input", ("[8, 4, 4]", follows), **larger)
        assert network.problems == ()
        assert output(network) == (8, 16, 16)
