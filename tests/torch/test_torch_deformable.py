"""Deformable convolutions and RoI poolings against modules that really sample."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from against import Case, agreed, analysed, operator_of
from deformable import Deformable, DeformRoi, DynamicSampling, torchvision_ops
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convcalc.model.operators.contract import DYNAMIC, SAMPLING, WEIGHTS, Analysis
from convcalc.model.quantities.shape import Shape

SAMPLES = 100


def window(rng: random.Random, rank: int) -> dict[str, list[int]]:
    return {
        "kernel_size": [rng.randint(1, 3) for _ in range(rank)],
        "stride": [rng.randint(1, 2) for _ in range(rank)],
        "padding": [rng.randint(0, 2) for _ in range(rank)],
        "dilation": [rng.randint(1, 2) for _ in range(rank)],
    }


def deformable_case(rng: random.Random) -> Case:
    """Version 1 or 2 with everything at random, offsets made inside."""
    rank, groups, deform_groups = rng.choice((1, 2, 2, 3)), rng.randint(1, 2), rng.randint(1, 3)
    channels = groups * deform_groups * rng.randint(1, 2) + rng.choice((0, 0, 0, 1))
    made = {
        "out_channels": groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)),
        **window(rng, rank),
        "groups": groups,
        "deform_groups": deform_groups,
        "bias": rng.random() < 0.5,
    }
    version = rng.randint(1, 2)
    size = (rng.randint(1, 2), channels, *(rng.randint(3, 6) for _ in range(rank)))
    return Case(
        "deform_conv",
        {"version": version, **made},
        (size,),
        lambda: Deformable(channels, *made.values(), modulated=version == 2),
    )


def sampling_case(rng: random.Random) -> Case:
    """Version 3 or 4 with everything at random."""
    version, groups = rng.choice((3, 4)), rng.randint(1, 3)
    step = 16 if version == 4 and rng.random() < 0.8 else rng.randint(1, 5)
    channels = groups * step + rng.choice((0, 0, 0, 0, 1))
    kernel, dilation = rng.choice((1, 2, 3, 3, 3, 5)), rng.randint(1, 2)
    fields: dict[str, Any] = {
        "version": version,
        "kernel_size": kernel,
        "dilation": dilation,
        "groups": groups,
        "dw_kernel_size": rng.choice((None, None, 3, 5)),
        "center_feature_scale": rng.random() < 0.5,
        "remove_center": rng.random() < 0.3,
        "offset_scale": rng.choice((1.0, 2.0)),
    }
    more = {}
    if version == 4:
        more = {"output_bias": rng.random() < 0.5, "without_pointwise": rng.random() < 0.3}
    theirs = [*more.values()]
    if theirs:
        theirs[1] = not theirs[1]
    keeps = (dilation * (kernel - 1)) % 2 == 0 and (
        fields["dw_kernel_size"] or version == 4 or kernel % 2
    )

    def module() -> DynamicSampling:
        if not keeps:
            raise ValueError("the size changes")
        return DynamicSampling(version, channels, *[*fields.values()][1:], *theirs)

    size = (rng.randint(1, 2), channels, rng.randint(3, 6), rng.randint(3, 6))
    return Case("deform_conv", {**fields, **more}, (size,), module)


def cases(kind: Any, count: int = SAMPLES) -> Iterator[Case]:
    rng = random.Random(1)
    return (kind(rng) for _ in range(count))


@pytest.mark.parametrize("kind", [deformable_case, sampling_case])
def test_shapes_and_weights_are_those_of_a_module_that_samples(kind: Any) -> None:
    agreed(cases(kind), working=SAMPLES // 4, refused=SAMPLES // 20)


def flops(module: torch.nn.Module, *inputs: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return int(counter.get_total_flops())


def by_kind(analysis: Analysis, kind: str) -> int:
    return sum(term.amount for term in analysis.terms if term.kind == kind)


@pytest.mark.parametrize("kind", [deformable_case, sampling_case])
def test_macs_and_sampling_are_those_of_a_module_that_samples(kind: Any) -> None:
    compared = 0
    for case in cases(kind, SAMPLES):
        ours = analysed(case)
        if isinstance(ours, str):
            continue
        module = case.theirs()
        macs = flops(module, *(torch.zeros(size) for size in case.sizes)) // 2
        work = module.work
        assert by_kind(ours, SAMPLING) == work["sampling"], case
        assert by_kind(ours, WEIGHTS) + by_kind(ours, DYNAMIC) == macs + work.get(
            "modulation", 0
        ), case
        compared += 1
    assert compared > SAMPLES // 4


def test_without_offsets_the_module_is_the_convolution() -> None:
    module = Deformable(4, 6, [3, 3], [2, 1], [1, 0], [1, 2], groups=2, deform_groups=2)
    module.offset.weight.data.zero_()
    module.offset.bias.data.zero_()
    x = torch.randn(2, 4, 7, 8)
    plain = functional.conv2d(x, module.weight, module.bias, (2, 1), (1, 0), (1, 2), 2)
    torch.testing.assert_close(module(x), plain, rtol=1e-4, atol=1e-4)


def test_external_maps_leave_the_parameters_of_torchvisions_module() -> None:
    ops = torchvision_ops()
    count = 0
    for version, groups, bias, kernel in product(
        (1, 2), (1, 2, 4), (True, False), ((3, 3), (1, 2))
    ):
        fields = {"out_channels": 8, "kernel_size": list(kernel), "groups": groups, "bias": bias}
        operator = operator_of(
            "deform_conv", 2, {"version": version, "offset": "external"} | fields
        )
        module = ops.DeformConv2d(4, 8, kernel, groups=groups, bias=bias)
        taps, sizes = kernel[0] * kernel[1], (9 - kernel[0], 8 - kernel[1])
        maps = [Shape(1, 2 * taps, sizes), Shape(1, taps, sizes)][:version]
        inputs = [Shape(1, 4, (8, 7)), *maps]
        assert list(operator.check(inputs)) == []
        theirs = {name: tuple(value.shape) for name, value in module.named_parameters()}
        assert operator.analyse(inputs).weights == theirs
        count += 1
    assert count == 24


def roi_case(rng: random.Random) -> tuple[dict[str, Any], DeformRoi, torch.Tensor]:
    bins, channels = (rng.randint(1, 3), rng.randint(1, 3)), rng.randint(1, 4)
    height, width, count = rng.randint(2, 20), rng.randint(2, 20), rng.randint(1, 3)
    ratio, head, modulated = rng.randint(0, 2), rng.choice(("official", "mmcv")), rng.random() < 0.5
    hidden = rng.randint(1, 5) if modulated or head == "mmcv" else 0
    scale = rng.choice((1, 0.5, 0.25))
    corner = torch.rand(count, 2) * 3
    boxes = torch.cat([corner, corner + torch.tensor([height * scale, width * scale])], 1).double()
    fields = {
        "output_size": list(bins),
        "rois": count,
        "spatial_scale": scale,
        "roi_size": [height, width],
        "sampling_ratio": ratio,
        "modulated": modulated,
        "offset_head": head,
    } | ({"deform_fc_channels": hidden} if hidden else {})
    x = torch.zeros(rng.randint(1, 2), channels, 6, 7)
    # Corners are real numbers: the box size must not be a hair above an integer.
    boxes[:, 2:] -= 1e-6
    return fields, DeformRoi(channels, bins, boxes, ratio, head, modulated, hidden), x


def test_deformable_roi_pooling_has_the_work_of_a_module_that_samples() -> None:
    rng = random.Random(2)
    for _ in range(50):
        fields, module, x = roi_case(rng)
        operator = operator_of("deform_roi_pool", 2, fields)
        shape = Shape(x.shape[0], x.shape[1], tuple(x.shape[2:]))
        assert list(operator.check([shape])) == []
        ours = operator.analyse([shape])
        macs = flops(module, x) // 2
        with torch.no_grad():
            assert ours.output.dims == tuple(module(x).shape)
        weights = {name: tuple(value.shape) for name, value in module.named_parameters()}
        assert ours.weights == weights, fields
        assert by_kind(ours, WEIGHTS) == macs, fields
        assert by_kind(ours, DYNAMIC) == module.work["modulation"], fields
        assert by_kind(ours, SAMPLING) == module.work["sampling"], fields


def test_roi_align_has_torchvisions_output_shape() -> None:
    # Its implementation in Python, which needs no compiled operator and here no compilation.
    align = torchvision_ops().roi_align.__globals__["_roi_align"].__wrapped__
    rng = random.Random(3)
    for _ in range(60):
        bins, count, channels = (
            [rng.randint(1, 4), rng.randint(1, 4)],
            rng.randint(1, 5),
            rng.randint(1, 4),
        )
        ratio, aligned = rng.randint(-1, 3), rng.random() < 0.5
        corner = torch.rand(count, 2) * 4
        boxes = torch.cat([torch.zeros(count, 1), corner, corner + 3], 1)
        theirs = align(torch.zeros(1, channels, 9, 9), boxes, 1.0, *bins, ratio, aligned)
        fields = {"output_size": bins, "rois": count, "sampling_ratio": ratio, "aligned": aligned}
        operator = operator_of("roi_align", 2, fields)
        assert operator.analyse([Shape(1, channels, (9, 9))]).output.dims == tuple(theirs.shape)
