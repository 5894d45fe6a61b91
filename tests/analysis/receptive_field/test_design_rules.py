"""What design rules and budgets say of what is read: by listing, and for published rates."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from small import network_of

from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.worst_case import coverage, look_ahead
from convcalc.checking.rules.gridding import findings
from convcalc.model.geometry.axis_maps import Stamp
from convcalc.model.graph.network import Network
from convcalc.model.graph.unread import unread_tensors

# Rates of 3-tap layers: receptive field, positions read, each by listing the positions.
RATES = [
    ([1, 1, 1], 7, 7),
    ([1, 2, 3], 13, 13),
    ([2, 2, 2], 13, 7),
    ([1, 2, 4], 15, 15),
    ([1, 2, 5], 17, 17),
    ([1, 2, 7], 21, 21),
    ([1, 2, 8], 23, 21),
    ([1, 2, 9], 25, 21),
    ([1, 5, 2], 17, 17),
    ([1, 3, 9], 27, 27),
    ([2, 3], 11, 9),
    ([2, 3, 7], 25, 23),
    ([2, 4, 8], 29, 15),
    ([2, 4, 6], 25, 13),
    ([6, 12, 18], 73, 13),
    ([1, 2, 5, 9], 35, 35),
    ([5, 9, 17], 63, 27),
    ([1, 1, 2, 3, 5], 25, 25),
    ([1, 1, 2, 4, 8, 16, 1], 67, 67),
]


# --- of networks -------------------------------------------------------------------------------


def conv(rate: int = 1, k: int = 3, **more: Any) -> dict[str, Any]:
    return {"conv": {"out": 4, "k": k, "d": rate, "p": rate * (k // 2), **more}}


def last(network: Network) -> int:
    return len(network.inputs) + len(network.layers) - 1


@pytest.mark.parametrize(("rates", "span", "read"), RATES[:12], ids=str)
def test_coverage_of_a_chain(rates: list[int], span: int, read: int) -> None:
    for sizes in ([4, 200], [4, 200, 200]):
        network = network_of([conv(rate) for rate in rates], sizes)
        assert coverage(network, last(network)) == Fraction(read, span) ** (len(sizes) - 1)


def test_coverage_where_branches_meet() -> None:
    aspp = {"branches": [[conv(1, 1)], [conv(6)], [conv(12)]], "join": "concat"}
    apart = network_of([aspp], [4, 64])  # each channel sees one branch
    assert coverage(apart, last(apart)) == Fraction(3, 25)
    on_a_line = network_of([aspp, conv(1, 1)], [4, 64])
    assert coverage(on_a_line, last(on_a_line)) == Fraction(5, 25)
    on_a_plane = network_of([aspp, conv(1, 1)], [4, 64, 64])  # 17 taps: no product of the axes
    assert coverage(on_a_plane, last(on_a_plane)) == Fraction(17, 625)
    whole = network_of([conv(), {"residual": [conv(), conv(2)]}], [4, 64, 64])
    assert coverage(whole, last(whole)) == 1


def test_holes_stay_behind_an_upsampling() -> None:
    # each output reads one position of the map below, and that reads 3 of 5
    network = network_of([conv(2), {"conv_transpose": {"out": 4, "k": 2, "s": 2}}], [4, 32])
    assert coverage(network, last(network)) == Fraction(3, 5)
    assert look_ahead(network, last(network)) == (2,)


def test_a_global_layer_leaves_the_local_path() -> None:
    network = network_of([conv(2), "global_avg_pool"], [4, 32, 32])
    assert coverage(network, last(network)) == Fraction(9, 25)


def test_what_cannot_be_known_is_not_guessed() -> None:
    opaque = {"opaque": {"output": [4, 8, 8], "params": 0, "macs": 0, "receptive_field": "unknown"}}
    network = network_of([opaque], [4, 8, 8])
    with pytest.raises(Unseen):
        coverage(network, last(network))


def test_look_ahead_is_what_lies_after_the_own_position() -> None:
    causal = {"conv": {"out": 4, "k": 3, "d": 4, "p": "causal"}}
    network = network_of([causal, causal], [4, 100])
    assert look_ahead(network, last(network)) == (0,)
    network = network_of([causal, conv(), conv(3)], [4, 100])
    assert look_ahead(network, last(network)) == (4,)
    network = network_of([conv(1, 3, s=2), conv()], [4, 100])
    assert look_ahead(network, last(network)) == (2,)  # 2y - 1 to 2y + 3; its own are two


@pytest.mark.parametrize(
    ("layers", "sizes", "reason"),
    [
        ([{"conv": {"out": 4, "k": 3, "s": 2, "p": "same"}}], [4, None], "the size of the input"),
        ([{"adaptive_avg_pool": {"output_size": [8, 1]}}], [4, 8, 8], "sees the whole width"),
    ],
)
def test_look_ahead_is_unknown_where_no_position_is(
    layers: list[Any], sizes: list[int | None], reason: str
) -> None:
    network = network_of(layers, sizes)
    with pytest.raises(Unseen, match=reason):
        look_ahead(network, last(network))


# --- gridding ----------------------------------------------------------------------------------


def gridding(layers: list[Any], sizes: Any = (4, 64, 64)) -> list[str]:
    found = findings(network_of(layers, list(sizes)))
    return [f"{each.within} {each.message}" for each in found]


@pytest.mark.parametrize(("rates", "span", "read"), RATES, ids=str)
def test_stacks_of_published_rates(rates: list[int], span: int, read: int) -> None:
    found = gridding([conv(rate) for rate in rates], [4, 256])
    assert len(found) == (span != read)
    assert all(f"of {span} positions in length the stack reads {read}" in text for text in found)


def test_a_stack_ends_where_the_resolution_changes() -> None:
    pool = {"max_pool": {"k": 2, "s": 2}}
    assert len(gridding([conv(), pool, conv(2), conv(2)])) == 1  # the holes are in the small map
    assert len(gridding([conv(2), pool, conv()])) == 0  # the pool's own taps fill: 0 2 4, 1 3 5
    assert len(gridding([conv(2), {"max_pool": {"k": 3, "s": 3}}])) == 0
    assert len(gridding([conv(4), pool, conv(), conv(2)])) == 1
    assert len(gridding([conv(2), "global_avg_pool"])) == 1
    upsampled = [conv(2), {"upsample": {"scale": 2}}, conv(2)]
    assert len(gridding(upsampled)) == 1  # before it; behind it neighbours are not independent
    assert gridding([conv(), {"upsample": {"scale": 2}}, conv(2), conv(2)]) == []


def test_what_a_branch_fills_is_filled() -> None:
    assert gridding([{"branches": [[conv(1)], [conv(2)]], "join": "concat"}]) == []
    assert len(gridding([{"branches": [[conv(1, 1)], [conv(2)]], "join": "concat"}])) == 1
    assert len(gridding([{"residual": [conv(2), conv(2)]}])) == 1
    assert gridding([{"residual": [conv(2), conv(1)]}]) == []
    for between in ({"group_norm": {"groups": 2}}, {"squeeze_excite": {"squeeze_channels": 2}}):
        assert gridding([conv(2), between, conv(1)]) == []
        assert len(gridding([conv(2), between, conv(2)])) == 1


def test_the_advice_is_the_greatest_dilation_that_fills() -> None:
    network = network_of([conv(), conv(2), conv(8)], [4, 64])
    (found,) = findings(network)
    assert found.help == "the layers of smaller dilation span 7: use at most 7 instead of 8"


# --- unread positions --------------------------------------------------------------------------


def test_unread_positions_by_listing() -> None:
    for n, k, s, p, d in product(range(1, 12), range(1, 4), range(1, 5), range(3), range(1, 3)):
        extent = d * (k - 1) + 1
        if n + 2 * p < extent or p >= extent:
            continue
        size = (n + 2 * p - extent) // s + 1
        read = {s * y - p + d * t for y in range(size) for t in range(k)} & set(range(n))
        network = network_of([{"conv": {"out": 1, "k": k, "s": s, "p": p, "d": d}}, "relu"], [1, n])
        found = [each.missing for each in unread_tensors(network)]
        assert found == ([n - len(read)] if len(read) < n and s > 1 else []), (n, k, s, p, d)


def test_what_another_layer_reads_is_read() -> None:
    strided, whole = conv(1, 1, s=2, p=0), conv(1, 3, s=2)
    alone = network_of([conv(), strided], [4, 32])
    assert [each.missing for each in unread_tensors(alone)] == [16]
    beside = {"branches": [[strided], [whole]], "join": "add"}
    assert list(unread_tensors(network_of([conv(), beside], [4, 32]))) == []
    output = network_of([{**conv(), "id": "a"}, strided], [4, 32], outputs=["a", "conv"])
    assert list(unread_tensors(output)) == []


# --- checkerboard ------------------------------------------------------------------------------


def test_the_taps_of_a_transposed_convolution_by_counting() -> None:
    for k, s, d in product(range(1, 8), range(1, 5), range(1, 5)):
        counts = {len(Stamp(k, s, 3, d).taps(y)) for y in range(5 * s, 6 * s)}
        expected = None if len(counts) == 1 else (min(counts), max(counts))
        assert Stamp(k, s, 3, d).uneven_taps == expected, (k, s, d)
