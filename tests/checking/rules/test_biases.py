"""Biases before norms: one finding per weight, and only where the norm takes all of it out."""

from __future__ import annotations

import random
from collections.abc import Iterable
from fractions import Fraction

import pytest

from convcalc.checking.rules import bias_before_norm
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

HEAD = "convcalc: 1\nname: net\ninput: [4, 8, 8]\n"


def messages(body: str) -> list[str]:
    network = read_network(Target("net.yaml", None, HEAD + body))
    assert [str(each) for each in network.problems if each.severity == "error"] == []
    return [found.message for found in bias_before_norm.findings(network)]


# --- which norms ---------------------------------------------------------------------------------

CHANNELS, POSITIONS = 4, 3
Groups = list[set[tuple[int, int]]]  # the elements, channel and position, that share a mean


def together(parts: Iterable[Iterable[int]], positions: Iterable[Iterable[int]]) -> Groups:
    return [
        {(c, p) for c in channels for p in places} for channels in parts for places in positions
    ]


EACH, ALL = [[c] for c in range(CHANNELS)], [range(CHANNELS)]
HERE, EVERYWHERE = [[p] for p in range(POSITIONS)], [range(POSITIONS)]
NORMS = {
    "batch_norm: {}": together(EACH, EVERYWHERE),
    "batch_norm: {track_running_stats: false}": together(EACH, EVERYWHERE),
    "instance_norm: {}": together(EACH, EVERYWHERE),
    "instance_norm: {affine: true, track_running_stats: true}": together(EACH, EVERYWHERE),
    "group_norm: {groups: 4}": together(EACH, EVERYWHERE),
    "group_norm: {groups: 2}": together([[0, 1], [2, 3]], EVERYWHERE),
    "group_norm: {groups: 1}": together(ALL, EVERYWHERE),
    "layer_norm: {}": together(ALL, HERE),
    "layer_norm: {spatial: true}": together(ALL, EVERYWHERE),
    "local_response_norm: {size: 3}": [],
    "relu: {}": [],
}


def centered(values: dict[tuple[int, int], Fraction], groups: Groups) -> dict[object, Fraction]:
    """The values without the means of their groups."""
    means = {
        frozenset(each): sum((values[k] for k in each), Fraction()) / len(each) for each in groups
    }
    return {k: v - sum(m for each, m in means.items() if k in each) for k, v in values.items()}


@pytest.mark.parametrize("norm", NORMS)
def test_a_bias_is_named_where_the_means_take_all_of_it_out(norm: str) -> None:
    draw = random.Random(7)
    bias = [Fraction(draw.randint(-9, 9)) for _ in range(CHANNELS)]
    places = [(c, p) for c in range(CHANNELS) for p in range(POSITIONS)]
    values = {place: Fraction(draw.randint(-9, 9)) for place in places}
    moved = {(c, p): value + bias[c] for (c, p), value in values.items()}
    is_lost = centered(values, NORMS[norm]) == centered(moved, NORMS[norm])
    found = messages(f"layers:\n- conv: {{out: {CHANNELS}, k: 3}}\n- {norm}\n")
    assert bool(found) is is_lost


@pytest.mark.parametrize(
    ("norm", "count"),
    [
        ("{batch_norm: {frozen: true}}", 0),  # its mean does not follow the bias
        ("{batch_norm: {}, trainable: false}", 0),
        ("{instance_norm: {track_running_stats: true}, trainable: false}", 0),
        ("{instance_norm: {affine: true}, trainable: false}", 1),  # each input has its own mean
        ("{batch_norm: {track_running_stats: false}, trainable: false}", 1),
    ],
)
def test_fixed_statistics_take_nothing_out(norm: str, count: int) -> None:
    assert len(messages(f"layers:\n- conv: {{out: 4, k: 3}}\n- {norm}\n")) == count


def test_one_channel_has_its_own_mean_in_a_norm_of_all_of_them() -> None:
    for norm, count in [("layer_norm: {spatial: true}", 1), ("group_norm: {groups: 1}", 1)]:
        assert len(messages(f"layers:\n- conv: {{out: 1, k: 3}}\n- {norm}\n")) == count


# --- which biases --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "biases"),
    [
        ("conv: {out: 6, k: 3}", 6),
        ("conv_transpose: {out: 6, k: 2, s: 2}", 6),
        ("depthwise_conv: {k: 3}", 4),
        ("pointwise_conv: {out: 6}", 6),
        ("separable_conv: {out: 6, k: 3}", 10),  # that of the first part is a constant too
        ("mix_conv: {k: [3, 5], bias: true}", 4),
        ("conv: {out: 6, k: 3, bias: false}", 0),
        ("locally_connected: {out: 6, k: 3}", 0),  # one per position
        ("cond_conv: {out: 6, k: 3, experts: 2, bias: true}", 0),  # mixed for each sample
        ("inpainting_conv: {out: 6, k: 3}", 0),  # missing where the mask is
        ("layer_norm: {}", 4),
        ("layer_norm: {spatial: true}", 0),  # one per position
        ("instance_norm: {affine: true}", 0),  # has no field that leaves it out
    ],
)
def test_only_a_bias_that_is_a_constant_of_its_channel_is_named(layer: str, biases: int) -> None:
    found = messages(f"layers:\n- {layer}\n- batch_norm\n")
    assert [message.partition("(")[2].partition(" ")[0] for message in found] == (
        [str(biases)] if biases else []
    )


# --- shared weights ------------------------------------------------------------------------------

SHARED = """\
outputs: [n0, n1, n2]
layers:
- {conv: {out: 4, k: 3}, id: c}
- {batch_norm: {}, id: n0}
- {conv: {out: 4, k: 3}, share: c, from: input, id: c1}
- {batch_norm: {}, id: n1}
- {conv: {out: 4, k: 3}, share: c, from: input, id: c2}
- {batch_norm: {}, id: n2}
"""


def test_a_shared_bias_is_one_finding_if_no_use_of_it_has_an_effect() -> None:
    assert messages(SHARED) == [
        "the bias of 'conv' (4 params) has no effect in any of its 3 uses: "
        "'n0' subtracts the mean of each channel"
    ]
    for norm in ("n0", "n1", "n2"):  # one use that keeps it is enough
        assert (
            messages(
                SHARED.replace(f"{{batch_norm: {{}}, id: {norm}}}", f"{{relu: {{}}, id: {norm}}}")
            )
            == []
        )
    assert messages(SHARED.replace("n2]", "n2, c1]")) == []
