# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""What each statement of the network language means, on networks of a few layers."""

from __future__ import annotations

from math import prod

import pytest
from texts import HEAD, channels, example, problems, read, report, shapes

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.quantities.unknown import known

# --- the four examples -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variant", "params", "output"),
    [
        ("vgg16", None, 138_357_544, "1000"),
        ("vgg16", "vgg11", 132_863_336, "1000"),
        ("vgg16", "vgg19", 143_667_240, "1000"),
        ("resnet50", None, 25_557_032, "1000"),
        ("resnet50", "resnet101", 44_549_160, "1000"),
        ("resnet50", "wide_resnet50_2", 68_883_240, "1000"),
        ("resnet50", "resnext50_32x4d", 25_028_904, "1000"),
        ("shufflenet_v2", None, 2_278_604, "1000"),
        ("shufflenet_v2", "shufflenet_v2_x0_5", 1_366_792, "1000"),
    ],
)
def test_the_examples_have_the_published_parameters(
    name: str, variant: str | None, params: int, output: str
) -> None:
    """https://docs.pytorch.org/vision/stable/models.html#table-of-all-available-classification-weights"""
    found = example(name, variant)
    assert found.totals.params == params
    assert str(next(iter(found.outputs.values()))) == output


def test_the_unet_of_the_examples() -> None:
    found = example("unet")
    assert found.totals.params == 31_037_633  # milesial/Pytorch-UNet with one class, bilinear=False
    assert str(next(iter(found.outputs.values()))) == "1×256×256"
    bottom = [layer for layer in found.layers if layer.path.startswith("bottom.")][-1]
    assert bottom.receptive_field is not None
    assert bottom.receptive_field.size == (140, 140)


def test_the_layers_of_a_resnet_have_the_paths_that_people_expect() -> None:
    found = [layer.path for layer in example("resnet50").layers]
    assert found[:4] == ["stem.conv", "stem.batch_norm", "stem.relu", "max_pool"]
    assert "layer[2].Bottleneck[0].ConvBn[0].conv" in found
    assert "layer[0].Bottleneck[0].shortcut.ConvBn.conv" in found
    assert "layer[3].Bottleneck[2].add" in found
    assert found[-2:] == ["global_avg_pool", "linear"]
    assert len(set(found)) == len(found)


# --- items and fields ------------------------------------------------------------------------


def test_a_bare_word_is_a_layer_without_fields() -> None:
    for item in ("relu", "relu: {}", "relu:", "{relu: {}}", "{relu: null}"):
        assert shapes(f"layers:\n- {item}\n") == ["3×32×32"]


def test_short_and_long_names_mean_the_same() -> None:
    short = "layers:\n- conv: {out: 6, k: 3, s: 2, p: 2, d: 2, g: 3}\n"
    long = (
        "layers:\n- conv: {out_channels: 6, kernel_size: 3, stride: 2, padding: 2, dilation: 2,"
        " groups: 3}\n"
    )
    assert report(short).layers[0].fields == report(long).layers[0].fields


def test_a_value_per_axis_is_a_list() -> None:
    body = "layers:\n- conv: {out: 4, k: [1, 7], s: [1, 2], p: [0, 3], d: [1, 1]}\n"
    assert shapes(body) == ["4×32×16"]
    assert report(body).layers[0].weights["weight"] == (4, 3, 1, 7)


@pytest.mark.parametrize(
    ("padding", "output"),
    [
        ("0", "1×29×28"),
        ("1", "1×31×30"),
        ("[1, 2]", "1×31×32"),  # flat: one number per axis
        ("[[1, 0], [0, 2]]", "1×30×30"),  # nested: before and after
        ("valid", "1×29×28"),
        ("same", "1×32×32"),
        ("half", "1×33×32"),
        ("causal", "1×32×32"),  # 3 before the first axis, 2 on each side of the second
    ],
)
def test_padding_is_numbers_or_a_word(padding: str, output: str) -> None:
    assert shapes(f"layers:\n- conv: {{out: 1, k: [4, 5], p: {padding}}}\n") == [output]


def test_padding_same_is_that_of_tensorflow() -> None:
    head = "convcalc: 1\ninput: [1, 7]\n"
    assert shapes("layers:\n- conv: {out: 1, k: 3, s: 2, p: same}\n", head) == ["1×4"]
    assert shapes("layers:\n- conv: {out: 1, k: 2, s: 2, p: same}\n", head) == ["1×4"]
    field = report("layers:\n- conv: {out: 1, k: 2, s: 2, p: same}\n", head).receptive_field
    assert field is not None
    assert float(field.center[0]) == 0.5  # the one position of padding comes after


def test_input_channels_are_inferred_and_may_be_stated() -> None:
    assert channels("layers:\n- {conv: {out: 8, k: 1}, in: 3}\n- {relu: {}, in: 4 + 4}\n") == [8, 8]
    assert problems("layers:\n- {conv: {out: 8, k: 1}, in: 4}\n") == ["stated-differently"]


def test_a_stated_shape_is_checked() -> None:
    for shape in ("[8, 30, 30]", "[8, null, 30]", "[2**3, 32 - 2, 30]"):
        assert not problems(f"layers:\n- {{conv: {{out: 8, k: 3}}, shape: {shape}}}\n")
    for shape in ("[8, 31, 30]", "[8, 30]", "[1, 8, 30, 30]", "8"):
        assert problems(f"layers:\n- {{conv: {{out: 8, k: 3}}, shape: {shape}}}\n")
    seq = "layers:\n- {seq: [relu, {conv: {out: 8, k: 3}}], in: 3, shape: [8, 30, 30]}\n"
    assert not problems(seq)


def test_a_note_stays_with_its_layer() -> None:
    found = report("note: of the file\nlayers:\n- {relu: {}, note: as in the paper}\n")
    assert found.layers[0].note == "as in the paper"
    assert read("note: of the file\nlayers: [relu]\n").note == "of the file"


def test_what_a_file_says_of_itself() -> None:
    head = (
        "convcalc: 1\nname: small\ndescription: A net.\nsource: a paper\nyear: 2015\ninput: [3]\n"
    )
    found = read("layers: [relu]\n", head)
    said = (found.name, found.description, found.origin, found.year)
    assert said == ("small", "A net.", "a paper", 2015)


def test_a_layer_that_is_not_trained() -> None:
    body = (
        "layers:\n- {conv: {out: 3, k: 1}, trainable: false}\n"
        "- {seq: [{conv: {out: 3, k: 1}}, {seq: [{conv: {out: 3, k: 1}}]}], trainable: false}\n"
        "- {A: {}, trainable: false}\n- conv: {out: 3, k: 1}\n"
    )
    head = f"{HEAD}blocks:\n  A: [{{conv: {{out: 3, k: 1}}}}]\n"
    found = report(body, head)
    assert [layer.trainable for layer in found.layers] == [0, 0, 0, 0, 12]
    assert (found.totals.params, found.totals.trainable) == (60, 12)


# --- opaque ----------------------------------------------------------------------------------


def test_an_opaque_layer_is_what_it_says() -> None:
    body = "layers:\n- opaque: {output: [256, 14, 14], params: 12345, macs: 1.2M, receptive_field: 5}\n- relu\n"
    found = report(body, batch=2)
    first = found.layers[0]
    assert (first.declared, found.layers[1].declared) == (True, False)
    assert (str(first.output), first.params, first.macs) == ("256×14×14", 12345, 2_400_000)


def test_an_opaque_layer_may_read_everything() -> None:
    body = "layers:\n- opaque: {output: [256], params: 0, macs: 0, receptive_field: global}\n"
    field = report(body).receptive_field
    assert field is not None
    assert field.is_global
    assert field.reason == ""


def test_what_an_opaque_layer_does_not_say_is_unknown() -> None:
    found = report("layers:\n- opaque: {output: [256, 14, 14]}\n- conv: {out: 1, k: 3}\n")
    assert not known(found.totals.params)
    assert not known(found.totals.macs)
    assert {"opaque: params", "opaque: macs"} <= set(found.totals.unknown)
    assert found.receptive_field is not None
    assert not known(found.receptive_field.size[0])
    assert found.receptive_field.reason


# --- expressions where people write them -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("w*4", 32),
        ("'w*4'", 32),
        ('"max(w, 3)"', 8),
        ("w // 3", 2),
        ("w/2", 4),
        ("32.0", 32),
        ("1e1", 10),
        ("0x10", 16),
        ("w if wide else 1", 8),
        ("w if not wide else 1", 1),
        ('"l[-1]"', 5),
        ("sum(l)", 9),
        ("len(l)", 2),
        ("make_divisible(w*1.1)", 8),
        ('"make_divisible(w*1.4, 4)"', 12),
        ("round(2.5)", 2),
        ("-w + 10", 2),
    ],
)
def test_expressions_in_fields(text: str, value: int) -> None:
    body = f"params: {{w: 8, wide: true, l: [4, 5]}}\nlayers:\n- conv: {{out: {text}, k: 1}}\n"
    assert channels(body) == [value]


@pytest.mark.parametrize(
    "text",
    ["21.5", "w/3", "w +", "[8]", "true", "null", "nowhere", "'8 8'", "w.real", "2**65", "'l'"],
)
def test_what_is_no_channel_count(text: str) -> None:
    body = f"params: {{w: 8, l: [4, 5]}}\nlayers:\n- conv: {{out: {text}, k: 1}}\n"
    assert len(problems(body)) == 1


# --- decisions about operators -----------------------------------------------------------------


def test_global_pooling_drops_the_axes_unless_they_are_kept() -> None:
    body = "layers:\n- global_avg_pool: {keepdim: %s}\n- %s: {out: 5}\n"
    assert shapes(body % ("false", "linear")) == ["3", "5"]
    assert shapes(body % ("true", "pointwise_conv")) == ["3×1×1", "5×1×1"]


def test_linear_acts_on_the_channels_and_warns_where_a_flatten_was_meant() -> None:
    body = "layers:\n- linear: {out: 5}\n"
    network = read_network(Target("net.yaml", None, HEAD + body))
    (problem,) = network.problems
    assert (problem.name, problem.severity) == ("flatten-missing", "warning")
    (layer,) = analyse(network).layers
    assert (str(layer.output), layer.params) == ("5×32×32", 20)
    assert analyse(network).complete


def test_a_report_adds_up() -> None:
    for name in ("vgg16", "resnet50", "unet", "shufflenet_v2"):
        found = example(name)
        for key in ("params", "trainable", "buffers", "macs", "elementwise", "activations"):
            assert sum(getattr(x, key) for x in found.layers) == getattr(found.totals, key)
        assert found.totals.params == sum(prod(w) for x in found.layers for w in x.weights.values())
