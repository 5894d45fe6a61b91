"""Receptive fields against sets of positions, and against published values.

The oracle (``reads.py``) follows what each layer reads backwards through the graph; sizes,
jumps and centers are what the hulls of its sets say.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from reads import IDENTITY, Graph, Node, Step, after, random_graph, usable
from small import network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import ReceptiveField, Report
from convcalc.model.quantities.unknown import known


def report(body: str, **options: Any) -> Report:
    return analyse(network_of_text(body, **options))


def field(body: str, **options: Any) -> ReceptiveField:
    """The receptive field at the output."""
    found = report(body, **options).receptive_field
    assert found is not None
    return found


# --- against the oracle -----------------------------------------------------------------------


def hull(positions: set[int]) -> tuple[int, int] | None:
    return (min(positions), max(positions)) if positions else None


def check(seen: ReceptiveField, node: Node, *, aligned: bool = True) -> None:
    """What the report says must be what the sets say, over all output positions."""
    hulls = [hull(node.reads(y)) for y in range(node.size)]
    extents = [0 if h is None else h[1] - h[0] + 1 for h in hulls]
    assert (seen.size, seen.size_min) == ((max(extents),), (min(extents),))
    if aligned and any(hulls):
        assert seen.jump == (node.stride,)
    if hulls[0] is not None:
        assert seen.center == (Fraction(sum(hulls[0]), 2),)
    else:
        assert not known(seen.center[0])


# --- exhaustive ------------------------------------------------------------------------------

FIRST = usable(9)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", FIRST, ids=lambda step: step.text)
def test_every_chain_of_two_small_layers_reads_what_its_sets_say(first: Step) -> None:
    start = IDENTITY._replace(size=9)
    middle = after(start, first)
    seconds = usable(first.size)
    lines = [f"- {{{first.text}, id: first}}"]
    lines += [f"- {{{step.text}, from: first}}" for step in seconds]
    found = report("input: [1, 9]\nlayers:\n" + "\n".join(lines))
    check(found.layers[0].receptive_fields["input"], middle)
    for layer, step in zip(found.layers[1:], seconds, strict=True):
        assert layer.output.spatial == (step.size,)
        check(layer.receptive_fields["input"], after(middle, step))


# --- random graphs ---------------------------------------------------------------------------


def check_graph(graph: Graph, *, only_aligned: bool) -> None:
    found = report(graph.text)
    by_path = {layer.path: layer for layer in found.layers}
    for index, (node, aligned) in enumerate(zip(graph.nodes, graph.aligned, strict=True)):
        if aligned or not only_aligned:
            check(by_path[f"t{index}"].receptive_fields["input"], node, aligned=aligned)


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(15))
def test_random_graphs_with_branches_read_what_their_sets_say(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        check_graph(random_graph(seed, drift=False), only_aligned=True)


# --- branches that drift apart ---------------------------------------------------------------


def test_the_join_of_drifting_branches_is_exact() -> None:
    """The toy graph of https://distill.pub/2019/computing-receptive-fields, solved there."""
    body = (
        "input: [1, 8]\nlayers:\n"
        "- {conv: {out: 1, k: 5, s: 2, p: [[2, 1]]}, id: a}\n"
        "- {conv: {out: 1, k: 3}, from: input}\n"
        "- {conv: {out: 1, k: 3}}\n"
        "- {add: [a, prev]}\n"
    )
    assert field(body).size == (7,)
    assert field(body).size_min == (5,)


def test_a_branch_that_drifts_has_no_single_jump() -> None:
    body = (
        "input: [1, 8]\nlayers:\n"
        "- {conv: {out: 1, k: 5, s: 2, p: [[2, 1]]}, id: a}\n"
        "- {conv: {out: 1, k: 5}, from: input}\n"
        "- {add: [a, prev]}\n"
    )
    assert not known(field(body).jump[0])


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(10))
def test_what_follows_drifting_branches_is_exact_or_unknown(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        graph = random_graph(seed, drift=True)
        layers = {layer.path: layer for layer in report(graph.text).layers}
        for index, (node, aligned) in enumerate(zip(graph.nodes, graph.aligned, strict=True)):
            seen = layers[f"t{index}"].receptive_fields["input"]
            if known(seen.size[0]):
                check(seen, node, aligned=aligned)
            else:
                assert seen.reason


# --- layers that read nothing, or everything ---------------------------------------------------


def test_outputs_that_read_nothing_still_have_their_jump() -> None:
    body = (
        "input: [1, 8]\nlayers:\n"
        "- conv_transpose: {out: 1, k: 1, s: 2}\n"  # every second output holds the bias alone
        "- crop: {margins: [[1, 0]]}\n"
        "- max_pool: {k: 1, s: 2}\n"  # and here are only those
    )
    assert field(body).size == (0,)
    assert field(body).jump == (1,)
    assert field(body + "- max_pool: {k: 1, s: 2}\n").jump == (2,)


def test_a_global_layer_is_flagged_and_keeps_the_local_path() -> None:
    gate = (
        "input: [4, 32, 32]\nlayers:\n"
        "- {conv: {out: 4, k: 3, p: 1}, id: x}\n"
        "- global_avg_pool: {keepdim: true}\n"
        "- conv: {out: 4, k: 1}\n"
        "- sigmoid\n"
        "- mul: [x, prev]\n"
        "- conv: {out: 4, k: 3, p: 1}\n"
    )
    found = report(gate)
    assert [layer.receptive_fields["input"].is_global for layer in found.layers] == [
        False,
        *[True] * 5,
    ]
    assert found.receptive_field is not None
    assert found.receptive_field.size == (5, 5)
    assert found.global_from == "global_avg_pool"


@pytest.mark.parametrize(
    "last", ["global_avg_pool", "flatten", "adaptive_avg_pool: {output_size: 1}"]
)
def test_the_end_of_the_axes_keeps_the_local_value(last: str) -> None:
    layers = f"- conv: {{out: 4, k: 7, s: 2}}\n- {last}\n- linear: {{out: 5}}\n"
    seen = field(f"input: [3, 64, 64]\nlayers:\n{layers}")
    assert (seen.size, seen.is_global) == ((7, 7), True)


# --- several inputs, unknown sizes -----------------------------------------------------------


def test_each_input_has_a_receptive_field_of_its_own() -> None:
    body = (
        "inputs: {near: [1, 20], far: [1, 40]}\nlayers:\n"
        "- {conv: {out: 1, k: 3, p: 1}, from: near, id: a}\n"
        "- {conv: {out: 1, k: 5, s: 2, p: 2}, from: far, id: b}\n"
        "- {add: [a, b]}\n"
        "- {conv: {out: 1, k: 3}}\n"
    )
    layers = {layer.path: layer.receptive_fields for layer in report(body).layers}
    assert list(layers["a"]) == ["near"]
    assert list(layers["b"]) == ["far"]
    last = layers["conv"]
    assert (last["near"].size, last["near"].jump, last["near"].center) == ((5,), (1,), (1,))
    assert (last["far"].size, last["far"].jump, last["far"].center) == ((9,), (2,), (2,))


def test_a_reference_that_only_gives_its_size_is_not_read() -> None:
    body = (
        "inputs: {x: [1, 20], like: [1, 10]}\nlayers:\n"
        "- {crop: [x, like]}\n- {conv: {out: 1, k: 3}}\n"
    )
    assert list(report(body).layers[-1].receptive_fields) == ["x"]


UNSIZED = "input: [3, null, null]\nlayers:\n"


def test_unknown_sizes_do_not_matter_for_windows() -> None:
    seen = field(UNSIZED + "- conv: {out: 4, k: 3, p: half}\n- max_pool: {k: 2, s: 2}\n")
    assert (seen.size, seen.jump, seen.center) == ((4, 4), (2, 2), (Fraction(1, 2),) * 2)


def test_padding_same_on_unknown_sizes_leaves_the_center_unknown() -> None:
    body = "- conv: {out: 4, k: 3, s: 2, p: same}\n- conv: {out: 4, k: 3}\n"
    seen = field(UNSIZED + body)
    assert (seen.size, seen.jump) == ((7, 7), (2, 2))
    assert not known(seen.center[0])


def test_padding_same_on_unknown_sizes_after_upsampling_leaves_the_center_unknown() -> None:
    seen = field(UNSIZED + "- upsample: {scale: 2}\n- conv: {out: 4, k: 3, s: 2, p: same}\n")
    assert not known(seen.center[0])


def test_what_depends_on_an_unknown_size_is_unknown_with_a_reason() -> None:
    for layer in ("upsample: {size: 7}", "adaptive_avg_pool: {output_size: 7}"):
        seen = field(f"{UNSIZED}- conv: {{out: 4, k: 3}}\n- {layer}\n- conv: {{out: 1, k: 3}}\n")
        assert not any(map(known, (seen.size[0], seen.size_min[0], seen.center[0])))
        assert "size" in seen.reason


def test_the_jump_of_an_unknown_step_is_unknown() -> None:
    assert not known(field(f"{UNSIZED}- upsample: {{size: 7}}\n").jump[0])
