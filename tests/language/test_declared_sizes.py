# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Numbers that a file declares for one size of its input, and what happens at another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convcalc.analysis.analyse import analyse
from convcalc.checking.discovery import discover
from convcalc.checking.run import Options, Run
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

HEAD = "convcalc: 1\nname: net\ninput: [3, size, size]\nparams: {size: 16, side: size//4}\nvariants: {large: {size: 64}, same: {size: 16}}\n"


def text(opaque: str) -> str:
    return f"{HEAD}layers:\n- {{conv: {{out: 8, k: 4, s: 4}}}}\n- {{opaque: {{{opaque}, params: 128, receptive_field: 1}}, id: o}}\n- attention: {{heads: 2}}\n"


def network(opaque: str, **options: Any) -> Any:
    return read_network(Target("net.yaml", None, text(opaque)), **options)


REPLACED = [
    {"inputs": [3, 64, 64]},
    {"variant": "large"},
    {"params": {"size": 64}},
    {"inputs": {"input": [3, 64, 64]}},
]


@pytest.mark.parametrize("options", REPLACED)
def test_a_number_that_stays_is_a_warning(options: dict[str, Any]) -> None:
    (found,) = network("output: [8, 4, 4], macs: 0", **options).problems
    assert found.name == "declared-size-kept"
    assert found.message == "'o' declares the output 8×4×4 for 8×4×4, but reads 8×16×16"
    assert found.place.line == 8
    (found,) = network("output: [8, null, null], macs: 1.2k", **options).problems
    assert found.message == "'o' declares 1,200 MACs for 8×4×4, but reads 8×16×16"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"inputs": [3, 16, 16]},
        {"variant": "same"},
        {"params": {"side": 4}},
        {"inputs": [3, None, None]},
    ],
)
def test_at_its_own_size_it_is_none(options: dict[str, Any]) -> None:
    assert not network("output: [8, 4, 4], macs: 1.2k", **options).problems


@pytest.mark.parametrize("options", REPLACED)
@pytest.mark.parametrize("output", ["same", "[8, null, null]", "[in_channels, null, null]"])
def test_what_follows_the_input_is_none(output: str, options: dict[str, Any]) -> None:
    assert not network(f"output: {output}, macs: 0", **options).problems


def test_sizes_by_a_param_follow_it_but_not_the_command_line() -> None:
    by_param = "output: [8, size//4, size//4], macs: 8*size"
    assert not network(by_param, variant="large").problems
    assert not network(by_param, params={"size": 64}).problems
    (found,) = network(by_param, inputs=[3, 64, 64]).problems
    assert found.name == "declared-size-kept"


def test_same_is_the_shape_of_the_first_input() -> None:
    for size in (16, 64, 100):
        found = network("output: same, macs: 0", inputs=[3, size, size])
        assert found.layers[1].analysis.output == found.layers[0].analysis.output
    # 16×16 positions of 8 channels, two heads: 4·N·C² of the projections, 2·N²·C of the products
    report = analyse(network("output: same, macs: 0", inputs=[3, 64, 64]))
    assert report.layers[-1].macs == 4 * 256 * 8 * 8 + 2 * 256 * 256 * 8
    two = "convcalc: 1\ninputs: {a: [3, 8, 8], b: [5, 4, 4]}\nlayers: [{opaque: {output: same}, from: [b, a]}]\n"
    (layer,) = read_network(Target("net.yaml", None, two)).layers
    assert layer.analysis.output.dims == (1, 5, 4, 4)


def test_another_word_is_an_error() -> None:
    (found, *_) = network("output: sme").problems
    assert (found.severity, found.help) == ("error", "use 'same'")


def test_check_warns_of_variants_and_of_inputs_of_budgets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.convcalc.yaml").write_text(text("output: [8, 4, 4], macs: 0"), "utf-8")
    (result,) = Run(Options()).check(discover(["net.convcalc.yaml"]))
    assert [(f.code, f.within) for f in result.findings if f.code < "CC1"] == [
        ("CC021", "variant: large")
    ]
    Path("convcalc.budgets.yaml").write_text(
        "convcalc-budgets: 1\nbudgets:\n- {name: edge, models: net.convcalc.yaml, inputs: [3x32x32], assert: {params: {max: 1M}}}\n",
        "utf-8",
    )
    (result, _) = Run(Options(variant="net")).check(discover(["net.convcalc.yaml"]))
    assert [(f.code, f.within) for f in result.findings if f.code < "CC1"] == [
        ("CC021", "input: 3×32×32")
    ]
