"""Ultralytics' YAML files: published numbers, rows one by one, scales, mistakes at their lines."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Command
from ultralytics_texts import (
    HEADS,
    Rows,
    yolo11,
    yolo12,
    yolov3,
    yolov5,
    yolov8,
    yolov9,
    yolov10,
)

import convcalc as library
from convcalc.importing.formats import detect
from convcalc.importing.opening import open_source
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target, TargetError

TEXTS: dict[str, str] = {
    "yolov3": yolov3(),
    "yolov5": yolov5(),
    **{f"yolov8{task}": yolov8(task) for task in (*HEADS, "-cls")},
    **{f"yolov9{size}": yolov9(size) for size in "tsmce"},
    **{f"yolov10{size}": yolov10(size) for size in "nsmblx"},
    **{f"yolo11{task}": yolo11(task) for task in (*HEADS, "-cls")},
    "yolo12": yolo12(),
}

# What Ultralytics 8.4.190 says of the same models: parameters, the 16 that are not learned among
# them, and GFLOPs at 640×640, of classifiers at 224×224 (its thop 2.2.3). Those of v5 to 12 are in
# its documentation too, rounded.
PUBLISHED = [
    ("yolov3", "", 103_754_144, "283.3177"),
    ("yolov5", "", 2_654_816, "7.8389"),
    ("yolov5", "s", 9_153_152, "24.2105"),
    ("yolov5", "m", 25_111_456, "64.6028"),
    ("yolov5", "l", 53_225_024, "135.6200"),
    ("yolov5", "x", 97_276_448, "247.3129"),
    ("yolov8", "", 3_157_200, "8.8551"),
    ("yolov8", "s", 11_166_560, "28.8119"),
    ("yolov8", "m", 25_902_640, "79.3137"),
    ("yolov8", "l", 43_691_520, "165.7347"),
    ("yolov8", "x", 68_229_648, "258.5370"),
    ("yolov8-seg", "", 3_409_968, "12.1411"),
    ("yolov8-seg", "s", 11_821_056, "40.3391"),
    ("yolov8-seg", "m", 27_285_968, "104.9773"),
    ("yolov8-seg", "l", 45_997_728, "211.0598"),
    ("yolov8-seg", "x", 71_827_888, "329.1888"),
    ("yolov8-pose", "", 3_295_470, "9.2935"),
    ("yolov8-pose", "s", 11_626_046, "30.4019"),
    ("yolov8-pose", "m", 26_464_462, "81.4062"),
    ("yolov8-pose", "l", 44_489_196, "169.1447"),
    ("yolov8-pose", "x", 69_491_724, "263.9516"),
    ("yolov8-obb", "", 3_228_867, "9.1027"),
    ("yolov8-obb", "s", 11_452_739, "29.7974"),
    ("yolov8-obb", "m", 26_463_235, "81.4609"),
    ("yolov8-obb", "l", 44_540_355, "169.4307"),
    ("yolov8-obb", "x", 69_555_651, "264.3091"),
    ("yolov8-cls", "", 2_719_288, "0.4140"),
    ("yolov8-cls", "s", 6_361_736, "1.5442"),
    ("yolov8-cls", "m", 17_053_336, "5.1341"),
    ("yolov8-cls", "l", 37_480_744, "12.1450"),
    ("yolov8-cls", "x", 57_422_840, "18.9055"),
    ("yolo11", "", 2_624_080, "6.6733"),
    ("yolo11", "s", 9_458_752, "21.8363"),
    ("yolo11", "m", 20_114_688, "68.6431"),
    ("yolo11", "l", 25_372_160, "87.8511"),
    ("yolo11", "x", 56_966_176, "196.3151"),
    ("yolo11-seg", "", 2_876_848, "9.9593"),
    ("yolo11-seg", "s", 10_113_248, "33.3635"),
    ("yolo11-seg", "m", 22_420_896, "113.9682"),
    ("yolo11-seg", "l", 27_678_368, "133.1762"),
    ("yolo11-seg", "x", 62_142_656, "297.8924"),
    ("yolo11-pose", "", 2_908_507, "7.7752"),
    ("yolo11-pose", "s", 9_948_811, "23.5962"),
    ("yolo11-pose", "m", 20_973_273, "72.3929"),
    ("yolo11-pose", "l", 26_230_745, "91.6009"),
    ("yolo11-pose", "x", 58_889_881, "204.7046"),
    ("yolo11-obb", "", 2_695_747, "6.9209"),
    ("yolo11-obb", "s", 9_744_931, "22.8218"),
    ("yolo11-obb", "m", 20_963_523, "72.3391"),
    ("yolo11-obb", "l", 26_220_995, "91.5471"),
    ("yolo11-obb", "x", 58_875_331, "204.6240"),
    ("yolo11-cls", "", 2_812_104, "0.4018"),
    ("yolo11-cls", "s", 6_724_008, "1.4908"),
    ("yolo11-cls", "m", 11_634_216, "4.8556"),
    ("yolo11-cls", "l", 14_115_624, "6.1031"),
    ("yolo11-cls", "x", 29_637_064, "13.6039"),
    ("yolo12", "", 2_602_288, "7.6341"),
    ("yolo12", "s", 9_284_096, "23.6531"),
    ("yolo12", "m", 20_199_168, "71.3479"),
    ("yolo12", "l", 26_450_784, "96.2949"),
    ("yolo12", "x", 59_210_784, "210.1457"),
    ("yolov9t", "", 2_128_720, "8.4811"),
    ("yolov9s", "", 7_318_368, "27.5520"),
    ("yolov9m", "", 20_216_160, "77.8604"),
    ("yolov9c", "", 25_590_912, "104.0145"),
    ("yolov9e", "", 58_206_592, "193.0075"),
    ("yolov10n", "", 2_775_520, "8.7994"),
    ("yolov10s", "", 8_128_272, "25.2277"),
    ("yolov10m", "", 16_576_768, "64.6087"),
    ("yolov10b", "", 20_574_384, "99.4681"),
    ("yolov10l", "", 25_888_688, "127.9894"),
    ("yolov10x", "", 31_808_960, "171.9898"),
]


def network(content: str | bytes, name: str = "yolo.yaml", scale: str | None = None) -> NetworkFile:
    return open_source(Target(name, text=content)).network(scale)


@pytest.mark.parametrize(("name", "scale", "params", "gflops"), PUBLISHED)
def test_published_numbers(name: str, scale: str, params: int, gflops: str) -> None:
    found = network(TEXTS[name], f"{name}.yaml", scale or None)
    assert not found.problems
    report = library.analyse(found, convention="thop-ultralytics")
    assert report.totals.params == params
    assert f"{2 * report.totals.convention['macs'] / 1e9:.4f}" == gflops


def test_fields_and_work_are_those_of_the_spec() -> None:
    """The same network as specs/yolov8.convcalc.yaml, layer by layer."""
    ours = library.analyse(library.load("yolov8s"))
    found = library.analyse(network(yolov8(), "yolov8s.yaml"))
    assert found.totals.macs == ours.totals.macs
    assert found.totals.buffers == ours.totals.buffers
    for level in range(3):
        theirs = ours.per_output[f"boxes{level + 3}"].receptive_field
        assert found.per_output[f"boxes[{level}]"].receptive_field == theirs


def test_only_the_mean_of_distances_is_frozen() -> None:
    layers = [layer for layer in network(yolov8()).layers if not layer.trainable]
    assert {layer.name for layer in layers} == {"conv"}
    assert sum(1 for layer in layers if layer.shares < 0) == 1
    totals = library.analyse(network(yolov8())).totals
    assert totals.params - totals.trainable == 16


def test_attention_is_one_layer_whose_local_path_is_followed() -> None:
    """YOLO11 attends to the whole of its coarsest map, in heads of 64 channels; the local path
    through it is that of its convolutions."""
    found = network(yolo11("-cls"), "yolo11s-cls.yaml")
    kinds = [layer.name for layer in found.layers]
    assert kinds.count("dot_product_attention") == 1
    assert "matmul" not in kinds
    report = library.analyse(network(yolo11()))
    assert report.global_from == "model.10.m.0.attn.attention"
    assert report.receptive_field is not None
    assert report.receptive_field.jump == (8, 8)


def test_areas_are_bands_of_rows() -> None:
    """YOLO12 cuts 40 rows into four bands and attends within each; the coarsest map is whole."""
    layers = [each for each in network(yolo12()).layers if each.name == "dot_product_attention"]
    parts = [(each.operator.partition, each.operator.partition_size) for each in layers]
    assert set(parts[:4]) == {("window", (10, 40))}
    assert set(parts[4:]) == {("none", None)}


def test_the_class_branch_is_as_wide_as_the_map_or_a_hundred_classes() -> None:
    for classes, width in ((20, 64), (80, 80), (365, 100)):
        rows = Rows()
        rows.add("Conv", 64, 1)
        rows.add("Detect", "nc", reads=[-1])
        found = network(rows.text(classes))
        widths = {layer.path: layer.analysis.output.channels for layer in found.layers}
        assert widths["model.1.cv3.0.0.conv"] == width


# --- scales --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "base"),
    [
        ("yolo11.yaml", "yolo11n", "n"),
        ("yolo11x.yaml", "yolo11x", "x"),
        ("a/yolo11m-custom.yaml", "yolo11m-custom", "m"),
        ("yolo11-seg.yaml", "yolo11n-seg", "n"),
        ("mine.yaml", "mine-n", "n"),
        ("yolo11q.yaml", "yolo11nq", "n"),
    ],
)
def test_the_name_chooses_a_scale(file: str, name: str, base: str) -> None:
    found = network(yolo11(), file)
    assert (found.name, found.variant, found.base) == (name, None, base)
    assert {*found.variants, base} == set("nsmlx")


def test_a_scale_that_is_assumed_is_said() -> None:
    assert "no scale is named, so 'n'" in network(yolo11(), "yolo11.yaml").origin
    assert "no scale" not in network(yolo11(), "yolo11s.yaml").origin
    assert "no scale" not in network(yolo11(), "yolo11.yaml", "s").origin


def test_a_scale_that_is_not_there() -> None:
    with pytest.raises(TargetError, match="no variant 'q'") as raised:
        network(yolo11(), scale="q")
    assert raised.value.help == "variants: n, s, m, l, x"


def test_multipliers_instead_of_scales() -> None:
    rows = Rows()
    rows.add("Conv", 64, 3, 2)
    rows.add("C2f", 128, True, n=6)
    rows.add("Detect", "nc", reads=[-1])
    found = network(rows.text(depth_multiple=0.33, width_multiple=0.25))
    widths = {layer.path: layer.analysis.output.channels for layer in found.layers}
    assert widths["model.0.conv"] == 16
    assert widths["model.1.cv2.conv"] == 32
    assert "model.1.m.1.cv1.conv" in widths
    assert "model.1.m.2.cv1.conv" not in widths


def test_channels_round_up_and_repeats_to_even() -> None:
    """make_divisible is a ceiling; Python rounds 2.5 down and 1.5 up."""
    rows = Rows()
    rows.add("Conv", 36, 1)
    rows.add("C3", 36, n=5)
    rows.add("C3", 36, n=3)
    found = network(rows.text(depth_multiple=0.5, width_multiple=0.25))
    paths = {layer.path for layer in found.layers}
    assert found.layers[0].analysis.output.channels == 16
    assert "model.1.m.1.cv1.conv" in paths
    assert "model.1.m.2.cv1.conv" not in paths
    assert "model.2.m.1.cv1.conv" in paths


def test_pins_stand_beside_the_file_and_not_in_it(folder: Path, convcalc: Command) -> None:
    path = folder / "yolo11.yaml"
    path.write_text(yolo11())
    assert convcalc("pin yolo11.yaml").code == 0
    assert path.read_text() == yolo11()
    assert "params: 2624080" in (folder / "yolo11.convcalc.yaml").read_text()
    assert "pinned numbers held" in convcalc("check .").out


def test_a_file_that_is_piped_in() -> None:
    assert network(yolo11(), "-").name == "n"


# --- rows ----------------------------------------------------------------------------------------


def params(*row: object, before: int = 32, n: int = 1, **values: object) -> int:
    """The parameters of one row that reads 32 channels, 16 of what is asked for a stem."""
    rows = Rows()
    rows.add("Conv", before, 1)
    rows.add(*row, n=n)  # type: ignore[arg-type]
    found = network(rows.text(**values))
    assert not found.problems, found.problems
    report = library.analyse(found)
    return report.totals.params - (3 * before + 2 * before)


def conv(c1: int, c2: int, k: int = 1, g: int = 1) -> int:
    """A convolution without bias and its norm."""
    return c1 // g * c2 * k * k + 2 * c2


MODULES: list[tuple[tuple[object, ...], int]] = [
    (("Conv", 64, 3, 2), conv(32, 64, 3)),
    (("Conv", 64, [1, 3]), 32 * 64 * 3 + 128),
    (("Conv", 64, 3, 1, None, 4), conv(32, 64, 3, 4)),
    (("DWConv", 64, 3), conv(32, 64, 3, 32)),
    (("GhostConv", 64, 3), conv(32, 32, 3) + conv(32, 32, 5, 32)),
    (("Focus", 64, 3), conv(128, 64, 3)),
    (("ConvTranspose", 64), conv(32, 64, 2)),
    (("ConvTranspose", 64, 2, 2, 0, False), 32 * 64 * 4 + 64),
    (("nn.ConvTranspose2d", 64, 2, 2), 32 * 64 * 4 + 64),
    (("DWConvTranspose2d", 64, 2, 2), 64 * 4 + 64),
    (("Bottleneck", 32), conv(32, 16, 3) + conv(16, 32, 3)),
    (
        ("BottleneckCSP", 32),
        conv(32, 16) + 32 * 16 + 16 * 16 + conv(32, 32) + 64 + 2 * conv(16, 16, 3),
    ),
    (("C1", 32), conv(32, 32) + conv(32, 32, 3)),
    (("C2", 32), conv(32, 32) + 2 * conv(16, 16, 3) + conv(32, 32)),
    (("C2f", 32), conv(32, 32) + 2 * conv(16, 16, 3) + conv(48, 32)),
    (("C3", 32), 2 * conv(32, 16) + conv(16, 16) + conv(16, 16, 3) + conv(32, 32)),
    (("C3x", 32), 2 * conv(32, 16) + 2 * (16 * 16 * 3 + 32) + conv(32, 32)),
    (("RepC3", 64), 2 * conv(32, 64) + conv(64, 64, 3) + conv(64, 64)),
    (("SPP", 64, [5, 9]), conv(32, 16) + conv(48, 64)),
    (("SPPF", 64, 5), conv(32, 16) + conv(64, 64)),
    (("SPPF", 64, 5, 2, True), conv(32, 16) + conv(48, 64)),
    (("SPPELAN", 64, 24), conv(32, 24) + conv(96, 64)),
    (("ELAN1", 64, 32, 16), conv(32, 32) + 2 * conv(16, 16, 3) + conv(64, 64)),
    (("AConv", 64), conv(32, 64, 3)),
    (("ADown", 64), conv(16, 32, 3) + conv(16, 32)),
    (("SCDown", 64, 3, 2), conv(32, 64) + conv(64, 64, 3, 64)),
    (("CBLinear", [8, 16]), 32 * 24 + 24),
    (("nn.BatchNorm2d",), 64),
    (("nn.MaxPool2d", 2, 2, 0), 0),
    (("nn.ZeroPad2d", [0, 1, 0, 1]), 0),
    (("nn.Identity",), 0),
    (("nn.Upsample", None, 2, "bilinear"), 0),
    (
        ("HGStem", 16, 32),
        conv(32, 16, 3) + conv(16, 8, 2) + conv(8, 16, 2) + conv(32, 16, 3) + conv(16, 32),
    ),
    (("HGBlock", 16, 32, 3), conv(32, 16, 3) + conv(48, 16) + conv(16, 32)),
    (
        ("ResNetLayer", 32, 16, 1, False, 1),
        conv(32, 16) + conv(16, 16, 3) + conv(16, 64) + conv(32, 64),
    ),
    (
        ("GhostBottleneck", 32),
        conv(32, 8) + conv(8, 8, 5, 8) + conv(16, 16) + conv(16, 16, 5, 16),
    ),
]


@pytest.mark.parametrize(("row", "count"), MODULES, ids=[str(row[0]) for row, _ in MODULES])
def test_modules(row: tuple[object, ...], count: int) -> None:
    assert params(*row) == count


def test_a_repeated_row_is_a_chain() -> None:
    assert params("Conv", 32, 3, n=6, depth_multiple=0.5) == 3 * conv(32, 32, 3)


def test_the_activation_of_the_file() -> None:
    rows = Rows()
    rows.add("Conv", 16, 1)
    rows.add("Conv", 16, 1, 1, None, 1, 1, False)
    for text, names in (
        ("nn.ReLU()", ["relu"]),
        ("torch.nn.LeakyReLU(0.1)", ["leaky_relu"]),
        ("nn.SiLU(inplace=True)", ["silu"]),
    ):
        found = network(rows.text(activation=text))
        acts = [each.name for each in found.layers if each.name not in ("conv", "batch_norm")]
        assert acts == names
    (wrong,) = network(rows.text(activation="__import__('os').getcwd()")).problems
    assert (wrong.name, wrong.place.line) == ("unknown-name", 2)


def test_a_legacy_sppf_keeps_its_first_activation() -> None:
    def activations(*args: int) -> int:
        rows = Rows()
        rows.add("SPPF", 32, *args)
        rows.add("nn.Identity")
        return sum(layer.name == "silu" for layer in network(rows.text(channels=16)).layers)

    assert activations(5) == 2
    assert activations(5, 3) == 1


def test_heads_without_bins_and_with_two_branches() -> None:
    """YOLO26: one number for each distance, and all branches twice."""
    rows = Rows()
    rows.add("Conv", 64, 1)
    rows.add("Detect", "nc", reads=[-1])
    found = network(rows.text(end2end=True, reg_max=1))
    assert list(found.outputs) == [
        "boxes[0]",
        "classes[0]",
        "one2many.boxes[0]",
        "one2many.classes[0]",
    ]
    assert [found.shape(each).dims[1] for each in found.outputs.values()] == [4, 80, 4, 80]


# --- mistakes ------------------------------------------------------------------------------------

Change = Callable[[Rows], object]


def problems(change: Change, **values: object) -> list[tuple[str, str, int]]:
    """Name, message and line of the problems of a stem and what is added; rows begin at line 3."""
    rows = Rows()
    rows.add("Conv", 16, 3, 2)
    change(rows)
    rows.add("nn.Identity", reads=0)
    found = network(rows.text(**values))
    return [(each.name, each.message, each.place.line) for each in found.problems]


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        (lambda rows: rows.add("C3STR", 64), "unmapped-operator", "no rule for module C3STR"),
        (
            lambda rows: rows.add("Conv", "wide"),
            "wrong-type",
            "the number of channels is 'wide', but an integer from 1 on is expected",
        ),
        (lambda rows: rows.add("Conv"), "missing-key", "Conv needs the number of channels"),
        (lambda rows: rows.add("Conv", 8, reads=7), "out-of-range", "row 1 reads row 7"),
        (
            lambda rows: rows.add("Conv", 8, reads="-1x"),
            "wrong-type",
            "a row reads '-1x', but the number of a row is expected",
        ),
        (
            lambda rows: rows.add("Conv", 8, n=0),
            "wrong-type",
            "repeats is 0, but an integer from 1 on is expected",
        ),
        (
            lambda rows: rows.add("Conv", 8, 3, 1, None, 3),
            "does-not-divide",
            "groups 3 does not divide 16 channels",
        ),
        (
            lambda rows: rows.add("PSA", 64),
            "shape-mismatch",
            "PSA keeps its channels, but has 64 of 16",
        ),
        (
            lambda rows: rows.add("A2C2f", 32),
            "does-not-divide",
            "16 channels are not a multiple of 32",
        ),
        (
            lambda rows: rows.add("nn.Upsample", None, 2, "area"),
            "wrong-type",
            "the mode is 'area'",
        ),
        (
            lambda rows: rows.rows.append("  - [-1, 1, Conv]"),
            "wrong-type",
            "a row is [from, repeats, module, args]",
        ),
        (
            lambda rows: rows.add("Detect", "mc", reads=[-1]),
            "wrong-type",
            "the number of classes is 'mc', but an integer from 1 on is expected",
        ),
    ],
)
def test_mistakes_stand_at_their_lines(change: Change, name: str, message: str) -> None:
    assert problems(change) == [(name, message, 4)]


def test_a_head_is_read_by_nobody() -> None:
    def change(rows: Rows) -> None:
        rows.add("Detect", "nc", reads=[0])
        rows.add("GhostConv", 8)

    assert problems(change) == [
        ("unsupported-combination", "row 2 reads row -1, which is a head", 5)
    ]


def test_all_mistakes_at_once() -> None:
    def change(rows: Rows) -> None:
        rows.add("C3STR", 64)
        rows.add("Conv", 8)
        rows.add("SPPX", 64)

    assert [line for _, _, line in problems(change)] == [4, 6]


def test_a_module_that_is_nearly_known_is_suggested() -> None:
    rows = Rows()
    rows.add("Conv", 8)
    rows.add("RepNCSPELAN", 8)
    (found,) = network(rows.text()).problems
    assert found.help == "use 'RepNCSPELAN4'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nc: 80\nbackbone: 3\nhead: []\n", "'backbone' is not a list of rows"),
        ("nc: 80\nbackbone:\n  - [-1, 1, Conv, [8]]\n", "'head' is not a list of rows"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    (found,) = network(text).problems
    assert message in found.message
    assert found.name == "damaged-model"


def test_a_scale_of_two_numbers() -> None:
    rows = Rows()
    rows.add("Conv", 8)
    rows.add("nn.Identity")
    (found,) = network(rows.text(scales={"n": [1.0, 0.5]})).problems
    assert found.message == "a scale is [depth, width, max_channels]"
    assert found.place.line == 3


def test_it_is_known_by_its_content_and_not_if_it_is_ours() -> None:
    assert detect(yolov8().encode(), "x.yaml") == "ultralytics"
    assert not detect(yolov8().encode(), "x.txt")
    assert not detect(b"convcalc: 1\nbackbone: 3\n", "x.yaml")
    assert not detect(b"layers:\n  backbone: 3\n", "x.yaml")


def test_damaged_files_are_problems_and_nothing_else() -> None:
    rng = random.Random(15)
    whole = yolo11().encode()
    for _ in range(150):
        content = bytearray(whole[: rng.randrange(len(whole) // 2, len(whole))])
        for _ in range(rng.randrange(6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        found = network(bytes(content))
        assert found.problems or found.layers
