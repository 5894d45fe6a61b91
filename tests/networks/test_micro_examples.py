"""Small examples of tutorials and papers that stand in no operator's case table."""

from __future__ import annotations

import json

import pytest
from oracle import positions, seen, slide_taps, stamped, window_starts
from small import layer_of, report_of

from convcalc import analyse, load
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

# --- a transposed convolution, stamp by stamp ----------------------------------------------------

KERNEL = [[1, 2, 1], [2, 1, 2], [1, 1, 2]]
STAMP = [[55, 110, 55], [110, 55, 110], [55, 55, 110]]  # of a pixel 55


def test_a_pixel_is_stamped_as_the_whole_kernel_times_its_value() -> None:
    """A tutorial's pixel 55: the stamp is not turned round, and takes one MAC per tap."""
    assert [[55 * tap for tap in row] for row in KERNEL] == STAMP
    layer = layer_of("conv_transpose", [1, 1, 1], out=1, k=3, bias=False)
    assert layer.output.spatial == (3, 3)
    assert layer.macs == layer.params == len(positions([3, 3]))


def test_stamps_of_a_larger_kernel_than_stride_overlap() -> None:
    """A tutorial's 2 inputs with k 4 and s 3: patches of 4, of which 1 position overlaps."""
    strip = stamped(2, (0, 0), 4, stride=3)
    assert [len(sources) for sources in strip] == [1, 1, 1, 2, 1, 1, 1]
    assert layer_of("conv_transpose", [1, 2], out=1, k=4, s=3).output.spatial == (len(strip),)


def test_the_transpose_of_a_strided_convolution_leaves_a_size_open() -> None:
    """Dumoulin & Visin, arXiv 1603.07285, figures 4.6 and 4.7: 5 and 6 both give 3, k 3, s 2, p 1.

    (A caption there calls that input 2x2; its picture has 3x3.)
    """
    for size, extra in ((5, 0), (6, 1)):
        down = layer_of("conv", [1, size, size], out=1, k=3, s=2, p=1).output
        assert down.spatial == (3, 3)
        up = layer_of("conv_transpose", down.dims[1:], out=1, k=3, s=2, p=1, output_padding=extra)
        assert up.output.spatial == (size, size)


# --- fully connected against convolution -------------------------------------------------------


def test_a_valid_kernel_as_large_as_the_image_gives_one_position() -> None:
    """A tutorial keeps 10x10 there; that takes asymmetric padding, 4 before and 5 after."""
    assert len(window_starts(10, (0, 0), 10)) == 1
    valid = layer_of("conv", [3, 10, 10], out=30, k=10)
    assert valid.output.dims == (1, 30, 1, 1)
    padded = layer_of("conv", [3, 10, 10], out=30, k=10, p=[[4, 5], [4, 5]])
    assert padded.output.dims == (1, 30, 10, 10)
    assert padded.output == layer_of("conv", [3, 10, 10], out=30, k=10, p="same").output
    assert padded.params == valid.params == 9030
    assert padded.macs == 100 * (valid.macs or 0)


# --- stacks of dilated 3x3 convolutions ---------------------------------------------------------

STACKS = [  # rates, positions of one axis that are read, their span
    ([1, 1, 1], 7, 7),
    ([2, 2, 2], 7, 13),
    ([1, 2, 3], 13, 13),
    ([1, 2, 4], 15, 15),
    ([1, 2, 5], 17, 17),
    ([1, 2, 9], 21, 25),
    ([2, 4, 8], 15, 29),
    ([5, 9, 17], 27, 63),
    ([1, 2, 5, 9], 35, 35),
]


@pytest.mark.parametrize(("rates", "read", "span"), STACKS)
def test_a_stack_of_dilations_spans_more_than_it_reads(
    rates: list[int], read: int, span: int
) -> None:
    """Wang et al., "Understanding convolution for semantic segmentation", arXiv 1702.08502.

    The positions that are read are counted by the oracle; the span is the receptive field.
    """
    names = ["input", *(f"layer{index}" for index in range(len(rates)))]
    graph = {
        name: [(source, slide_taps((0, 0), 3, dilation=rate))]
        for source, name, rate in zip(names, names[1:], rates, strict=False)
    }
    support = seen(graph, names[-1], 0)["input"]
    assert (len(support), max(support) - min(support) + 1) == (read, span)
    report = report_of([{"conv": {"out": 1, "k": 3, "d": rate}} for rate in rates], [1, 99, 99])
    field = report.layers[-1].receptive_fields["input"]
    assert field.size == (span, span)


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_dilation_grows_the_receptive_field_exponentially_only_if_the_rates_do(layers: int) -> None:
    """Yu & Koltun, arXiv 1511.07122, section 2: rates 2^i give 2^(i + 2) - 1, here i from 0."""

    def size(rates: list[int]) -> int:
        convs = [{"conv": {"out": 1, "k": 3, "d": rate}} for rate in rates]
        return report_of(convs, [1, 200]).layers[-1].receptive_fields["input"].size[0]

    assert size([2**i for i in range(layers)]) == 2 ** (layers + 1) - 1
    assert size([2] * layers) == 1 + 4 * layers


# --- numbers that the manual pages set against tutorials ---------------------------------------


def params_of(name: str) -> int | None:
    return analyse(load(name)).totals.params


def test_the_two_groups_of_alexnet_are_those_of_three_convolutions() -> None:
    """Krizhevsky et al., NIPS 2012, section 3.5: conv2, conv4, conv5 see half of the maps."""
    halves = 256 * 48 * 25 + 384 * 192 * 9 + 256 * 192 * 9
    saved = (params_of("alexnet_2012_ungrouped") or 0) - (params_of("alexnet_2012") or 0)
    assert saved == halves == 1_413_120


def test_dilation_keeps_the_work_only_with_the_padding_that_keeps_the_size() -> None:
    def macs(padding: int) -> int:
        return layer_of("conv", [1, 8, 8], out=1, k=3, d=2, p=padding).macs or 0

    assert macs(2) == (layer_of("conv", [1, 8, 8], out=1, k=3, p=1).macs or 0)
    assert macs(1) * 64 == macs(2) * 36


def test_the_offset_map_has_the_size_of_the_output() -> None:
    layer = layer_of("deform_conv", [16, 8, 8], version=1, out=32, k=3, s=2, p=1)
    offset = next(term.amount for term in layer.terms if term.name == "offset.bias")
    assert layer.output.spatial == (4, 4)
    assert offset == 18 * 4 * 4


def test_the_first_pointwise_convolution_of_shufflenet_is_not_grouped() -> None:
    """megvii-model/ShuffleNet-Series, blocks.py: 24 to 60 channels in the network of 3 groups."""
    whole, grouped = (
        layer_of("pointwise_conv", [24, 56, 56], out=60, groups=groups, bias=False).params
        for groups in (1, 3)
    )
    assert (whole, grouped) == (1440, 480)


# --- blocks of catalogued composites -----------------------------------------------------------


def test_joint_pyramid_upsampling() -> None:
    """wuhuikai/FastFCN, encoding/nn/customize.py, width 512 on stages of 60, 30 and 15."""
    stages = {
        "convcalc": 1,
        "name": "jpu",
        "imports": {"j": "blocks/jpu.convcalc.yaml"},
        "inputs": {"c3": [512, 60, 60], "c4": [1024, 30, 30], "c5": [2048, 15, 15]},
        "layers": [{"j.Jpu": {"c3": "c3", "c4": "c4", "c5": "c5"}}],
    }
    network = read_network(Target("jpu.yaml", None, json.dumps(stages)))
    assert network.problems == ()
    report = analyse(network)
    assert report.totals.params == 19_735_552
    assert report.totals.macs == 26_387_251_200
    assert report.layers[-1].output.dims == (1, 2048, 60, 60)
