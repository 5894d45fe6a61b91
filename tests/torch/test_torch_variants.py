"""Variants of the convolution that PyTorch lacks, against modules written from the papers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import variants
from against import Case, agreed, analysed
from deformable import torchvision_ops
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.model.geometry.axis_maps import Chain, Nothing, Whole
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS, Analysis

SAMPLES = 300
Random = random.Random


def integers(rng: Random, rank: int, low: int, high: int) -> list[int]:
    return [rng.randint(low, high) for _ in range(rank)]


def odds(rng: Random, rank: int, highest: int = 5) -> list[int]:
    """Mostly odd sizes."""
    return [k + (k % 2 == 0 and rng.random() < 0.9) for k in integers(rng, rank, 1, highest)]


def sizes(rng: Random, rank: int, low: int = 2, high: int = 7) -> tuple[int, ...]:
    return tuple(integers(rng, rank, low, high))


def window(rng: Random, rank: int) -> dict[str, Any]:
    """The fields of an ordinary convolution but the channels and groups."""
    return {
        "kernel_size": integers(rng, rank, 1, 3),
        "stride": integers(rng, rank, 1, 3),
        "padding": integers(rng, rank, 0, 2),
        "dilation": integers(rng, rank, 1, 2),
        "bias": rng.random() < 0.5,
    }


def keeping(rng: Random, rank: int) -> dict[str, Any]:
    """The same, mostly with a padding that keeps the size."""
    kernel, dilation = odds(rng, rank), integers(rng, rank, 1, 2)
    padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    if rng.random() < 0.1:
        padding[0] += 1
    return {"kernel_size": kernel, "padding": padding, "dilation": dilation}


def a_rank(rng: Random) -> int:
    return rng.choice((1, 2, 2, 3))


# --- one random case of each operator ----------------------------------------------------------


def involution(rng: Random) -> Case:
    rank, share = a_rank(rng), rng.randint(1, 4)
    channels = share * rng.randint(1, 3) + rng.choice((0, 0, 0, 1))
    stride = integers(rng, rank, 1, 3)
    kernel, ratio = odds(rng, rank), rng.randint(1, min(3, channels))
    spatial = [s * rng.randint(1, 4) + (rng.random() < 0.1) for s in stride]
    fields = {
        "kernel_size": kernel,
        "stride": stride,
        "reduction_ratio": ratio,
        "group_channels": share,
    }
    return Case(
        "involution",
        fields,
        ((2, channels, *spatial),),
        lambda: variants.Involution(channels, *fields.values()),
    )


def attention(rng: Random) -> Case:
    heads, rank = rng.randint(1, 3), a_rank(rng)
    counts = [heads * rng.randint(1, 3) + rng.choice((0, 0, 0, 0, 1)) for _ in range(4)]
    channels, keys, values, outputs = counts
    fields: dict[str, Any] = {
        "heads": heads,
        "key_channels": rng.choice((keys, None)),
        "value_channels": rng.choice((values, None)),
        "out_channels": rng.choice((outputs, None)),
        "bias": rng.random() < 0.5,
    }
    filled = [channels if value is None else value for value in fields.values()]
    return Case(
        "attention",
        fields,
        ((2, channels, *sizes(rng, rank, 1, 4)),),
        lambda: variants.Attention(channels, *filled),
    )


def local_attention(rng: Random) -> Case:
    heads, rank = rng.randint(1, 2), a_rank(rng)
    outputs = heads * rank * rng.randint(1, 2) + rng.choice((0, 0, 0, 1))
    channels = rng.randint(1, 5)
    fields = {
        "kernel_size": integers(rng, rank, 1, 4),
        "heads": heads,
        "out_channels": outputs,
        "relative": rng.random() < 0.6,
        "bias": rng.random() < 0.5,
    }
    return Case(
        "local_attention",
        fields,
        ((2, channels, *sizes(rng, rank, 1, 5)),),
        lambda: variants.LocalAttention(channels, *fields.values()),
    )


def squeeze_excite(rng: Random) -> Case:
    rank, channels, reduction = a_rank(rng), rng.randint(2, 40), rng.randint(1, 8)
    squeezed, bias = rng.choice((None, rng.randint(1, 9))), rng.random() < 0.5
    fields = {"reduction": reduction, "squeeze_channels": squeezed, "bias": bias}

    def module() -> nn.Module:
        if not squeezed and reduction > channels:
            raise ValueError("no channel is left")
        return variants.SqueezeExcite(channels, squeezed or channels // reduction, rank, bias)

    return Case("squeeze_excite", fields, ((2, channels, *sizes(rng, rank)),), module)


def cond_conv(rng: Random) -> Case:
    rank, groups = a_rank(rng), rng.randint(1, 3)
    channels, outputs = (groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)) for _ in range(2))
    made = {**window(rng, rank), "groups": groups}
    experts, routed = rng.randint(1, 4), rng.random() < 0.5
    more = [(2, experts + (rng.random() < 0.1))] if routed else []
    return Case(
        "cond_conv",
        {**made, "out_channels": outputs, "experts": experts},
        ((2, channels, *sizes(rng, rank)), *more),
        lambda: variants.CondConv(channels, outputs, made, experts, routed),
    )


def octave_conv(rng: Random) -> Case:
    rank, both = a_rank(rng), rng.random() < 0.7
    groups, low = rng.choice((1, 1, 1, 2)), rng.choice((0, 1, 2))
    alpha = low / 4
    outputs = 4 * rng.randint(1, 2)
    inputs = [rng.choice((2, 4, 6)), rng.choice((2, 4)) if both else 0]
    if rng.random() < 0.3:
        inputs = [outputs * (4 - low) // 4, outputs * low // 4]
        both, groups = inputs[1] > 0, sum(inputs)
    halves = sizes(rng, rank, 1, 4)
    high = [2 * n - (rng.random() < 0.1) for n in halves]
    made, bias = keeping(rng, rank), rng.random() < 0.5
    stride = [rng.choice((1, 1, 2, 2, 2 + (rng.random() < 0.1))) for _ in range(rank)]
    kernel = made["kernel_size"]
    at = {key: made[key] for key in ("padding", "dilation")}
    fields = {
        **made,
        "out_channels": outputs,
        "alpha_out": alpha,
        "stride": stride,
        "groups": groups,
        "bias": bias,
    }
    counts = [outputs - outputs * low // 4, outputs * low // 4]
    return Case(
        "octave_conv",
        fields,
        ((2, inputs[0], *high), *([(2, inputs[1], *halves)] if both else [])),
        lambda: variants.OctaveConv(inputs, counts, kernel, stride, groups, at, bias),
    )


def ghost_conv(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 5)
    fields = {
        "out_channels": rng.randint(2, 9),
        "kernel_size": integers(rng, rank, 1, 4),
        "dw_size": odds(rng, rank),
        "ratio": rng.randint(2, 4),
        "stride": integers(rng, rank, 1, 3),
        "relu": rng.random() < 0.5,
    }
    return Case(
        "ghost_conv",
        fields,
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.GhostConv(channels, *fields.values()),
    )


def partial_conv(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 12)
    fields = {"kernel_size": odds(rng, rank), "n_div": rng.randint(1, 5)}
    return Case(
        "partial_conv",
        fields,
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.partial_conv(channels, *fields.values()),
    )


def inpainting_conv(rng: Random) -> Case:
    rank, groups, several = a_rank(rng), rng.randint(1, 3), rng.random() < 0.4
    channels, outputs = (groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)) for _ in range(2))
    made = {**window(rng, rank), "groups": groups}
    spatial = sizes(rng, rank)
    mask = (2, (channels if several else 1) + (rng.random() < 0.1), *spatial)
    return Case(
        "inpainting_conv",
        {**made, "out_channels": outputs, "multi_channel": several, "return_mask": True},
        ((2, channels, *spatial), *([mask] if rng.random() < 0.7 else [])),
        lambda: variants.inpainting_conv(channels, outputs, made, several),
    )


def mix_conv(rng: Random) -> Case:
    rank = a_rank(rng)
    kernels = [
        k + (k % 2 == 0 and rng.random() < 0.9) for k in integers(rng, rng.randint(1, 4), 1, 6)
    ]
    depthwise, channels = rng.random() < 0.7, rng.randint(2, 9)
    outputs = channels * rng.randint(1, 2) if depthwise else rng.randint(2, 9)
    made = {
        "stride": integers(rng, rank, 1, 2),
        "dilation": integers(rng, rank, 1, 2),
        "bias": rng.random() < 0.5,
    }
    return Case(
        "mix_conv",
        {**made, "kernel_size": kernels, "out_channels": outputs, "depthwise": depthwise},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.MixConv(channels, outputs, kernels, depthwise, made),
    )


def large_kernel_attention(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 5)
    fields = {"kernel_size": integers(rng, rank, 1, 9), "dilation": integers(rng, rank, 1, 3)}
    return Case(
        "large_kernel_attention",
        fields,
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.LargeKernelAttention(channels, *fields.values()),
    )


def coord_conv(rng: Random) -> Case:
    rank, channels, outputs = a_rank(rng), rng.randint(1, 5), rng.randint(1, 5)
    made, radius = window(rng, rank), rng.random() < 0.5
    return Case(
        "coord_conv",
        {**made, "out_channels": outputs, "with_r": radius},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.coord_conv(channels, outputs, made, radius),
    )


def gated_conv(rng: Random) -> Case:
    rank, groups = a_rank(rng), rng.randint(1, 3)
    channels, outputs = (groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)) for _ in range(2))
    made = {**window(rng, rank), "groups": groups}
    return Case(
        "gated_conv",
        {**made, "out_channels": outputs},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.GatedConv(channels, outputs, made),
    )


def locally_connected(rng: Random) -> Case:
    rank, channels, outputs = a_rank(rng), rng.randint(1, 4), rng.randint(1, 4)
    made, spatial = window(rng, rank), sizes(rng, rank, 2, 5)
    made["dilation"] = [1] * rank
    return Case(
        "locally_connected",
        {**made, "out_channels": outputs},
        ((2, channels, *spatial),),
        lambda: variants.LocallyConnected(channels, outputs, spatial, made, made["bias"]),
    )


def learned_group_conv(rng: Random) -> Case:
    rank, groups, training = a_rank(rng), rng.randint(1, 4), rng.random() < 0.4
    factor = rng.choice((None, None, 2, 3))
    used = factor or groups
    channels = groups * used * rng.randint(1, 2) + rng.choice((0, 0, 0, 1))
    outputs = groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1))
    made = {
        key: value for key, value in window(rng, rank).items() if key not in ("bias", "dilation")
    }
    more = {"groups": groups, "phase": "training" if training else "converted"}
    return Case(
        "learned_group_conv",
        {**made, **more, "out_channels": outputs, "condense_factor": factor},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.LearnedGroupConv(channels, outputs, made, groups, used, training),
    )


# Each with the number of its 300 cases that must be refused by both sides.
REFUSED: dict[Callable[[Random], Case], int] = {
    involution: 40,
    attention: 30,
    local_attention: 40,
    squeeze_excite: 2,
    cond_conv: 40,
    octave_conv: 40,
    ghost_conv: 10,
    partial_conv: 20,
    inpainting_conv: 40,
    mix_conv: 40,
    large_kernel_attention: 40,
    coord_conv: 2,
    gated_conv: 40,
    locally_connected: 2,
    learned_group_conv: 40,
}
KINDS = list(REFUSED)


def cases(kind: Callable[[Random], Case], count: int = SAMPLES) -> Iterator[Case]:
    rng = Random(1)
    return (kind(rng) for _ in range(count))


# --- what is compared --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_weights_and_refusals_are_those_of_the_module(kind: Any) -> None:
    agreed(cases(kind), working=SAMPLES // 3, refused=REFUSED[kind])


def working(kind: Any, count: int) -> Iterator[tuple[Case, Analysis]]:
    """The cases that work, with convcalc's analysis."""
    for case in cases(kind, count):
        ours = analysed(case)
        if isinstance(ours, Analysis):
            yield case, ours


@pytest.mark.parametrize("kind", KINDS)
def test_macs_are_those_of_the_module(kind: Any) -> None:
    compared = 0
    for case, ours in working(kind, SAMPLES // 2):
        module: Any = case.theirs().eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(*(torch.zeros(size) for size in case.sizes))
        counted = counter.get_total_flops() // 2 + module.products
        if kind is inpainting_conv:
            # PyTorch counts the sums of the mask as products with 1; here they are elementwise.
            assert {t.name: t.amount for t in ours.terms}["mask"] == module.sums, case
            counted -= module.sums
        assert sum(t.amount for t in ours.terms if t.kind in (WEIGHTS, DYNAMIC)) == counted, case
        compared += 1
    assert compared > SAMPLES // 8


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_reads_the_positions_that_its_map_tells(kind: Any) -> None:
    """With positive numbers throughout no gradient cancels: what is not zero was read."""
    rng, compared = Random(2), 0
    for case, ours in working(kind, 60):
        module: Any = case.theirs().eval()
        for tensor in module.parameters():
            nn.init.uniform_(tensor, 0.1, 0.2)
        xs = [torch.rand(size).add(0.1).requires_grad_() for size in case.sizes]
        output = module(*xs)
        at = tuple(rng.randrange(n) for n in output.shape[2:])
        output[(0, slice(None), *at)].sum().backward()
        for x, maps in zip(xs, ours.axes, strict=True):
            read = torch.zeros(x.shape[2:]) if x.grad is None else x.grad[0].abs().sum(0)
            for axis, (reads, y) in enumerate(zip(maps, at, strict=False)):
                others = [k for k in range(read.dim()) if k != axis]
                line = read.sum(others) if others else read
                seen = set(line.nonzero().flatten().tolist())
                whole = isinstance(reads, Whole)
                taps = range(len(line)) if whole else reads.taps(y)
                expected = {t for t in taps if 0 <= t < len(line)}
                compared += seen == expected
                # Where all taps of another axis lie in the padding nothing is read at all; a
                # chain lacks what it would read through the padding between its layers.
                inner = isinstance(reads, Chain) and seen < expected
                assert seen == expected or not seen or inner, (case[:3], at, axis)
                assert isinstance(reads, Nothing) <= (not seen)
    assert compared > 25


def test_the_low_output_of_an_octave_convolution_is_the_port() -> None:
    compared = 0
    for case, ours in working(octave_conv, SAMPLES):
        module: Any = case.theirs().eval()
        with torch.no_grad():
            module(*(torch.zeros(size) for size in case.sizes))
        found = ours.ports.get("low")
        assert (found and found.output.dims) == (
            None if module.low is None else tuple(module.low.shape)
        )
        compared += found is not None
    assert compared > 50


def test_the_new_mask_of_an_inpainting_convolution_is_the_port() -> None:
    compared = 0
    for case, ours in working(inpainting_conv, SAMPLES):
        module: Any = case.theirs().eval()
        with torch.no_grad():
            module(*(torch.zeros(size) for size in case.sizes))
        port = ours.ports["mask"].output
        assert port.dims[1:] == tuple(module.new.shape)[1:]
        compared += 1
    assert compared > 100


def test_attention_is_pytorchs_multi_head_attention() -> None:
    for heads, channels, bias in ((1, 8, True), (4, 8, True), (2, 6, False)):
        theirs = nn.MultiheadAttention(channels, heads, bias=bias, batch_first=True)
        sized = ((2, channels, 3, 5),)
        case = Case("attention", {"heads": heads, "bias": bias}, sized, lambda: theirs)  # noqa: B023
        ours = analysed(case)
        assert isinstance(ours, Analysis)
        assert sorted(ours.weights.values()) == sorted(tuple(p.shape) for p in theirs.parameters())
        x = torch.zeros(2, 15, channels)
        with FlopCounterMode(display=False) as counter:
            theirs(x, x, x, need_weights=True)
        macs = sum(t.amount for t in ours.terms if t.kind in (WEIGHTS, DYNAMIC))
        assert 2 * macs == counter.get_total_flops()


def test_squeeze_excite_is_torchvisions() -> None:
    theirs = torchvision_ops().SqueezeExcitation(256, 16)
    ours = analysed(Case("squeeze_excite", {}, ((2, 256, 7, 7),), lambda: theirs))
    assert isinstance(ours, Analysis)
    assert sorted(ours.weights.values()) == sorted(tuple(p.shape) for p in theirs.parameters())
    with FlopCounterMode(display=False) as counter:
        theirs(torch.zeros(2, 256, 7, 7))
    macs = sum(t.amount for t in ours.terms if t.kind == WEIGHTS)
    assert 2 * macs == counter.get_total_flops()


def test_pairs_of_sites_are_those_under_the_windows_of_sites() -> None:
    rng = Random(3)
    for _ in range(100):
        rank = a_rank(rng)
        kernel, spatial = [k | 1 for k in integers(rng, rank, 1, 5)], sizes(rng, rank, 1, 5)
        full = analysed(
            Case(
                "submanifold_conv",
                {"out_channels": 3, "kernel_size": kernel, "density": 1.0, "bias": False},
                ((2, 4, *spatial),),
                nn.Identity,
            )
        )
        assert isinstance(full, Analysis)
        assert full.facts["pairs"] == variants.taps_of_sites(torch.ones(spatial), kernel)
        assert full.terms[0].amount == 2 * 12 * full.facts["pairs"]
