"""darknet's .cfg files: published numbers, sections one by one, mistakes at their lines."""

from __future__ import annotations

import random

import pytest
from darknet_texts import (
    YOLO,
    cbl,
    darknet53,
    head,
    plain,
    resnet,
    route,
    section,
    text,
    yolov2,
    yolov3,
    yolov3_tiny,
)

import convcalc
from convcalc.analysis.report.report import Report
from convcalc.importing.formats import detect
from convcalc.importing.opening import open_source
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network


def network(content: str | bytes, inputs: list[int] | None = None) -> Network:
    return open_source(Target("net.cfg", text=content)).network(inputs=inputs)


def report(content: str) -> Report:
    found = network(content)
    assert not found.problems
    return convcalc.analyse(found, convention="darknet")


def sections(*parts: str, size: int = 8, channels: int = 4) -> str:
    return text([head(size, channels), *parts])


def output(*parts: str, size: int = 8, channels: int = 4) -> tuple[int, ...]:
    found = network(sections(*parts, size=size, channels=channels))
    assert not found.problems
    (number,) = found.outputs.values()
    return tuple(found.shape(number).dims[1:])


def problem(*parts: str, size: int = 8) -> tuple[str, str, int, int]:
    """Name, message, line and column of the only problem of sections behind a head of 6 lines."""
    (found,) = network(sections(*parts, size=size)).problems
    return found.name, found.message, found.place.line, found.place.column


# https://pjreddie.com/darknet/imagenet/ and /yolo/: billions of operations; the parameters of
# YOLOv3 are those of its weights file, less the running statistics.
PUBLISHED = [
    (darknet53(), "18.57", 41_609_928),
    (resnet((3, 4, 6, 3)), "9.74", 22_780_456),
    (yolov3(), "65.86", 61_949_149),
    (yolov3(608, spp=True), "141.45", 62_998_749),
    (yolov3_tiny(), "5.56", 8_852_366),
    (yolov2(), "62.94", 50_962_889),
]


@pytest.mark.parametrize(("content", "bflops", "params"), PUBLISHED)
def test_published_bflops(content: str, bflops: str, params: int) -> None:
    found = report(content)
    assert found.totals.params == params
    assert f"{found.totals.convention['flops'] / 1e9:.2f}" == bflops
    assert found.totals.flops == found.totals.convention["flops"] or "connected" in content


def test_weights_of_yolov3_fill_the_file() -> None:
    """yolov3.weights has 248,007,048 bytes: a head of 20, and four for each number."""
    totals = report(yolov3()).totals
    assert 4 * (totals.params + totals.buffers) + 20 == 248_007_048


def test_receptive_fields_are_those_of_the_spec() -> None:
    """The same network as specs/yolov3.convcalc.yaml, layer by layer."""
    ours = convcalc.analyse(convcalc.load("yolov3"))
    found = report(yolov3())
    fields = lambda each: [out.receptive_field for out in each.per_output.values()]  # noqa: E731
    assert fields(found) == fields(ours)
    assert found.totals.macs == ours.totals.macs


def test_an_other_size_of_the_input() -> None:
    found = convcalc.analyse(network(yolov3(), [3, 608, 608]))
    assert f"{found.totals.flops / 1e9:.2f}" == "140.69"


# --- sections ------------------------------------------------------------------------------------


def test_pad_is_half_of_size_and_padding_is_itself() -> None:
    conv = {"filters": 2, "size": 3, "activation": "linear"}
    assert output(section("convolutional", **conv)) == (2, 6, 6)
    assert output(section("convolutional", **conv, pad=1)) == (2, 8, 8)
    assert output(section("convolutional", **conv, padding=2)) == (2, 10, 10)
    assert output(section("convolutional", **conv, padding=2, pad=1)) == (2, 8, 8)


def test_strides_of_axes() -> None:
    conv = {"filters": 2, "size": 1, "activation": "linear"}
    assert output(section("convolutional", **conv, stride_x=2, stride_y=4)) == (2, 2, 4)
    assert output(section("convolutional", **conv, stride=4, stride_x=2)) == (2, 2, 4)
    assert output(section("maxpool", size=2, stride_x=1, stride_y=2)) == (4, 4, 8)


def test_dilation_keeps_the_size() -> None:
    assert output(cbl(2, 3, dilation=2)) == (2, 8, 8)
    assert output(cbl(2, 1, dilation=2)) == (2, 8, 8)


def test_shared_weights_count_once() -> None:
    """Weights, and the running statistics, of the first; the work of each."""
    one = report(sections(cbl(4, 3)))
    three = report(sections(cbl(4, 3), cbl(4, 3, share_index=-1), cbl(4, 3, share_index=0)))
    assert (three.totals.params, three.totals.buffers) == (one.totals.params, one.totals.buffers)
    assert three.totals.macs == 3 * one.totals.macs
    found = network(sections(cbl(4, 3), cbl(4, 3, share_index=-2)))
    assert [each.name for each in found.problems] == ["share-mismatch"]
    other = network(sections(cbl(4, 3), cbl(8, 3, share_index=0)))
    assert [each.message for each in other.problems] == [
        "weights cannot be shared: 8×4×3×3 here, 4×4×3×3 there"
    ]


def test_groups_divide_the_weights() -> None:
    found = report(sections(cbl(8, 3, groups=2)))
    assert found.totals.params == 8 * 2 * 9 + 2 * 8
    (wrong,) = network(sections(cbl(8, 3, groups=3))).problems
    assert wrong.message == "groups 3 does not divide 4 channels and 8 filters"


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("stride", range(1, 4))
def test_pooling_as_by_the_loop_of_darknet(n: int, size: int, stride: int) -> None:
    """Windows begin at -(padding / 2), every stride, while darknet has outputs for them."""
    padding = size - 1
    outputs = (n + padding - size) // stride + 1
    starts = [-(padding // 2) + i * stride for i in range(outputs)]
    found = network(sections(section("maxpool", size=size, stride=stride), size=n))
    assert not [each for each in found.problems if each.severity == "error"]
    (number,) = found.outputs.values()
    assert found.shape(number).dims[2] == len(starts)
    (layer,) = found.layers
    padded = layer.operator.padding
    before = padded[0][0] if isinstance(padded[0], tuple) else padded[0]
    assert before == padding // 2


def test_an_average_pooling_leaves_the_padding_out() -> None:
    found = network(sections(section("local_avgpool", size=3, stride=2)))
    (layer,) = found.layers
    assert layer.name == "avg_pool"
    assert not layer.operator.count_include_pad
    assert layer.analysis.output.dims == (1, 4, 4, 4)


def test_route_joins_and_splits() -> None:
    first, second = cbl(4, 1), cbl(6, 1)
    assert output(first, second, route(-1, -2)) == (10, 8, 8)
    assert output(first, second, route(0)) == (4, 8, 8)
    half = section("route", layers="-1,-2", groups=2, group_id=1)
    assert output(first, second, half) == (5, 8, 8)
    found = network(sections(first, second, half))
    slices = [layer.operator for layer in found.layers if layer.name == "channel_slice"]
    assert [(each.start, each.stop) for each in slices] == [(3, 6), (2, 4)]


@pytest.mark.parametrize(("own", "other"), [(4, 6), (6, 4), (4, 4)])
def test_a_shortcut_of_unequal_widths(own: int, other: int) -> None:
    found = network(sections(cbl(other, 1), cbl(own, 1), section("shortcut", **{"from": 0})))
    assert not found.problems
    assert found.layers[-1].analysis.output.dims == (1, own, 8, 8)
    moved = [
        layer.name for layer in found.layers if layer.name in ("channel_slice", "pad_channels")
    ]
    assert moved == (["channel_slice"] if other > own else ["pad_channels"] if other < own else [])


def test_a_shortcut_from_a_larger_map_takes_every_second_position() -> None:
    found = network(sections(cbl(4, 1), cbl(4, 1, 2), section("shortcut", **{"from": -2})))
    assert not found.problems
    assert [layer.name for layer in found.layers[-3:]] == ["slice", "slice", "add"]


def test_a_weighted_shortcut_learns() -> None:
    """Per feature one number for each input, per channel one for each of its channels."""
    parts = (cbl(4, 1), cbl(4, 1))
    base = report(sections(*parts)).totals.params
    for kind, count in (("per_feature", 3), ("per_channel", 3 * 4)):
        joint = section("shortcut", **{"from": "-2,-2"}, weights_type=kind)
        assert report(sections(*parts, joint)).totals.params == base + count


def test_channels_and_positions_are_scaled() -> None:
    squeeze = (cbl(4, 3), section("avgpool"), plain(4, activation="logistic"))
    assert output(*squeeze, section("scale_channels", **{"from": 0})) == (4, 8, 8)
    gate = (cbl(4, 3), plain(1, activation="logistic"))
    assert output(*gate, section("scale_channels", **{"from": 0}, scale_wh=1)) == (4, 8, 8)
    assert output(cbl(4, 3), plain(4), section("sam", **{"from": -2})) == (4, 8, 8)


def test_a_connected_layer_reads_all_elements() -> None:
    found = report(sections(section("connected", output=10, activation="leaky")))
    assert found.totals.params == 10 * 4 * 8 * 8 + 10
    assert found.totals.macs == 10 * 4 * 8 * 8
    normed = report(sections(section("connected", output=10, batch_normalize=1)))
    assert normed.totals.params == 10 * 4 * 8 * 8 + 2 * 10
    wrong = network(sections(section("connected", output=10)), [4, 9, 9]).problems
    assert [each.message for each in wrong] == ["Gemm: a weight for 256 channels meets 324"]


def test_a_local_layer_has_weights_of_each_position() -> None:
    local = section("local", filters=2, size=3, stride=1, pad=1, activation="linear")
    assert report(sections(local)).totals.params == 8 * 8 * (2 * 4 * 9 + 2)


def test_reorg3d_makes_channels_of_squares() -> None:
    assert output(section("reorg3d", stride=2)) == (16, 4, 4)


def test_reorg_moves_elements_as_the_loop_of_darknet() -> None:
    """A reshape, a pixel_unshuffle and a reshape are what its loop over the memory does."""
    c, h, w, s = 8, 4, 6, 2
    x = list(range(c * h * w))
    out = [0] * len(x)
    thin = c // (s * s)
    for k in range(c):
        for j in range(h):
            for i in range(w):
                offset = k // thin
                column, row = i * s + offset % s, j * s + offset // s
                out[i + w * (j + h * k)] = x[column + w * s * (row + h * s * (k % thin))]
    large = [
        (channel, y, x_) for channel in range(thin) for y in range(h * s) for x_ in range(w * s)
    ]
    at = {place: number for number, place in enumerate(large)}
    unshuffled = [
        at[k % thin, j * s + k // thin // s, i * s + k // thin % s]
        for k in range(c)
        for j in range(h)
        for i in range(w)
    ]
    assert out == unshuffled
    found = network(
        text([section("net", width=w, height=h, channels=c), section("reorg", stride=s)])
    )
    assert [(layer.name, layer.analysis.output.dims[1:]) for layer in found.layers] == [
        ("reshape", (2, 8, 12)),
        ("pixel_unshuffle", (8, 4, 6)),
        ("reshape", (32, 2, 3)),
    ]


ACTIVATIONS = {
    "leaky": ["leaky_relu"],
    "mish": ["mish"],
    "swish": ["silu"],
    "logistic": ["sigmoid"],
    "relu": ["relu"],
    "relu6": ["relu6"],
    "linear": [],
    "ramp": ["relu", "elementwise", "add"],
    "loggy": ["sigmoid", "elementwise", "elementwise"],
    "hardtan": ["hardtanh"],
    "gelu": ["gelu"],
}


@pytest.mark.parametrize(("name", "layers"), ACTIVATIONS.items())
def test_activations(name: str, layers: list[str]) -> None:
    found = network(sections(cbl(4, 1, activation=name)))
    assert [layer.name for layer in found.layers] == ["conv", "batch_norm", *layers]


def test_leaky_has_darknets_slope() -> None:
    found = network(sections(cbl(4, 1)))
    assert found.layers[-1].operator.negative_slope == 0.1


def test_a_convolution_without_activation_is_logistic() -> None:
    found = network(sections(section("convolutional", filters=2)))
    assert [layer.name for layer in found.layers] == ["conv", "sigmoid"]


def test_softmax_over_everything_groups_and_channels() -> None:
    assert output(section("softmax")) == (256,)
    parts = network(sections(section("softmax", groups=4)))
    (softmax,) = (layer for layer in parts.layers if layer.name == "softmax")
    assert softmax.analysis.output.channels == 64
    assert output(section("softmax", groups=4)) == (256,)
    assert output(section("softmax", spatial=1)) == (4, 8, 8)


def test_what_passes_on_and_what_crops() -> None:
    assert output(section("dropout", probability=0.5), section("cost", type="sse")) == (4, 8, 8)
    assert output(section("crop", crop_height=6, crop_width=4)) == (4, 6, 4)


def test_numbers_as_input() -> None:
    found = network(text([section("net", inputs=7), section("connected", output=3)]))
    assert not found.problems
    assert found.inputs["input"].dims == (1, 7)


def test_outputs_are_what_detection_reads() -> None:
    found = network(sections(plain(255), YOLO, route(0), plain(18), YOLO))
    assert list(found.outputs) == ["yolo[1]", "yolo[4]"]
    assert [found.shape(each).dims[1] for each in found.outputs.values()] == [255, 18]


# --- mistakes ------------------------------------------------------------------------------------


def test_mistakes_stand_at_their_lines() -> None:
    assert problem("[convolutional]\nfilters = eight") == (
        "wrong-type",
        "filters is 'eight', but an integer is expected",
        8,
        11,
    )
    assert problem("[convolutional]\nsize=0")[:3] == (
        "out-of-range",
        "size is 0, but must be at least 1",
        8,
    )
    assert problem(cbl(4, 1), route(-3)) == (
        "out-of-range",
        "layers names layer -3, but this is layer 1",
        16,
        8,
    )
    assert problem(cbl(4, 1), cbl(4, 1, 2), route(0, 1))[:2] == (
        "concat-mismatch",
        "4×4×4 meets 4×8×8",
    )
    assert problem(section("shortcut", activation="linear"))[:2] == (
        "missing-key",
        "[shortcut] needs the option 'from'",
    )
    assert problem(section("connected", output=4), cbl(4, 1))[:2] == (
        "wrong-rank",
        "[convolutional] needs an image, but reads 4 numbers",
    )


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (section("gru", output=3), "no rule for [gru]"),
        (cbl(4, 1, antialiasing=1), "no rule for a convolution with antialiasing"),
        (cbl(4, 1, activation="wavy"), "no rule for the activation 'wavy'"),
    ],
)
def test_what_has_no_rule_is_named_and_what_reads_it_skipped(part: str, message: str) -> None:
    found = network(sections(part, cbl(4, 1), YOLO))
    assert [each.message for each in found.problems] == [message]
    assert found.problems[0].name == "unmapped-operator"
    assert found.problems[0].place.line == 7
    assert found.skipped > 1
    assert not found.outputs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[net]\nwidth=8\nheight=8\nchannels=3\noops",
            "line 5 is not a section, an option or a comment",
        ),
        ("# nothing\n[net]\n", "the head says no size of the input"),
    ],
)
def test_what_cannot_be_read(content: str, message: str) -> None:
    (found,) = network(content).problems
    assert message in found.message


@pytest.mark.parametrize(
    "content",
    [b"[net]\n", b"# a comment\n; and another\n\n [network]\r\n", b"\xef\xbb\xbf[net]\nwidth=1"],
)
def test_it_is_known_by_its_head(content: bytes) -> None:
    assert detect(content, "x.cfg") == "darknet"
    assert detect(content, "x.txt") == "darknet"


def test_other_cfg_files_are_none() -> None:
    assert not detect(b"[metadata]\nname = x\n[net]\n", "setup.cfg")
    assert not detect(b" " * 4096, "x.cfg")


def test_comments_doubles_and_digits_are_read_as_darknet_does() -> None:
    content = (
        "[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=7x # seven\nfilters=9\n"
    )
    found = network(content)
    assert not found.problems
    assert found.layers[0].analysis.output.channels == 7


def test_damaged_files_are_problems_and_nothing_else() -> None:
    rng = random.Random(15)
    whole = yolov3_tiny().encode()
    for _ in range(300):
        content = bytearray(whole[: rng.randrange(len(whole))])
        for _ in range(rng.randrange(6)):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        found = network(b"[net]\n" + bytes(content))
        assert found.problems or found.layers
