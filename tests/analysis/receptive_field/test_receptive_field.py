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


# --- published values ------------------------------------------------------------------------


def chain(*layers: str, axes: int = 1, size: int = 100_000) -> list[ReceptiveField]:
    """The receptive fields of layers in a row on one channel."""
    sizes = ", ".join(["1", *[str(size)] * axes])
    items = "".join(f"- {layer}\n" for layer in layers)
    found = report(f"input: [{sizes}]\nlayers:\n{items}")
    return [layer.receptive_fields["input"] for layer in found.layers]


def sizes_of(*layers: str) -> list[int]:
    return [seen.size[0] for seen in chain(*layers)]


def c(k: int, s: int = 1, p: int = 0, d: int = 1) -> str:
    return f"conv: {{out: 1, k: {k}, s: {s}, p: {p}, d: {d}}}"


def pool(k: int, s: int, p: int = 0) -> str:
    return f"max_pool: {{k: {k}, s: {s}, p: {p}}}"


def test_vgg16() -> None:
    """google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md, vgg_16."""
    layers = [c(3, p=1), c(3, p=1), pool(2, 2), c(3, p=1), c(3, p=1), pool(2, 2)]
    for _ in range(3):
        layers += [c(3, p=1), c(3, p=1), c(3, p=1), pool(2, 2)]
    fields = chain(*layers)
    pools = [fields[k] for k, layer in enumerate(layers) if layer.startswith("max")]
    assert [seen.size[0] for seen in pools] == [6, 16, 44, 100, 212]
    assert [seen.jump[0] for seen in pools] == [2, 4, 8, 16, 32]
    # The table's padding P: output 0 begins at -P, so its center is (size - 1) / 2 - P.
    paddings = [Fraction(seen.size[0] - 1, 2) - seen.center[0] for seen in pools]
    assert paddings == [2, 6, 18, 42, 90]


def test_alexnet() -> None:
    """google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md, alexnet_v2."""
    fields = chain(
        c(11, 4), pool(3, 2), c(5, p=2), pool(3, 2), c(3, p=1), c(3, p=1), c(3, p=1), pool(3, 2)
    )
    assert [seen.size[0] for seen in fields] == [11, 19, 51, 67, 99, 131, 163, 195]
    assert [seen.jump[0] for seen in fields] == [4, 8, 8, 16, 16, 16, 16, 32]
    assert [(seen.size[0] - 1) - 2 * seen.center[0] for seen in fields] == [
        2 * padding for padding in (0, 0, 16, 16, 32, 48, 64, 64)
    ]


def resnet(depths: tuple[int, ...], *, bottleneck: bool) -> int:
    """torchvision's: the stride is in the 3x3 convolution (v1.5)."""
    layers = [c(7, 2, 3), pool(3, 2, 1)]
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage and not index else 1
            layers += [c(3, stride, 1)] if bottleneck else [c(3, stride, 1), c(3, 1, 1)]
    return sizes_of(*layers)[-1]


def test_resnets_of_torchvision() -> None:
    """427: README of MLRichter/receptive_field_analysis_toolbox; the others are often quoted."""
    assert resnet((3, 4, 6, 3), bottleneck=True) == 427
    assert resnet((3, 4, 23, 3), bottleneck=True) == 971
    assert resnet((3, 8, 36, 3), bottleneck=True) == 1451
    assert resnet((2, 2, 2, 2), bottleneck=False) == 435
    assert resnet((3, 4, 6, 3), bottleneck=False) == 899


TRANSPOSED = "conv_transpose: {out: 1, k: 2, s: 2}"


def unet(depth: int, kernel: int = 3, up: str = TRANSPOSED) -> ReceptiveField:
    """Two convolutions per level, skips joined by concat, as in the original."""
    conv = f"{{conv: {{out: 1, k: {kernel}, p: same}}}}"
    lines = [f"input: [1, {2**depth * 40}]", "layers:"]
    for level in range(depth):
        lines += [f"- {{seq: [{conv}, {conv}], id: e{level}}}", f"- {pool(2, 2)}"]
    lines.append(f"- seq: [{conv}, {conv}]")
    for level in reversed(range(depth)):
        lines += [f"- {up}", f"- concat: [e{level}, prev]", f"- seq: [{conv}, {conv}]"]
    return field("\n".join(lines))


@pytest.mark.parametrize(
    ("depth", "low", "high"),
    [(1, 18, 18), (2, 44, 44), (3, 92, 100), (4, 188, 204), (5, 380, 412)],
)
def test_unet_by_phase(depth: int, low: int, high: int) -> None:
    seen = unet(depth)
    assert (seen.size_min[0], seen.size[0], seen.jump[0]) == (low, high, 1)


# The names trf54, trf100, … of the networks in vinloo/u-net-receptive-field-study.
STUDIED = {(3, 2): 54, (3, 3): 100, (3, 4): 146, (4, 3): 204, (3, 6): 230, (4, 4): 298}
STUDIED |= {(3, 9): 360, (5, 3): 412, (4, 6): 486}


def test_unets_of_a_study() -> None:
    assert {which: unet(*which).size[0] for which in STUDIED} == STUDIED


def test_unet_with_bilinear_or_overlapping_upsampling() -> None:
    for up in (
        "upsample: {scale: 2, mode: linear}",
        "conv_transpose: {out: 1, k: 4, s: 2, p: 1}",
    ):
        seen = unet(4, up=up)
        assert (seen.size_min[0], seen.size[0]) == (220, 236)


def test_dilated_stacks() -> None:
    """Yu & Koltun, arXiv 1511.07122, table 1: 3, 5, 9, 17, 33, 65, 67, 67."""
    rates = [1, 1, 2, 4, 8, 16, 1]
    assert sizes_of(*(c(3, d=d) for d in rates), c(1)) == [3, 5, 9, 17, 33, 65, 67, 67]


def causal(k: int, layers: int, stacks: int, base: int = 2) -> int:
    """A WaveNet's dilations: base^i, starting anew in each stack."""
    fields = f"out: 1, k: {k}, d: {base}**(i % {layers // stacks}), p: causal"
    seen = field(f"input: [1, 20000]\nlayers:\n- conv: {{{fields}}}\n  repeat: {layers}\n")
    assert seen.center[0] == -Fraction(seen.size[0] - 1, 2)  # nothing of the future is seen
    return seen.size[0]


def test_wavenets() -> None:
    """r9y9/wavenet_vocoder, tests of receptive_field_size (table 4 of arXiv 1711.10433)."""
    assert causal(2, 10, 1) == 1024  # arXiv 1609.03499, section 2.1
    assert causal(2, 30, 3) == 3070
    assert causal(3, 30, 3) == 6139
    assert causal(3, 24, 4) == 505
    assert causal(3, 12, 2) == 253
    assert causal(3, 30, 1, base=1) == 61


def test_temporal_networks() -> None:
    """README of philipperemy/keras-tcn; Snyder et al.'s x-vectors, frame levels 1 to 5."""
    assert causal(2, 4, 1) == 16
    assert causal(2, 8, 2) == 31
    assert sizes_of(c(5), c(3, d=2), c(3, d=3), c(1), c(1)) == [5, 9, 15, 15, 15]


def test_patchgan() -> None:
    """phillipi/pix2pix: 70, and 16, 34, 142, 286 for other depths."""
    sizes = {n: sizes_of(*[c(4, 2, 1)] * n, c(4, p=1), c(4, p=1))[-1] for n in range(1, 6)}
    assert sizes == {1: 16, 2: 34, 3: 70, 4: 142, 5: 286}


def test_numbers_that_other_tools_print() -> None:
    """READMEs of jotaf98 and Fangyh09 (receptive field calculators) and shelfwise."""
    seen = chain(c(3, 2), c(3))[-1]
    assert (seen.size[0], seen.jump[0], seen.center[0] - 3) == (7, 2, 0)
    fields = chain(c(7, 2, 3), pool(3, 2, 1), "avg_pool: {k: 3, s: 2, p: 1}")
    assert [(x.size[0], x.jump[0], x.center[0]) for x in fields] == [
        (7, 2, 0),
        (11, 4, 0),
        (19, 8, 0),
    ]
    fields = chain(c(3), c(3), pool(2, 2), c(3), c(3), pool(2, 2), c(3), c(3))
    half = Fraction(1, 2)  # shelfwise counts from the edge of the first position
    assert [(fields[k].size[0], fields[k].center[0] + half) for k in (4, 7)] == [(14, 7), (32, 16)]


SLIM = (
    "input: [1, 64, 64]\nlayers:\n"
    "- {conv: {out: 1, k: 1, s: 4}, id: left}\n"
    "- {pad: {p: [[1, 0], [1, 0]]}, from: input}\n"
    "- {conv: {out: 1, k: 3, s: 2}}\n"
    "- {max_pool: {k: 1, s: 2}}\n"
    "- {add: [left, prev], id: joined}\n"
)


def test_the_small_graphs_of_another_tool() -> None:
    """google-research/receptive_field, unit tests: sizes 3, 11; strides 4, 8; padding 1, 5."""
    seen = field(SLIM)
    assert (seen.size, seen.jump, seen.center) == ((3, 3), (4, 4), (0, 0))
    more = (
        "- {conv: {out: 1, k: 1, s: 2}, id: again}\n"
        "- {pad: {p: [[1, 0], [1, 0]]}, from: joined}\n"
        "- {conv: {out: 1, k: 3, s: 2}}\n"
        "- {add: [again, prev]}\n"
    )
    seen = field(SLIM + more)
    assert (seen.size, seen.jump, seen.center) == ((11, 11), (8, 8), (0, 0))


def test_axes_are_independent() -> None:
    seen = chain(
        "conv: {out: 1, k: [3, 5], s: 2}", "conv: {out: 1, k: [3, 1], s: 2}", axes=2, size=64
    )[-1]
    assert (seen.size, seen.jump) == ((7, 5), (4, 4))
    volume = chain("conv: {out: 1, k: [1, 3, 5], s: [1, 2, 3], d: [1, 1, 2]}", axes=3, size=64)[0]
    assert (volume.size, volume.jump) == ((1, 3, 9), (1, 2, 3))


def test_a_period_that_is_too_long_is_unknown_and_says_so() -> None:
    layers = ("upsample: {size: 10007}", "upsample: {size: 9973}")
    seen = chain(*layers, size=10_000)[-1]
    assert not known(seen.size[0])
    assert "phases" in seen.reason


def test_global_from_lies_on_the_way_to_the_output() -> None:
    """A head that nothing reads sees the whole input too, and earlier."""
    body = (
        "input: [1, 8]\nlayers:\n- {conv: {out: 1, k: 3}, id: x}\n"
        "- {global_avg_pool: {}, id: head}\n- {conv: {out: 1, k: 3}, from: x}\n"
        "- {global_avg_pool: {}, id: end}\n"
    )
    assert report(body).global_from == "end"
