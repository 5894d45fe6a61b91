"""Receptive fields against published values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
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
