"""Variants of the convolution that PyTorch lacks, against modules written from the papers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attending_cases
import pytest
import torch
import variants
from against import Case, agreed, analysed
from deformable import torchvision_ops
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from variant_cases import (
    REFUSED,
    SAMPLES,
    Random,
    a_rank,
    cases,
    inpainting_conv,
    integers,
    octave_conv,
    sizes,
)

from convcalc.model.geometry.axis_maps import Chain, Nothing, Unreadable, Whole, is_unbounded
from convcalc.model.operators.contract import DYNAMIC, SAMPLING, WEIGHTS, Analysis

ALL_REFUSED = {**REFUSED, **attending_cases.REFUSED}
KINDS = list(ALL_REFUSED)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_weights_and_refusals_are_those_of_the_module(kind: Any) -> None:
    agreed(cases(kind), working=SAMPLES // 3, refused=ALL_REFUSED[kind])


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
        if kind is attending_cases.multi_scale_deformable_attention:
            assert sum(t.amount for t in ours.terms if t.kind == SAMPLING) == module.samples
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
                if isinstance(reads, Unreadable) or is_unbounded(reads):
                    continue
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
