"""What ``rf`` says where places are lost, not known, or very many."""

from __future__ import annotations

import csv
import io
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from command import Command, verb
from grids import Part
from places import TESTS
from reads import random_graph
from small import network_of, network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.analysis.receptive_field.alignment import drifts
from convcalc.analysis.receptive_field.axis_study import Halo
from convcalc.analysis.receptive_field.measures import spread
from convcalc.analysis.receptive_field.reach import Reaches, seen_together
from convcalc.analysis.receptive_field.read_back import POINT, read_back
from convcalc.analysis.receptive_field.region import projections
from convcalc.analysis.receptive_field.study import Placeless, study
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.analysis.receptive_field.weights import MOMENTS, Weights
from convcalc.output.views.receptive_field import receptive_field_facts

GOLDEN = TESTS / "golden" / "rf"


run = verb("rf")


def target(run: Command, line: str) -> Any:
    """What the JSON says of the layer that is looked at."""
    code, out, err = run(f"{line} -f json")
    assert (code, err) == (0, "")
    return json.loads(out)["target"]


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
    cross = "depends on all of the height and width, each by itself"  # not on the whole input
    assert cross in lines_of(run, tmp_path, STRIPS, "--at gated")
    assert "both also depends on all of the height" in lines_of(run, tmp_path, STRIPS, "--at both")
    assert study(network_of_text(STRIPS), "rows").axes[1].halo is None
    after = f"{STRIPS}- {{conv: {{out: 4, k: 3, p: 1}}, from: both, id: after}}\n"
    fields = {x.path: x.receptive_field for x in analyse(network_of_text(after)).layers}
    assert fields["after"] == fields["both"]
    found = study(network_of_text(STRIPS), "gated")
    assert (found.is_global, found.coverage) == (False, 1)
    assert found.sight.global_axes == (True, True)
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
        for axis, bits in zip(found.axes, projections(found.region, 2), strict=True):
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
    assert "where one looks is unknown" in out
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
    assert "other inputs     with --of: b" in lines_of(run, tmp_path, INPUTS)
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
    facts = receptive_field_facts(study(network_of([{"conv": {"out": 1, **fields}}], [1, 9, 9, 9])))
    assert dict(facts)["halo of a tile"] == (
        "depth 1 before and 1 after, height 2 before and 2 after, "
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


def test_millions_of_holes_are_named_from_the_center_outward() -> None:
    items = [{"conv": {"out": 1, "k": k, "d": d}} for k, d in ((3, 1 << 20), (3, 1))]
    facts = receptive_field_facts(study(network_of(items, [1, None])))
    assert (
        dict(facts)["holes"]
        == "9/2097155 read, holes at ±2 ±3 ±4 ±5 ±6 ±7 ±8 ±9 and 1,048,565 more"
    )


def test_the_spread_of_very_many_layers_is_the_deviation_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("convcalc.analysis.receptive_field.weights.MOST_SUMS", 10_000)
    found = study(network_of([_conv3()] * 200, [1, None])).spread(0)
    assert found is not None
    assert found.deviation == pytest.approx(math.sqrt(200 * 8 / 12))
    assert found.core is None


def _last(walk: Walk) -> Reaches:
    """What all channels of the last layer see together, on one axis."""
    *_, (_, seen) = walk.layers()
    return walk.together(seen)["input"].axes[0]


def test_moments_are_those_of_the_weights(part: Part) -> None:
    for seed in part(range(200)):
        graph = random_graph(seed, drift=False)
        network = network_of_text(graph.text)
        first, other = (_last(Walk(network, kind)) for kind in (Weights(), MOMENTS))
        for y in range(3):
            shares, found = seen_together(first, y, Weights()), seen_together(other, y, MOMENTS)
            assert (shares is None) == (found is None)
            if shares is not None and found is not None:
                assert found.variance == pytest.approx(spread(shares[1]).deviation ** 2, abs=1e-9)
