"""Networks written from their official code, each with one form of the language or another.

Each file says its source in its head. What they count was measured in PyTorch, with the code that
they name, by torch.utils.flop_counter halved.
"""

from __future__ import annotations

import pytest
from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

FOLDER = TESTS / "examples" / "official"

COUNTS: dict[str, tuple[int, int]] = {  # file, or file and variant: params, MACs
    "centernet_dla34": (19_675_892, 33_185_857_536),
    "convnextv2_tiny": (28_635_496, 4_455_531_264),
    "deeplabv3plus_r50": (26_682_725, 36_645_109_760),
    "efficientdet_d0": (3_880_067, 2_492_331_520),
    "hourglass2": (8_429_088 - 1_858_688, 8_334_606_336),  # without what never runs
    "hrnet_w18": (21_299_004, 4_283_537_072),
    "maxvit_t": (30_919_624, 5_558_046_720),
    "mobilevit_s": (5_578_632, 2_000_831_488),
    "nnunet_3d": (30_779_843, 238_826_291_200),
    "pointpillars": (4_834_888, 34_419_572_736),
    "r2plus1d_18": (31_505_325, 40_519_080_960),
    "raft_large": (5_257_536, 409_216_204_800),
    "rcan_x4": (15_592_379, 65_199_874_048),
    "repvgg_a0": (9_108_968, 1_512_581_120),
    "repvgg_a0::repvgg_a0_deployed": (8_309_384, 1_361_451_008),
    "res2net50": (25_699_120, 4_255_166_464),
    "resnest50d": (27_483_240, 5_371_160_576),
    "segformer_b0": (3_752_694, 8_387_821_568),
    "stylegan2_256": (30_034_338, 45_124_673_536),
    "swin_t": (28_288_354, 4_490_566_656),
    "vit_b_16": (86_567_656, 17_563_828_224),
    "yolo11": (2_624_080 - 16, 3_270_713_600),  # without the 16 weights of the DFL
    "yolov3": (61_949_149, 32_932_037_632),
    "yolov8": (3_157_200 - 16, 4_371_456_000),
}

# Published with the code: parameters with the 16 weights of the DFL, which the files leave out.
YOLO = {
    "yolov8": {"s": 11_166_560, "m": 25_902_640, "l": 43_691_520, "x": 68_229_648},
    "yolo11": {"s": 9_458_752, "m": 20_114_688, "l": 25_372_160, "x": 56_966_176},
}


def report(name: str) -> Report:
    """The report of a file, ``name`` or ``name::variant``, which must have no errors."""
    stem, _, variant = name.partition("::")
    path = FOLDER / f"{stem}.convcalc.yaml"
    network = read_network(Target(str(path), variant or None, path.read_text("utf-8")))
    assert not [p for p in network.problems if p.severity == "error"], network.problems
    return analyse(network)


@pytest.mark.parametrize("name", COUNTS)
def test_an_official_network_counts_what_its_code_does(name: str) -> None:
    found = report(name)
    assert found.complete
    assert (found.totals.params, found.totals.macs) == COUNTS[name]


def test_every_file_is_held_to_its_numbers() -> None:
    files = {path.name.removesuffix(".convcalc.yaml") for path in FOLDER.iterdir()}
    assert files == {name.partition("::")[0] for name in COUNTS}
    assert len(files) == 23


@pytest.mark.parametrize(("name", "scale"), [(n, s) for n, sizes in YOLO.items() for s in sizes])
def test_every_scale_of_yolo_has_the_published_parameters(name: str, scale: str) -> None:
    assert report(f"{name}::{name}{scale}").totals.params + 16 == YOLO[name][scale]


def test_a_deformable_convolution_multiplies_by_its_mask_too() -> None:
    """xingyizhou/CenterNet, its DCN replaced by the offset convolution and a plain one."""
    found = report("centernet_dla34")
    masks = [
        term.amount
        for layer in found.layers
        for term in layer.terms
        if layer.operator == "deform_conv" and term.name == "modulation"
    ]
    assert found.totals.macs - sum(masks) == 33_099_743_232
