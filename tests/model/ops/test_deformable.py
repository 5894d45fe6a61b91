"""Deformable convolutions and RoI poolings: identities, published totals, and counts by loops."""

from __future__ import annotations

from itertools import product
from math import ceil, floor
from typing import Any

import pytest
from small import layer_of, report_of

from convcalc.analysis.report.report import LayerReport, Report
from convcalc.model.operators.contract import DYNAMIC, SAMPLING, WEIGHTS


def term(layer: LayerReport, name: str) -> int:
    return next(term.amount for term in layer.terms if term.name == name)


# --- convolution -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("deform_groups", [1, 2])
def test_offsets_made_inside_are_those_of_a_convolution_beside(
    version: int, deform_groups: int
) -> None:
    window = {"k": 3, "s": 2, "p": 1, "d": 2}
    fields = {"version": version, "out": 8, **window, "deform_groups": deform_groups}
    taps = 9 * deform_groups
    beside: list[Any] = [
        {"identity": {}, "id": "x"},
        {"conv": {"out": 2 * taps, **window}, "from": ["x"], "id": "offset"},
    ]
    maps = ["offset"]
    if version == 2:
        beside += [
            {"conv": {"out": taps, **window}, "from": ["x"]},
            {"sigmoid": {}, "id": "mask"},
        ]
        maps.append("mask")
    beside.append({"deform_conv": {**fields, "offset": "external"}, "from": ["x", *maps]})
    inside, outside = (
        report_of([{"deform_conv": fields}], [4, 11, 9]),
        report_of(beside, [4, 11, 9]),
    )
    for total in ("params", "macs", "sampling", "elementwise"):
        assert getattr(inside.totals, total) == getattr(outside.totals, total), total
    assert inside.layers[-1].output == outside.layers[-1].output
    assert inside.receptive_field == outside.receptive_field
    assert inside.receptive_field is not None and inside.receptive_field.unbounded


def test_the_dense_part_of_versions_1_and_2_is_the_convolution() -> None:
    plain = layer_of("conv", [6, 9, 8], out=4, k=[3, 2], s=2, p=1, groups=2)
    for version in (1, 2):
        layer = layer_of(
            "deform_conv", [6, 9, 8], version=version, out=4, k=[3, 2], s=2, p=1, groups=2
        )
        assert layer.output == plain.output
        assert term(layer, "main") == term(plain, "weight")
        assert layer.receptive_field is not None and plain.receptive_field is not None
        assert layer.receptive_field.size == plain.receptive_field.size
        assert layer.receptive_field.jump == plain.receptive_field.jump


def test_what_internimages_script_adds_is_sampling_and_aggregation() -> None:
    total = 0
    for channels, depth, size in ((64, 4, 56), (128, 4, 28), (256, 18, 14), (512, 4, 7)):
        layer = layer_of("deform_conv", [channels, size, size], version=3, groups=channels // 16)
        both = term(layer, "sampling") + term(layer, "aggregation")
        assert both == 5 * size * size * 9 * channels
        total += depth * both
    assert total == 99_348_480  # InternImage-T at 224


def test_every_kind_of_work_of_a_version_is_there() -> None:
    kinds = {
        version: {term.kind for term in layer_of("deform_conv", [64, 4, 4], **fields).terms}
        for version, fields in {
            1: {"version": 1, "out": 64, "k": 3, "p": 1},
            2: {"version": 2, "out": 64, "k": 3, "p": 1},
            3: {"version": 3},
            4: {"version": 4},
        }.items()
    }
    assert DYNAMIC not in kinds[1]
    assert all(DYNAMIC in kinds[version] for version in (2, 3, 4))
    assert all({WEIGHTS, SAMPLING} <= found for found in kinds.values())


def taps_read(kernel: int, dilation: int, scale: float) -> set[int]:
    """Positions that output 0 reads: taps spread around it, their neighbours where they fall
    between positions (OpenGVLab/InternImage, dcnv3_im2col_cuda.cuh)."""
    center = dilation * (kernel - 1) // 2
    at = [(t * dilation - center) * scale for t in range(kernel)]
    return {floor(y) for y in at} | {ceil(y) for y in at}


@pytest.mark.parametrize("scale", [0.25, 0.5, 1, 1.5, 2, 3])
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (3, 2), (5, 1)])
def test_offset_scale_spreads_the_grid(kernel: int, dilation: int, scale: float) -> None:
    layer = layer_of("deform_conv", [64, 9, 9], version=4, k=kernel, d=dilation, offset_scale=scale)
    read = taps_read(kernel, dilation, scale) | {0}
    field = layer.receptive_field
    assert field is not None
    assert field.size == (max(read) - min(read) + 1,) * 2
    assert field.center == (0, 0)


# --- regions of interest ---------------------------------------------------------------------


def bin_positions(size: int, bins: int) -> int:
    """Positions of all bins of one axis, listed as torchvision's kernels walk them."""
    return sum(
        1 for y in range(bins) for _ in range(floor(y * size / bins), ceil((y + 1) * size / bins))
    )


@pytest.mark.parametrize(("operator", "last"), [("roi_pool", 1), ("ps_roi_pool", 0)])
def test_the_taps_of_quantised_bins_are_those_of_a_walk(operator: str, last: int) -> None:
    for box, bins, scale in product(range(1, 20), range(1, 6), (1.0, 0.5, 0.125)):
        fields = {"output_size": bins, "rois": 2, "roi_size": box, "spatial_scale": scale}
        layer = layer_of(operator, [3 * bins, 9], **fields)
        start, end = 0, int(box * scale + 0.5)  # C's round, halves away from zero
        size = max(end - start + last, 1)
        channels = 3 * bins if operator == "roi_pool" else 3
        assert layer.elementwise == 2 * channels * bin_positions(size, bins), fields


def test_position_sensitive_pooling_reads_one_channel_per_bin() -> None:
    plain = layer_of("roi_align", [10, 9, 9], output_size=7, rois=3, sampling_ratio=2)
    sensitive = layer_of("ps_roi_align", [490, 9, 9], output_size=7, rois=3, sampling_ratio=2)
    assert sensitive.output == plain.output
    assert sensitive.sampling == plain.sampling


@pytest.mark.parametrize(
    "operator", ["roi_pool", "roi_align", "ps_roi_pool", "ps_roi_align", "deform_roi_pool"]
)
def test_a_roi_can_lie_anywhere(operator: str) -> None:
    layer = layer_of(operator, [8, 9, 9], batch=2, output_size=2, rois=5)
    assert layer.output.batch == 10
    assert layer.receptive_field is not None and layer.receptive_field.is_global


def rfcn(head: str, **sets: int) -> Report:
    """R-FCN's layers on 1024 channels of features, 21 classes of Pascal VOC, boxes of one kind."""
    path = {"imports": {"b": "blocks/rfcn_head.convcalc.yaml"}}
    cls = {f"b.{head}": {"c": 21, "rois": 300, **sets}, "from": "features"}
    box = {f"b.{head}": {"c": 8, "rois": 300}, "from": "features"}
    layers = [{"pointwise_conv": {"out": 1024}, "id": "features"}, cls, box]
    return report_of(layers, [512, 38, 63], **path)


def test_deformable_rfcn_has_the_parameters_that_the_paper_adds() -> None:
    plain_conv = {"conv": {"out": 512, "k": 3, "p": 2, "d": 2, "bias": False}}
    deformed = {"deform_conv": {"version": 1, "out": 512, "k": 3, "p": 2, "d": 2, "bias": False}}
    plain, moved = rfcn("PsHead"), rfcn("DeformPsHead", sets=21)
    pooling = moved.totals.params - plain.totals.params
    assert pooling == 2_109_450 + 100_450
    convolutions = (
        report_of([deformed] * 3, [512, 38, 63]).totals.params
        - report_of([plain_conv] * 3, [512, 38, 63]).totals.params
    )
    assert convolutions == 248_886
    assert pooling + convolutions == 2_458_786  # 47.1 to 49.5 M in the paper's table 4
    wide = {"deform_conv": {**deformed["deform_conv"], "deform_groups": 4}}
    assert (
        report_of([wide] * 3, [512, 38, 63]).totals.params
        - report_of([plain_conv] * 3, [512, 38, 63]).totals.params
    ) == 995_544
    assert {tuple(layer.output.dims) for layer in moved.layers[-1:]} == {(300, 8)}
