"""Which channels of an earlier tensor a channel sees, and stacks whose groups never mix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import shipped
from small import network_of_text

from convcalc import load
from convcalc.analysis.receptive_field.channel_mixing import channels_seen, first_stack, unmixed
from convcalc.checking.rules import unmixed_groups
from convcalc.language.sources.shipped import shipped_folder
from convcalc.model.graph.network import Network

STEM = "input: [3, 16, 16]\nlayers:\n- {conv: {out: 8, k: 3, p: 1}, id: stem}\n"


def small(layers: str) -> Network:
    return network_of_text(STEM + layers)


def seen(layers: str) -> list[set[int]]:
    """For each channel of the last layer, the channels of the stem that it sees."""
    network = small(layers)
    sets = channels_seen(network, 1, len(network.layers))
    assert sets is not None
    return [{c for c in range(8) if each >> c & 1} for each in sets]


def test_channels_by_hand() -> None:
    grouped = "- {conv: {out: 4, k: 1, groups: 4}}\n"
    assert seen(grouped) == [{0, 1}, {2, 3}, {4, 5}, {6, 7}]
    assert seen(f"{grouped}- {{conv: {{out: 4, k: 3, groups: 2}}}}\n") == [
        *[{0, 1, 2, 3}] * 2,
        *[{4, 5, 6, 7}] * 2,
    ]
    assert seen("- {depthwise_conv: {k: 3, depth_multiplier: 2}}\n- channel_slice: {stop: 3}") == [
        {0},
        {0},
        {1},
    ]
    shuffled = (
        f"{grouped}- {{channel_shuffle: {{groups: 2}}}}\n- {{conv: {{out: 2, k: 1, groups: 2}}}}"
    )
    assert seen(shuffled) == [{0, 1, 4, 5}, {2, 3, 6, 7}]
    assert seen(f"{grouped}- squeeze_excite: {{reduction: 2}}\n") == [set(range(8))] * 4
    assert seen("- pixel_shuffle: {factor: 2}\n") == [{0, 1, 2, 3}, {4, 5, 6, 7}]
    assert seen("- global_avg_pool\n") == [{c} for c in range(8)]
    assert seen("- {local_response_norm: {size: 3}}\n- channel_slice: {stop: 1}\n") == [{0, 1}]


HALVES = """\
- {channel_slice: {stop: 4}, from: stem, id: a}
- {flatten: {}, from: a, id: x}
- {linear: {out: 2}, from: x, id: p}
- {channel_slice: {start: 4}, from: stem, id: b}
- {flatten: {}, from: b, id: y}
- {linear: {out: 2}, from: y, id: q}
- {add: {}, from: [p, q]}
"""


def test_vectors_of_several_channels_are_united() -> None:
    assert seen(HALVES) == [set(range(8))] * 2
    assert seen(HALVES.replace("start: 4", "start: 4, stop: 6")) == [set(range(6))] * 2
    gate = "- {global_avg_pool: {}, from: a, id: x}\n- {mul: {}, from: [b, x]}\n"
    halves = HALVES.splitlines(keepends=True)
    assert seen(f"{halves[0]}{halves[3]}{gate}") == [{c, c + 4} for c in range(4)]


def test_the_stack_begins_before_the_first_layer_with_groups() -> None:
    network = small("- {conv: {out: 4, k: 1}, id: a}\n- {conv: {out: 8, k: 1, groups: 2}, id: b}\n")
    assert first_stack(network, 3) == 2
    assert first_stack(network, 2) is None


TOWERS = "- {conv: {out: 8, k: 3, p: 1, groups: 2}}\n"


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        (TOWERS, False),  # a single layer is no stack
        (TOWERS * 2, True),
        (f"{TOWERS}- {{depthwise_conv: {{k: 3, p: 1}}}}\n- relu\n{TOWERS}", True),
        (f"{TOWERS}- {{channel_shuffle: {{groups: 2}}}}\n{TOWERS}", False),
        (f"{TOWERS * 2}- {{conv: {{out: 8, k: 1}}}}\n", False),
        (f"{TOWERS * 2}- global_avg_pool\n- {{linear: {{out: 5}}}}\n", True),
        (f"{TOWERS * 2}- flatten\n- {{linear: {{out: 5}}}}\n", True),
        (f"{TOWERS * 2}- squeeze_excite: {{reduction: 2}}\n", False),
        (f"- residual: [{{seq: [{TOWERS[2:-1]}, {TOWERS[2:-1]}]}}]\n", True),
        (f"- residual: [{{seq: [{TOWERS[2:-1]}, {{conv: {{out: 8, k: 1}}}}]}}]\n", False),
        ("- {depthwise_conv: {k: 3, p: 1}, repeat: 2}\n", False),  # nothing to mix within a group
    ],
)
def test_groups_that_never_mix(layers: str, found: bool) -> None:
    network = small(layers)
    assert not network.problems
    stacks = list(unmixed(network))
    assert [(apart.channels, apart.most) for apart in stacks] == [(8, 4)] * found
    assert len(list(unmixed_groups.findings(network))) == found


def test_a_shufflenet_without_its_shuffles_is_found_and_the_one_that_ships_is_not(
    tmp_path: Path,
) -> None:
    assert list(unmixed(shipped.network("shufflenet_v1_g3"))) == []
    shutil.copytree(shipped_folder(), tmp_path / "specs")
    block = tmp_path / "specs" / "blocks" / "shufflenet_v1.convcalc.yaml"
    text = block.read_text("utf-8")
    assert "channel_shuffle: {groups: g}" in text
    block.write_text(text.replace("channel_shuffle: {groups: g}", "identity: {}"), "utf-8")
    network = load(str(tmp_path / "specs" / "shufflenet_v1.convcalc.yaml"))
    (apart,) = unmixed(network)
    assert (apart.channels, apart.most) == (480, 320)
