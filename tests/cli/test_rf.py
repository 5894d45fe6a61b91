"""The command ``rf``: whole outputs, known values, pictures that say the same as the numbers.

``CONVCALC_UPDATE_GOLDEN=1 pytest tests/cli/test_rf.py`` writes the outputs in ``golden/rf`` anew.
"""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import Command, verb
from kept import kept
from places import TESTS
from small import network_of

from convcalc.analysis.receptive_field.study import study
from convcalc.output.schemas.receptive_field import receptive_field_schema

GOLDEN = TESTS / "golden" / "rf"


run = verb("rf")


def target(run: Command, line: str) -> Any:
    """What the JSON says of the layer that is looked at."""
    code, out, err = run(f"{line} -f json")
    assert (code, err) == (0, "")
    return json.loads(out)["target"]


# --- whole outputs -------------------------------------------------------------------------------

LINES = {
    "resnet50": "resnet50",
    "unet_original": "unet_original --strip",
    "at": "vgg16 --at features[2] --position 0,27",
    "path": "patchgan --path",
    "stack_whole": "--stack 'k=3 d=1,2,3' --strip --map",
    "stack_gridding": "--stack 'k=3 d=2,2,2' --strip --map",
    "stack_mixed": "--stack 'k=7 s=2; max_pool k=3 s=2; k=3 d=1,2 n=2'",
    "suggest": "--suggest 'k=3 layers=4 size>=31'",
    "misaligned": "xception",
    "causal": "wavenet_1024",
}


@pytest.mark.parametrize("name", LINES)
def test_a_whole_output_is_as_it_was(name: str, run: Command) -> None:
    code, out, err = run(LINES[name])
    text = f"$ convcalc rf {LINES[name]}\n{out}[stderr]\n{err}[exit {code}]\n"
    assert text == kept(GOLDEN / f"{name}.txt", text)


# --- known values --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "size", "coverage", "holes", "spacing"),
    [
        ("1,2,3", 13, "1", [], 1),
        ("2,2,2", 13, "49/169", [-5, -3, -1, 1, 3, 5], 2),
        ("1,2,9", 25, "441/625", [-5, -4, 4, 5], 1),
        ("1,5,2", 17, "1", [], 1),
        ("2,3", 11, "81/121", [-4, 4], 1),
        ("6,12,18", 73, "169/5329", None, 6),
    ],
)
def test_stacks(
    run: Command, rates: str, size: int, coverage: str, holes: list[int] | None, spacing: int
) -> None:
    found = target(run, f"--stack 'k=3 d={rates}'")
    assert found["coverage"] == coverage
    for axis in found["axes"]:
        assert (axis["size"], axis["center"], axis["spacing"]) == (size, "0", spacing)
        assert axis["read"] + len(axis["holes"]) == size
        assert holes in (None, axis["holes"])


def test_path_counts_of_a_stack(run: Command) -> None:
    paths = target(run, "--stack 'k=3 d=1,2,3'")["axes"][0]["paths"]
    assert paths["counts"] == [1, 1, 2, 2, 3, 3, 3, 3, 3, 2, 2, 1, 1]
    assert (paths["first"], paths["exact"]) == (-6, True)


def test_the_rule_of_hdc_is_shown_beside_the_exact_test(run: Command) -> None:
    for rates, wrong in (("1,5,2", True), ("2,3", True), ("2,2,2", True), ("1,2,9", False)):
        (line,) = re.findall(r"HDC's rule.*", run(f"--stack 'k=3 d={rates}'")[1])
        assert ("wrong here" in line) == wrong


def test_unets_have_a_halo_of_half_their_envelope(run: Command) -> None:
    # Ronneberger et al., arXiv 1505.04597, figure 1, by brute force: 188 to 204, halo 107
    for name, offset in (("unet_original", 92), ("unet", 0)):
        axis = target(run, name)["axes"][0]
        assert (axis["size_min"], axis["size"], axis["phases"]) == (188, 204, 16)
        assert axis["envelope"] == 215
        assert axis["halo"] == {"before": 107, "after": 107, "offset": offset}


@pytest.mark.parametrize(
    ("depth", "least", "most", "envelope"),
    [(1, 18, 18, 19), (2, 44, 44, 47), (3, 92, 100, 103), (4, 188, 204, 215), (5, 380, 412, 439)],
)
def test_unets_by_depth(depth: int, least: int, most: int, envelope: int) -> None:
    # by brute force over every output position
    double = [{"conv": {"out": 1, "k": 3, "p": 1}}] * 2
    down = [{"max_pool": {"k": 2, "s": 2}}, *double]
    up = [{"conv_transpose": {"out": 1, "k": 2, "s": 2}}, *double]
    found = study(network_of([*double, *down * depth, *up * depth], [1, None])).axes[0]
    assert (found.size_min, found.size, found.envelope) == (least, most, envelope)
    assert found.halo is not None
    assert found.halo.before + found.halo.after + 1 == envelope


def test_bilinear_unets_see_a_little_further() -> None:
    double = [{"conv": {"out": 1, "k": 3, "p": 1}}] * 2
    down = [{"max_pool": {"k": 2, "s": 2}}, *double]
    for layer in ({"upsample": {"scale": 2, "mode": "linear"}}, _stamp(4)):
        layers = [*double, *down * 4, *[layer, *double] * 4]
        found = study(network_of(layers, [1, None])).axes[0]
        assert (found.size_min, found.size, found.halo and found.halo.before) == (220, 236, 122)


def _stamp(k: int) -> dict[str, Any]:
    return {"conv_transpose": {"out": 1, "k": k, "s": 2, "p": 1}}


def test_aspp_has_25_taps_and_no_product_of_them() -> None:
    # rates 6, 12, 18 and a 1x1 beside them: 4·... taps, not 7x7 of the projections
    branches = [
        [{"conv": {"out": 1, "k": 1}}],
        *([{"conv": {"out": 1, "k": 3, "d": d, "p": d}}] for d in (6, 12, 18)),
    ]
    aspp = network_of([{"branches": branches, "join": "concat"}], [1, None, None])
    assert study(aspp).coverage == Fraction(9, 37 * 37)  # a channel sees one branch
    assert [study(aspp, channel=c).axes[0].size for c in range(4)] == [1, 13, 25, 37]
    found = study(aspp, union=True)
    assert found.coverage == Fraction(25, 37 * 37)
    assert [axis.seen and axis.seen[1].bit_count() for axis in found.axes] == [7, 7]
    crossed = [
        [{"conv": {"out": 1, "k": [1, 7], "p": [0, 3]}}],
        [{"conv": {"out": 1, "k": [7, 1], "p": [3, 0]}}],
    ]
    found = study(network_of([{"branches": crossed, "join": "add"}], [1, None, None]))
    assert found.coverage == Fraction(13, 49)


def test_resnet18_at_its_border_positions(run: Command) -> None:
    # by brute force: hulls [-217, 217], [-121, 313], [-25, 409] at positions 0, 3 and 6
    for at, hull, inside in ((0, (-217, 217), 218), (3, (-121, 313), 224), (6, (-25, 409), 224)):
        axis = target(run, f"resnet18 --position {at},{at}")["axes"][0]
        assert (axis["start"], axis["end"]) == hull
        low, high = axis["clipped"]
        assert high - low + 1 == inside
        assert axis["padding_share"] == str(1 - Fraction(inside, 435))


def test_gates_do_not_count_as_places(run: Command, tmp_path: Path) -> None:
    gate = (
        "convcalc: 1\nname: net\ninput: [4, 32, 32]\nlayers:\n"
        "- {conv: {out: 4, k: 3, p: 1}, id: x}\n- global_avg_pool: {keepdim: true}\n"
        "- conv: {out: 4, k: 1}\n- sigmoid\n- mul: [x, prev]\n- conv: {out: 4, k: 3, p: 1}\n"
    )
    file = tmp_path / "gate.convcalc.yaml"
    file.write_text(gate, "utf-8")
    found = target(run, f"{file} --position 9,9")
    assert (found["global"], found["inside"], found["coverage"]) == (True, 25, "1")
    assert [axis["size"] for axis in found["axes"]] == [5, 5]


def test_the_trace_follows_the_branch_that_reaches_furthest(run: Command, tmp_path: Path) -> None:
    body = (
        "convcalc: 1\nname: net\ninput: [1, 40]\nlayers:\n- branches:\n"
        "    - [{conv: {out: 1, k: 3, p: 1}}]\n    - [{conv: {out: 1, k: 7, p: 3}}]\n"
        "    - []\n  join: add\n- conv: {out: 1, k: 3, p: 1}\n"
    )
    file = tmp_path / "branches.convcalc.yaml"
    file.write_text(body, "utf-8")
    assert [step["needs"] for step in target(run, str(file))["axes"][0]["trace"]] == [3, 9]


def test_spreads_of_plain_chains() -> None:
    # Luo et al., arXiv 1701.04128: the variance is the sum of e²·(k² - 1)/12; numbers by hand
    for layers, deviation, core in (
        ([(3, 1, 1)] * 10, 2.582, None),
        ([(5, 1, 1)] * 10, 4.472, None),
        ([(7, 1, 1)] * 10, 6.325, None),
        ([(3, 1, 1)] * 64, 6.532, None),
        (_vgg(), 27.64, 110),
    ):
        items = [{"conv": {"out": 1, "k": k, "s": s, "d": d, "p": "half"}} for k, s, d in layers]
        found = study(network_of(items, [1, None])).spread(0)
        assert found is not None
        assert found.deviation == pytest.approx(deviation, abs=0.005)
        assert core in (None, found.core)


def _vgg() -> list[tuple[int, int, int]]:
    """VGG-16 up to its last pooling."""
    return [layer for n in (2, 2, 3, 3, 3) for layer in [*[(3, 1, 1)] * n, (2, 2, 1)]]


def test_dead_input_positions() -> None:
    # a 1x1 with stride 2 skips every odd position, k 2 with stride 3 every third; k 4 s 4 none
    for k, s, lost in ((1, 2, [1, 3, 5, 7, 9, 11]), (2, 3, [2, 5, 8, 11]), (4, 4, [])):
        found = study(network_of([{"conv": {"out": 1, "k": k, "s": s}}], [1, 12, 12])).unread
        assert found is not None
        assert [list(lines) for lines in found.lines] == [lost, lost]
        assert found.number == 144 - (12 - len(lost)) ** 2


def test_uneven_taps_of_transposed_convolutions(run: Command) -> None:
    for k, s, flag in ((3, 2, "1 to 2 taps"), (5, 3, "1 to 2 taps"), (4, 2, None), (2, 2, None)):
        out = run(f"--stack 'conv_transpose k={k} s={s}'")[1]
        assert (flag in out) if flag else ("taps per output" not in out)


def test_causal_networks_do_not_look_ahead(run: Command) -> None:
    for size in (1024, 3070, 6139):
        name = {1024: "wavenet_1024", 3070: "wavenet_ttslearn", 6139: "wavenet_mulaw256"}[size]
        (axis,) = target(run, name)["axes"]
        assert (axis["size"], axis["look_ahead"]) == (size, 0)
    layers = [{"conv": {"out": 1, "k": 3, "p": 1}}] * 5
    assert study(network_of(layers, [1, 40])).axes[0].ahead == 5


# --- machine formats and mistakes ----------------------------------------------------------------


def test_the_machine_formats_hold_every_layer(run: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(run("alexnet --depth all -f csv")[1])))
    assert [row["receptive_field"] for row in rows if row["operator"] == "conv"] == [
        "11x11",
        "51x51",
        "99x99",
        "131x131",
        "163x163",
    ]
    whole = json.loads(run("resnet50 -f json")[1])
    assert whole["schema"] == "convcalc/receptive-field-v1"
    assert len(whole["layers"]) == 174
    assert whole["layers"][0]["receptive_field"]["coverage"] == ["1", "1"]
    assert [step["needs"] for step in target(run, "patchgan")["axes"][0]["trace"]] == [
        4,
        7,
        16,
        34,
        70,
    ]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "line",
    [
        *(line for line in LINES.values() if "--suggest" not in line),
        "fully_connected",
        "fastfcn_psp_resnet50",
        "deformable_faster_rcnn_resnet101_2fc",
        "--stack 'k=3 d=9999999999'",
        "--stack 'k=3 d=65536,1'",
        "--stack 'k=3 n=500'",
        "--stack 'conv_transpose k=1 s=3'",
    ],
)
def test_the_printed_json_matches_its_schema(run: Command, line: str) -> None:
    out = run(f"{line} -f json")[1]
    jsonschema.Draft7Validator(receptive_field_schema()).validate(json.loads(out))


def test_a_key_too_many_or_too_few_is_no_answer_of_rf(run: Command) -> None:
    validator = jsonschema.Draft7Validator(receptive_field_schema())
    whole = json.loads(run("unet -f json")[1])
    axis = whole["target"]["axes"][0]
    for inner in (whole, whole["target"], axis, axis["halo"], whole["layers"][0]):
        for key in list(inner):
            value = inner.pop(key)
            assert not validator.is_valid(whole), key
            inner[key] = value
        inner["more"] = 0
        assert not validator.is_valid(whole)
        del inner["more"]
    assert validator.is_valid(whole)


@pytest.mark.parametrize(
    ("line", "message", "advice"),
    [
        ("", "rf takes one of: a target, --stack, --suggest", "so quote it"),
        ("resnet50 --stack k=3", "rf takes one of: a target, --stack, --suggest", "so quote it"),
        ("resnt50", "no such file or built-in network: 'resnt50'", "resnet50"),
        ("resnet50 --at layer[9]", "there is no layer or block 'layer[9]'", "layer[3]"),
        ("resnet50 --position 9,9", "there is no height 9", "from 0 to 6"),
        ("resnet50 --position 3", "position 3 is for 1 axes", "has 2"),
        ("resnet50 --position a,b", "--position 'a,b' is not a position", "3,5"),
        ("resnet50 --of img", "there is no input 'img'", "input"),
        ("resnet50 --depth 0", "--depth is '0'", ""),
        ("resnet50 --columns rff", "--columns is 'rff'", ""),
        ("wavenet_1024 --map", "--map needs two axes", "--strip"),
        ("--stack 'k=3 d=1,2 s=1,2,3'", "lists of different lengths", "k=3 d=1,2,3"),
        ("--stack 'q=3'", "'q=3' is not a field of a stack", "k=3"),
        ("--stack 'kernal_size=3'", "'kernal_size=3' is not a field of a stack", "use 'k'"),
        ("--stack 'k=3 dilation=2'", "'dilation=2' is not a field of a stack", "use 'd'"),
        ("--stack 'max_pol k=3'", "unknown operator 'max_pol'", "use 'max_pool'"),
        ("--stack 'k=3; Conv2d k=3'", "unknown operator 'Conv2d'", "use 'conv'"),
        ("--stack 'k=0'", "k is 0", ""),
        ("--suggest 'k=3'", "needs k from 2, layers and a size", "layers=4"),
        ("--stack ' ; '", "--stack has no layers", "k=3"),
        ("--stack 'relu k=3'", "'relu' has no kernel_size", "k=3"),
        ("--stack 'konv k=3'", "unknown operator 'konv'", "use 'conv'"),
        ("--stack 'k=3 n=99999999'", "more than 3000 layers", "repeat"),
        ("--stack 'k=3 d=1048576,1' --strip", "cannot be drawn: its path counts", ""),
        ("--suggest 'k=3 layers=2 size>=31'", "2 layers of 3 taps do not reach 31", "9 at most"),
        ("--suggest 'k=3 layers=4 size>=31 d<=3'", "dilations up to 3 do not reach", "21 at most"),
        ("--suggest 'k=3 layers=4 size=32'", "have a size of 32", "from 9 to 81 in steps of 2"),
        ("--suggest 'k=3 layers=4 size>=31 size<=20'", "a size of from 31 to 20", ""),
        ("--suggest 'k=100 layers=60 size>=9000000'", "is more than 100000", ""),
        ("--suggest 'k=100 layers=60 size>=90000'", "its path counts would take more", "fewer"),
        ("--suggest 'layers=2 rate>=31'", "'rate>=' is not a condition", ""),
        ("--stack 'k=3 d=9999999999' --map", "is unknown", ""),
    ],
)
def test_mistakes(run: Command, line: str, message: str, advice: str) -> None:
    code, out, err = run(line)
    assert (code, out) == (2, "")
    assert message in err
    assert advice in err


def test_what_cannot_be_known_is_said_and_the_rest_is_shown(run: Command) -> None:
    code, out, _ = run("--stack 'k=3 d=9999999999,1'")
    assert code == 0
    assert "19999999999" in out
    assert "unknown: its positions would take more than 16,777,216 bits" in out


def test_a_wrong_file_is_a_finding_and_what_could_be_computed_is_shown(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "net.convcalc.yaml"
    layers = "[{conv: {out: 4, k: 3}}, {conv: {out: 4, k: 3, g: 3}}]"
    file.write_text(f"convcalc: 1\nname: net\ninput: [3, 9, 9]\nlayers: {layers}\n", "utf-8")
    code, out, err = run(str(file))
    assert code == 1
    assert "3×3 of input" in out
    assert "does-not-divide" in err


def test_channels_that_differ_are_named_and_one_or_all_can_be_asked_for(run: Command) -> None:
    text = (
        "input: [8, 32, 32]\nlayers:\n"
        "- {conv: {out: 4, k: 3, p: 1}, from: input, id: a}\n"
        "- {conv: {out: 4, k: 7, p: 3}, from: input, id: b}\n"
        "- {concat: [a, b], id: both}\n- {conv: {out: 8, k: 3, p: 1, groups: 2}, id: g}\n"
    )
    Path("two.yaml").write_text(f"convcalc: 1\nname: two\n{text}", "utf-8")
    code, out, _ = run("two.yaml")
    assert code == 0
    assert "5 to 9 by channel" in out
    assert "4–7 of g, one of 2 classes" in out
    assert "each channel of g sees 4 of the 8 channels of both" in out
    assert "g: 5×5 of input" in run("two.yaml --channel 0")[1]
    assert "all of g together" in run("two.yaml --union")[1]
    assert "sees 0 to 4 of the 4 channels of a" in run("two.yaml --of a")[1]
    for mistake in ("--channel 8", "--channel -1", "--channel x", "--channel 1 --union"):
        code, out, err = run(f"two.yaml {mistake}")
        assert (code, out) == (2, "")
        assert "channel" in err
