"""The command ``rf``: whole outputs, known values, pictures that say the same as the numbers.

``CONVCALC_UPDATE_GOLDEN=1 pytest tests/cli/test_rf.py`` writes the outputs in ``golden/rf`` anew.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from command import Command, verb
from grids import Part
from kept import kept
from places import TESTS
from reads import random_graph
from small import network_of, network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.analysis.receptive_field.alignment import drifts
from convcalc.analysis.receptive_field.axis_study import Halo
from convcalc.analysis.receptive_field.measures import spread
from convcalc.analysis.receptive_field.reach import seen_together
from convcalc.analysis.receptive_field.read_back import POINT, read_back
from convcalc.analysis.receptive_field.region import shadows
from convcalc.analysis.receptive_field.study import Paths1d, Placeless, Study, study
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.receptive_field.weights import MOMENTS, Weights
from convcalc.output.schemas.receptive_field import sight_schema
from convcalc.output.table import Style
from convcalc.output.views.cone import cone_svg
from convcalc.output.views.pixels import pixels
from convcalc.output.views.receptive_field import sight_lines
from convcalc.output.views.strip import strip as strip_of

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
    found = study(network_of([{"branches": branches, "join": "concat"}], [1, None, None]))
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


# --- places that are lost, or not known ----------------------------------------------------------


def lines_of(run: Command, tmp_path: Path, body: str, more: str = "") -> str:
    """What the table format prints of a network with this body."""
    file = tmp_path / "net.convcalc.yaml"
    file.write_text(f"convcalc: 1\nname: net\n{body}", "utf-8")
    code, out, err = run(f"{file} {more}")
    assert (code, err) == (0, "")
    return out


STRIPS = """input: [4, 16, 24]
layers:
- {conv: {out: 4, k: 3, p: 1}, id: x}
- {adaptive_avg_pool: {output_size: [16, 1]}}
- {conv: {out: 4, k: [3, 1], p: [1, 0]}, id: rows}
- {adaptive_avg_pool: {output_size: [1, 24]}, from: x}
- {conv: {out: 4, k: [1, 3], p: [0, 1]}, id: columns}
- {add: [rows, columns], id: both}
- {mul: [x, both], id: gated}
"""


def test_row_and_column_sums_together_know_no_position(run: Command, tmp_path: Path) -> None:
    assert "rows: 5×all of input, jump 1×–" in lines_of(run, tmp_path, STRIPS, "--at rows --map")
    assert "both also depends on the whole input" in lines_of(run, tmp_path, STRIPS, "--at both")
    assert study(network_of_text(STRIPS), "rows").axes[1].halo is None
    after = f"{STRIPS}- {{conv: {{out: 4, k: 3, p: 1}}, from: both, id: after}}\n"
    fields = {x.path: x.receptive_field for x in analyse(network_of_text(after)).layers}
    assert fields["after"] == fields["both"]
    found = study(network_of_text(STRIPS), "gated")
    assert (found.is_global, found.coverage) == (True, 1)
    assert [(axis.size, axis.lost) for axis in found.axes] == [(3, False)] * 2


def random_gates(seed: int) -> list[Any]:
    """Convolutions, and poolings of whole axes that meet them again."""
    rng = random.Random(seed)
    items: list[Any] = []
    shapes = [(6, 8)]
    for number in range(1, rng.randint(3, 9)):
        source, other = rng.randrange(len(shapes)), rng.randrange(len(shapes))
        h, w = shapes[source]
        size = rng.choice(((h, 1), (1, w), (1, 1)))
        joins = all(n == m or 1 in (n, m) for n, m in zip((h, w), shapes[other], strict=True))
        k = [rng.choice((1, 3)), rng.choice((1, 3))]
        item: dict[str, Any] = rng.choice(
            (
                {"conv": {"out": 1, "k": k, "p": "half"}},
                {"adaptive_avg_pool": {"output_size": list(size)}},
                {"upsample": {"size": [6, 8]}},
                {"mul": [name_of(source), name_of(other)]},
            )
        )
        if "mul" in item and (source == other or not joins):
            item = {"conv": {"out": 1, "k": k, "p": "half"}}
        if "mul" not in item:
            item["from"] = name_of(source)
        made = {"conv": (h, w), "adaptive_avg_pool": size, "upsample": (6, 8)}
        both = tuple(max(*pair) for pair in zip((h, w), shapes[other], strict=True))
        shapes.append(next((made[key] for key in made if key in item), both))
        items.append({**item, "id": name_of(number)})
    return items


def name_of(number: int) -> str:
    return f"t{number}" if number else "input"


def test_forward_and_backward_agree_on_what_gates_leave(part: Part) -> None:
    lost = 0
    seeds = part(range(600))
    for seed in seeds:
        items = random_gates(seed)
        try:
            found = study(network_of(items, [1, 6, 8]))
        except Placeless:
            continue
        for axis, bits in zip(found.axes, shadows(found.region, 2), strict=True):
            assert axis.seen == bits, (seed, items)
            lost += axis.lost
    assert lost > len(seeds) // 15


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("input: [16]\nlayers: [{linear: {out: 4}}]\n", "sees no input that has spatial axes"),
        (
            "input: [3, 8, 8]\nlayers: [flatten, {linear: {out: 4}}]\n",
            "the whole of 'input' at once",
        ),
        (
            "input: [3, 8, 8]\nlayers: [{conv: {out: 4, k: 3}}]\noutputs: [input]\n",
            "'input' is an input of the network and sees itself",
        ),
    ],
)
def test_the_table_of_what_has_no_place_is_shown_all_the_same(
    run: Command, tmp_path: Path, body: str, line: str
) -> None:
    out = lines_of(run, tmp_path, body)
    assert "layer" in out
    assert line in out
    assert json.loads(lines_of(run, tmp_path, body, "-f json"))["target"] is None


def test_layers_that_change_the_number_of_axes_lose_the_place(run: Command, tmp_path: Path) -> None:
    tokens = (
        "- opaque: {output: [4, 64], receptive_field: global}\n- {conv: {out: 4, k: 3, p: 1}}\n"
    )
    body = f"input: [4, 32, 32]\nlayers:\n- {{conv: {{out: 4, k: 5, p: 2}}, id: x}}\n{tokens}"
    assert "x: 5×5 of input" in lines_of(run, tmp_path, body)
    assert "x: 5×5 of input" in lines_of(run, tmp_path, f"{body}outputs: [x, conv]\n", "--at conv")


def test_an_opaque_layer_to_a_vector_reads_its_window_in_the_middle() -> None:
    layers = [{"opaque": {"output": [5], "receptive_field": [3, 3]}}]
    found = study(network_of(layers, [1, 9, 9]))
    assert [axis.ends for axis in found.axes] == [(3, 5), (3, 5)]
    assert found.unread is not None
    assert found.unread.number == 81 - 9


def test_same_padding_of_an_unknown_size_has_an_extent_but_no_place(
    run: Command, tmp_path: Path
) -> None:
    body = "input: [1, null, null]\nlayers: [{conv: {out: 1, k: 3, s: 2, p: same}}]\n"
    out = lines_of(run, tmp_path, body)
    assert "3×3 of input" in out
    assert "where a position looks is unknown" in out
    assert "halo" not in out
    whole = json.loads(lines_of(run, tmp_path, body, "-f json"))
    for axis in whole["target"]["axes"]:
        keys = ("center", "start", "end", "halo", "look_ahead", "holes")
        assert [axis[key] for key in keys] == [None] * 6
        assert (axis["size"], axis["unread"], axis["paths"]["first"]) == (3, 0, None)


INPUTS = """inputs: {a: [3, 16, 16], b: [3, 32, 32]}
layers:
- {conv: {out: 4, k: 3, p: 1}, from: a, id: x}
- {conv: {out: 4, k: 5, s: 2, p: 2}, from: b, id: y}
- {add: [x, y], id: both}
"""


def test_of_chooses_the_input_of_the_table_too(run: Command, tmp_path: Path) -> None:
    assert "other inputs, with --of: b" in lines_of(run, tmp_path, INPUTS)
    whole = json.loads(lines_of(run, tmp_path, INPUTS, "--of b -f json"))
    fields = [layer["receptive_field"] for layer in whole["layers"]]
    assert [field and field["size"] for field in fields] == [None, [5, 5], [5, 5]]
    assert whole["target"]["input"] == "b"


def test_a_vector_stands_for_a_layer_that_sees_the_input_asked_for() -> None:
    body = f"{INPUTS}- {{global_avg_pool: {{}}, from: x, id: u}}\n"
    body += "- {global_avg_pool: {}, from: y, id: v}\n- {concat: [u, v]}\n"
    assert [study(network_of_text(body), name=name).place for name in ("", "a", "b")] == [
        "x",
        "x",
        "y",
    ]


def test_axes_that_differ_are_told_apart_in_every_line() -> None:
    fields = {"k": [3, 5, 5], "p": [1, 0, 2]}
    lines = sight_lines(study(network_of([{"conv": {"out": 1, **fields}}], [1, 9, 9, 9])))
    (halo,) = (line for line in lines if line.startswith("halo"))
    assert halo == (
        "halo of a tile: depth 1 before and 1 after, height 2 before and 2 after, "
        "width 2 before and 2 after; outputs begin depth 0, height 2, width 0 inside the input"
    )


def test_the_middle_of_those_that_see_furthest_is_chosen() -> None:
    # align_corners: 16 outputs, the pattern of 15; the fields at the ends are as large as inside
    layers = [{"conv": {"out": 1, "k": 3, "s": 2, "p": 1}}, _corners(), _conv3()]
    assert study(network_of(layers, [1, 16])).positions == (8,)


def _corners() -> dict[str, Any]:
    return {"upsample": {"scale": 2, "mode": "linear", "align_corners": True}}


def _conv3() -> dict[str, Any]:
    return {"conv": {"out": 1, "k": 3, "p": 1}}


@pytest.mark.parametrize(
    "layers",
    [
        [("conv", 3, 1, 1), ("conv", 5, 1, 2)],
        [("conv", 3, 2, 1), ("conv_transpose", 4, 2, 1)],
        [("conv_transpose", 3, 2, 1), ("conv", 3, 3, 1), ("conv_transpose", 3, 2, 0)],
        [("conv", 4, 3, 1), ("conv_transpose", 3, 2, 1)],
    ],
)
def test_a_halo_is_what_tiles_of_any_size_need_at_worst(
    layers: list[tuple[str, int, int, int]],
) -> None:
    items = [{name: {"out": 1, "k": k, "s": s, "p": p}} for name, k, s, p in layers]
    network = network_of(items, [1, None])
    axis, halo = study(network).axes[0], study(network).axes[0].halo
    assert halo is not None
    needs = []
    for first in range(24, 36):
        for last in range(first, first + 13):
            ends = [study(network, position=(y,)).axes[0].ends for y in (*range(first, last + 1),)]
            own = [
                x for x in range(200) if first * axis.jump < x + 1 and x < (last + 1) * axis.jump
            ]
            low, high = zip(*filter(None, ends), strict=True)
            needs.append((own[0] - min(low), max(high) - own[-1]))
    assert (halo.before, halo.after) == tuple(map(max, zip(*needs, strict=True)))


def test_outputs_of_a_network_without_padding_begin_inside() -> None:
    axis = study(network_of([{"conv": {"out": 1, "k": 5}}], [1, 9])).axes[0]
    assert (axis.halo, axis.ahead) == (Halo(2, 2, 2), 4)


def test_outputs_may_differ_in_what_they_read_within_the_same_extent() -> None:
    wide = [{"conv": {"out": 1, "k": 3, "d": 8, "p": 8}}]
    coarse = [{"max_pool": {"k": 2, "s": 2}}, {"conv_transpose": {"out": 1, "k": 2, "s": 2}}]
    axis = study(network_of([{"branches": [wide, coarse], "join": "add"}], [1, 32])).axes[0]
    assert (axis.size_min, axis.size, axis.phases, axis.read) == (17, 17, 2, 4)


def test_branches_may_look_back_on_a_time_axis_but_not_on_the_height() -> None:
    back: dict[int, Any] = {1: [[2, 0]], 2: [[2, 0], [1, 1]], 3: [[2, 0], [1, 1], [1, 1]]}
    for rank, warned in ((1, False), (2, True), (3, False)):
        branch = [{"conv": {"out": 1, "k": 3, "p": back[rank]}}]
        items = [{"branches": [branch, []], "join": "add"}]
        assert bool(list(drifts(network_of(items, [1, *[9] * rank])))) == warned


def test_a_trace_leaves_gates_aside_however_wide_they_are(run: Command, tmp_path: Path) -> None:
    body = """input: [1, 40]
layers:
- {conv: {out: 1, k: 9, p: 4}, id: wide}
- {global_avg_pool: {keepdim: true}, id: gate}
- {conv: {out: 1, k: 3, p: 1}, from: input, id: x}
- {mul: [gate, x]}
"""
    whole = json.loads(lines_of(run, tmp_path, body, "-f json"))
    assert [step["needs"] for step in whole["target"]["axes"][0]["trace"]] == [3]


def test_the_first_layer_that_spans_the_input_is_named(run: Command, tmp_path: Path) -> None:
    body = (
        "input: [1, 5, 4]\nlayers: [{conv: {out: 1, k: 3, p: 1}}, {conv: {out: 1, k: 3, p: 1}}]\n"
    )
    whole = json.loads(lines_of(run, tmp_path, body, "-f json"))
    assert whole["spans_input_from"] == "conv[1]"
    assert [layer["flags"] for layer in whole["layers"]] == [[], ["first to span the input"]]
    (row, _) = csv.DictReader(io.StringIO(lines_of(run, tmp_path, body, "-f csv")))
    assert float(row["reach"]) == 0.75  # the axis where it is most


def test_a_vector_stands_for_the_middle_of_what_is_there() -> None:
    network = network_of([_conv3(), "global_avg_pool"], [1, 9])
    assert read_back(network, {2: POINT}, bordered=True)["input"] == (3, 0b111)


# --- very large ones -----------------------------------------------------------------------------


def test_a_strip_of_very_many_layers_shows_no_holes_where_shares_round_to_nothing() -> None:
    found = study(network_of([_conv3()] * 1000, [1, None]))
    assert min(found.paths(0).counts) == 0
    assert "·" not in "".join(strip(found, width=80)[:-1])


def test_millions_of_holes_are_named_from_the_center_outward() -> None:
    items = [{"conv": {"out": 1, "k": k, "d": d}} for k, d in ((3, 1 << 20), (3, 1))]
    lines = sight_lines(study(network_of(items, [1, None])))
    (line,) = (line for line in lines if "holes" in line)
    assert line == "9/2097155 read, holes at ±2 ±3 ±4 ±5 ±6 ±7 ±8 ±9 and 1,048,565 more"


def test_the_spread_of_very_many_layers_is_the_deviation_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("convcalc.analysis.receptive_field.weights.MOST_SUMS", 10_000)
    found = study(network_of([_conv3()] * 200, [1, None])).spread(0)
    assert found is not None
    assert found.deviation == pytest.approx(math.sqrt(200 * 8 / 12))
    assert found.core is None


def test_moments_are_those_of_the_weights(part: Part) -> None:
    for seed in part(range(200)):
        graph = random_graph(seed, drift=False)
        network = network_of_text(graph.text)
        *_, (_, weights) = Walk(network, Weights()).layers()
        *_, (_, moments) = Walk(network, MOMENTS).layers()
        first, other = weights["input"][0], moments["input"][0]
        for y in range(3):
            shares, found = seen_together(first, y, Weights()), seen_together(other, y, MOMENTS)
            assert (shares is None) == (found is None)
            if shares is not None and found is not None:
                assert found.variance == pytest.approx(spread(shares[1]).deviation ** 2, abs=1e-9)


# --- pictures ------------------------------------------------------------------------------------


def stack(*rates: int, axes: int = 2, k: int = 3) -> Study:
    items = [{"conv": {"out": 1, "k": k, "d": d, "p": "half"}} for d in rates]
    return study(network_of(items, [1, *[None] * axes]))


def strip(found: Study, **style: Any) -> list[str]:
    """The strip of the first axis."""
    seen = found.axes[0].seen
    assert seen is not None
    return strip_of(found.paths(0), seen, Style(**style))


def test_a_strip_has_one_character_per_position_and_never_hides_a_hole() -> None:
    assert strip(stack(1, 2, 3), width=80) == ["-6 ▃▃▅▅█████▅▅▃▃"]
    assert strip(stack(2, 2, 2), width=80) == ["-6 ▁·▃·▇·█·▇·▃·▁"]
    assert strip(stack(2, 2, 2), width=80, ascii=True) == ["-6 1.3.7.8.7.3.1"]
    wide = stack(*[1] * 10, 900, 3000, axes=1)
    for width in (20, 40, 80):
        lines = strip(wide, width=width)
        assert max(map(len, lines[:-1])) <= width
        assert "·" in "".join(lines[:-1])
    counts = [1] * 10_000
    counts[5000] = 0  # one hole among positions that share a character
    bits = int("".join(map(str, counts)), 2)
    lines = strip_of(Paths1d(0, counts, True), (0, bits), Style(width=40))
    assert "".join(lines[:-1]).count("·") == 1
    assert "positions to a character" in lines[-1]


def test_a_map_shows_each_position_that_is_not_read() -> None:
    for found in (stack(1, 2, 9), stack(2, 3)):
        cells = pixels(found, 1, 1)
        holes = {
            (y, x) for y, line in enumerate(cells) for x, cell in enumerate(line) if cell is None
        }
        low = found.axes[0].seen
        assert low is not None
        lost = {hole - low[0] for hole in found.axes[0].holes}
        n = found.axes[0].size
        assert holes == {(y, x) for y in range(n) for x in range(n) if y in lost or x in lost}
        binned = pixels(found, 2, 3)
        assert {(y // 3, x // 2) for y, x in holes} == {
            (y, x) for y, line in enumerate(binned) for x, cell in enumerate(line) if cell is None
        }


def test_a_coloured_map_has_two_lines_in_a_row(run: Command) -> None:
    out = run("--stack 'k=3 d=1,2,9' --map --color always")[1]
    rows = [line for line in out.splitlines() if "▀" in line]
    assert len(rows) == 13
    assert all(line.count("▀") == 25 for line in rows)
    assert "\x1b[" not in run("--stack 'k=3 d=1,2,9' --map --color never")[1]


def test_a_figure_is_a_whole_svg_file_with_a_cell_per_position(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "cone.svg"
    assert run(f"--stack 'k=3 d=1,2,9' --svg {file}")[0] == 0
    root = ElementTree.parse(file).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    kinds = [node.get("class") for node in root if node.tag.endswith("rect")]
    assert kinds.count("read") == 1 + 3 + 9 + 21
    assert kinds.count("gap") == 0 + 16 + 14 + 4
    assert run(f"vgg16 --svg {file}")[0] == 0
    assert "212×212" in file.read_text("utf-8")


def boxes(text: str, kind: str) -> list[tuple[float, float, float]]:
    """Left, right and top of every rectangle of one kind in a figure."""
    found = [n for n in ElementTree.fromstring(text) if n.get("class") == kind]
    numbers = [{key: float(n.get(key, "nan")) for key in ("x", "y", "width")} for n in found]
    return [(n["x"], n["x"] + n["width"], n["y"]) for n in numbers]


def test_the_cells_of_a_cone_lie_where_their_positions_are() -> None:
    items = [{"conv": {"out": 1, "k": 3, "s": 2, "p": 1}}] * 2
    text = cone_svg(study(network_of(items, [1, 33]), position=(5,)))
    cells = boxes(text, "read")
    rows = {y: [(a + b) / 2 for a, b, top in cells if top == y] for _, _, y in cells}
    assert list(map(len, rows.values())) == [1, 3, 7]
    (output,), middle, inputs = rows.values()
    assert (middle[1], inputs[3]) == pytest.approx((output, output), abs=0.02)
    one = inputs[1] - inputs[0]
    assert [b - a for a, b in pairwise(middle)] == pytest.approx([2 * one] * 2, abs=0.02)
    node = list(ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}polygon"))[-1]
    bottom = [float(point.split(",")[0]) for point in node.get("points", "").split()[2:]]
    assert (max(bottom) - min(bottom)) == pytest.approx(7 * one, abs=0.2)


def test_a_figure_shows_the_first_and_the_last_output_at_their_places() -> None:
    items = [{"conv": {"out": 1, "k": 5, "s": 2, "p": 2}}]
    text = cone_svg(study(network_of(items, [1, 33, 33]), position=(4, 4)))
    ((left, right, _),) = boxes(text, "image")
    ((first, _, _),) = boxes(text, "first")
    ((_, last, _),) = boxes(text, "last")
    ((middle, _, _),) = boxes(text, "out")
    one = (right - left) / 33
    assert (left - first, last - right) == pytest.approx((2 * one, 2 * one), abs=0.2)
    assert middle - left == pytest.approx(6 * one, abs=0.2)


def test_a_map_of_three_axes_is_that_of_the_middle_of_the_first() -> None:
    branches = [
        [{"conv": {"out": 1, "k": [3, 1, 1], "p": [1, 0, 0]}}],
        [{"conv": {"out": 1, "k": [1, 3, 3], "p": [0, 1, 1]}}],
    ]
    items = [{"branches": branches, "join": "add"}]
    cells = pixels(study(network_of(items, [1, 9, 9, 9])), 1, 1)
    assert all(cell is not None for line in cells for cell in line)


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
        "--stack 'k=3 d=1048576,1'",
        "--stack 'k=3 n=500'",
        "--stack 'conv_transpose k=1 s=3'",
    ],
)
def test_the_printed_json_matches_its_schema(run: Command, line: str) -> None:
    out = run(f"{line} -f json")[1]
    jsonschema.Draft7Validator(sight_schema()).validate(json.loads(out))


def test_a_key_too_many_or_too_few_is_no_answer_of_rf(run: Command) -> None:
    validator = jsonschema.Draft7Validator(sight_schema())
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
        ("resnt50", "no file and no shipped network is called 'resnt50'", "resnet50"),
        ("resnet50 --at layer[9]", "there is no layer 'layer[9]'", "layer[3]"),
        ("resnet50 --position 9,9", "there is no height 9", "from 0 to 6"),
        ("resnet50 --position 3", "position 3 is for 1 axes", "has 2"),
        ("resnet50 --position a,b", "--position 'a,b' is no position", "3,5"),
        ("resnet50 --of img", "there is no input 'img'", "input"),
        ("resnet50 --depth 0", "--depth is '0'", ""),
        ("resnet50 --columns rff", "--columns is 'rff'", ""),
        ("wavenet_1024 --map", "--map needs two axes", "--strip"),
        ("--stack 'k=3 d=1,2 s=1,2,3'", "lists of different lengths", "k=3 d=1,2,3"),
        ("--stack 'q=3'", "'q=3' is no field of a stack", "k=3"),
        ("--stack 'k=0'", "k is 0", ""),
        ("--suggest 'k=3'", "needs k from 2, layers and a size", "layers=4"),
        ("--stack ' ; '", "--stack has no layers", "k=3"),
        ("--stack 'relu k=3'", "'relu' has no kernel_size", "k=3"),
        ("--stack 'konv k=3'", "there is no operator 'konv'", "k=3"),
        ("--stack 'k=3 n=99999999'", "more than 3000 layers", "repeat"),
        ("--stack 'k=3 d=1048576,1' --strip", "cannot be drawn: its path counts", ""),
        ("--suggest 'k=3 layers=2 size>=31'", "2 layers of 3 taps do not reach 31", "9 at most"),
        ("--suggest 'k=3 layers=4 size>=31 d<=3'", "dilations up to 3 do not reach", "21 at most"),
        ("--suggest 'k=3 layers=4 size=32'", "have a size of 32", "from 9 to 81 in steps of 2"),
        ("--suggest 'k=3 layers=4 size>=31 size<=20'", "a size of from 31 to 20", ""),
        ("--suggest 'k=100 layers=60 size>=9000000'", "is more than 100000", ""),
        ("--suggest 'k=100 layers=60 size>=90000'", "its path counts would take more", "fewer"),
        ("--suggest 'layers=2 rate>=31'", "'rate>=' is no condition", ""),
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
