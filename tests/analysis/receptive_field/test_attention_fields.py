"""What attention and masks read, position by position, against lists made by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from regions import Position, listed, members
from small import network_of, report_of

from convcalc.analysis.receptive_field.alignment import drifts
from convcalc.analysis.receptive_field.domains import SUPPORTS
from convcalc.analysis.receptive_field.reach import seen_together
from convcalc.analysis.receptive_field.read_back import read_back
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.model.graph.network import Network

ITSELF = ["input", "input", "input"]


def read(network: Network, place: Position, **how: bool) -> set[Position]:
    """The positions within the input that one position of the last tensor reads."""
    number = len(network.layers)
    wanted = {number: region_of([(y, 1) for y in place])}
    return listed(read_back(network, wanted, bordered=True, **how).get("input"), len(place))


def attention(sizes: Any, **fields: Any) -> Network:
    return network_of(
        [{"dot_product_attention": {"heads": 2, **fields}, "from": ITSELF}], [4, *sizes]
    )


@pytest.mark.parametrize("sizes", [(5,), (3, 4), (2, 3, 2)])
def test_causal_attention_reads_every_position_up_to_its_own_in_the_order_of_rows(
    sizes: tuple[int, ...],
) -> None:
    places = list(product(*map(range, sizes)))
    network = attention(sizes, causal=True)
    for number, place in enumerate(places):
        assert read(network, place) == set(places[: number + 1])
    facts = network.layers[0].analysis.facts
    assert facts["attended_pairs"] == sum(range(len(places) + 1))


@pytest.mark.parametrize(("k", "before"), [(1, 0), (2, 0), (3, 1), (4, 1), (9, 4)])
def test_a_window_reads_its_positions_and_counts_their_pairs(k: int, before: int) -> None:
    sizes = (4, 5)
    network = attention(sizes, window=k)
    pairs = 0
    for place in product(*map(range, sizes)):
        near = [range(y - before, y - before + k) for y in place]
        expected = {p for p in product(*map(range, sizes)) if all(map(range.__contains__, near, p))}
        assert read(network, place) == expected
        pairs += len(expected)
    assert network.layers[0].analysis.facts["attended_pairs"] == pairs


def test_a_causal_window_reads_the_last_positions() -> None:
    network, pairs = attention((9,), causal=True, window=4), 0
    for y in range(9):
        expected = {(x,) for x in range(max(0, y - 3), y + 1)}
        assert read(network, (y,)) == expected
        pairs += len(expected)
    assert network.layers[0].analysis.facts["attended_pairs"] == pairs


def test_attention_without_a_mask_is_global_beside_its_own_position() -> None:
    report = report_of(
        [
            {"conv": {"out": 8, "k": 3, "p": 1}, "id": "x"},
            {"conv": {"out": 8, "k": 4, "s": 4}, "id": "small"},
            {"dot_product_attention": {"heads": 2}, "from": ["x", "small", "small"]},
        ],
        [3, 16, 16],
    )
    field = report.layers[-1].receptive_field
    assert field is not None
    assert field.is_global and field.size == (3, 3)


def test_queries_and_the_keys_before_them_are_not_called_misaligned() -> None:
    assert not list(drifts(attention((4, 5), causal=True)))
    joined = [{"conv": {"out": 4, "k": 2}, "id": "x"}, {"add": {}, "from": ["x", "cut"]}]
    cut = {"crop": {"margins": [[1, 0], [1, 0]]}, "from": "input", "id": "cut"}
    assert list(drifts(network_of([cut, {**joined[0], "from": "input"}, joined[1]], [4, 4, 5])))


def test_with_its_linear_maps_it_is_attention() -> None:
    whole = report_of([{"attention": {"heads": 3}}], [12, 7, 5]).layers[0]
    *maps, products, out = report_of(
        [
            *({"linear": {"out": 12}, "from": "input", "id": name} for name in "qkv"),
            {"dot_product_attention": {"heads": 3}, "from": ["q", "k", "v"]},
            {"linear": {"out": 12}},
        ],
        [12, 7, 5],
    ).layers
    layers = [*maps, products, out]
    for count in ("params", "macs", "elementwise"):
        assert sum(getattr(each, count) for each in layers) == getattr(whole, count)
    assert products.facts == whole.facts


def test_vit_b_16_at_384_has_the_published_macs() -> None:
    """torchvision's vit_b_16 at 384: 55,484,350,464 multiply-accumulates, 577 tokens."""
    layer = [
        {"layer_norm": {}, "id": "norm"},
        *({"linear": {"out": 768}, "from": "norm", "id": name} for name in "qkv"),
        {"dot_product_attention": {"heads": 12}, "from": ["q", "k", "v"]},
        {"linear": {"out": 768}},
        {"residual": ["layer_norm", {"linear": {"out": 3072}}, "gelu", {"linear": {"out": 768}}]},
    ]
    encoder = report_of(layer, [768, 577])
    patches = report_of([{"conv": {"out": 768, "k": 16, "s": 16}}], [3, 384, 384])
    head = report_of([{"linear": {"out": 1000}}], [768])
    macs = [sum(each.macs for each in report.layers) for report in (patches, encoder, head)]
    assert macs[0] + 12 * macs[1] + macs[2] == 55_484_350_464


# --- windows side by side ------------------------------------------------------------------------


def windows_read(size: int, window: int, shift: int) -> list[set[int]]:
    """By hand: the first window holds what is before the shift, and so on."""
    starts = [shift - window, *range(shift, size, window)] if shift else range(0, size, window)
    found: list[set[int]] = [set() for _ in range(size)]
    for start in starts:
        inside = set(range(max(start, 0), min(start + window, size)))
        for y in inside:
            found[y] = inside
    return found


def attending_windows(window: int, shift: int, partition: str = "window") -> dict[str, Any]:
    fields = {"w": window, "shift_size": shift, "heads": 1, "partition": partition}
    return {"window_attention": fields}


@pytest.mark.parametrize(("window", "shift"), [(2, 0), (3, 0), (3, 1), (4, 2), (5, 4)])
def test_two_layers_of_windows_read_the_windows_of_windows(window: int, shift: int) -> None:
    size = 14
    layers = [attending_windows(window, 0), attending_windows(window, shift)]
    network = network_of(layers, [1, size])
    first, second = windows_read(size, window, 0), windows_read(size, window, shift)
    for y in range(size):
        assert read(network, (y,)) == {(x,) for m in second[y] for x in first[m]}


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("size", "window", "shift"), [(24, 4, 1), (24, 3, 2), (12, 6, 0)])
def test_the_walk_forward_sees_what_the_walk_back_reads(
    size: int, window: int, shift: int, stride: int
) -> None:
    layers = [
        {"conv": {"out": 2, "k": 3, "s": stride, "p": 1}},
        attending_windows(window, shift),
        {"conv": {"out": 2, "k": 2, "s": 2}},
        attending_windows(2, 1),
    ]
    network = network_of(layers, [1, size * stride])
    *_, (_, seen) = Walk(network, SUPPORTS).layers()
    (reaches,) = seen[0]["input"].axes
    for y in range(network.shape(len(layers)).spatial[0]):
        wanted = {len(layers): region_of([(y, 1)])}
        back = listed(read_back(network, wanted)["input"], 1)
        assert {(x,) for x in members(seen_together(reaches, y, SUPPORTS))} == back


def test_a_grid_reads_every_position_that_is_a_multiple_of_the_step_away() -> None:
    network = network_of([attending_windows(4, 0, "grid")], [1, 12])
    for y in range(12):
        assert read(network, (y,)) == {(x,) for x in range(y % 3, 12, 3)}
    (layer,) = report_of([attending_windows(4, 0, "grid")], [1, 12]).layers
    assert layer.receptive_field is not None and layer.receptive_field.size == (10,)


# --- matrix products -----------------------------------------------------------------------------


def test_a_product_reads_a_row_of_one_factor_and_a_column_of_the_other() -> None:
    network = network_of([{"matmul": {}, "from": ["input", "input"]}], [1, 4, 4])
    (layer,) = report_of([{"matmul": {}, "from": ["input", "input"]}], [1, 4, 4]).layers
    assert layer.receptive_field is not None
    assert layer.receptive_field.global_axes == (True, True)
    assert not layer.receptive_field.is_global  # a cross, not the whole
    row = {(1, x) for x in range(4)}
    column = {(y, 2) for y in range(4)}
    assert read(network, (1, 2), strict=True) == row | column


def test_channels_that_were_positions_are_not_told_apart_but_known_together() -> None:
    layers = [
        {"conv": {"out": 4, "k": 3, "p": 1}, "id": "x"},
        {"matmul": {"transpose_a": True}, "from": ["x", "x"], "id": "scores"},
        {"softmax": {}},
        {"matmul": {"transpose_b": True}, "from": ["x", "prev"]},
    ]
    report = report_of(layers, [2, 6])
    scores, out = report.layers[1].receptive_field, report.layers[-1].receptive_field
    assert scores is not None and "channel reads one position" in scores.reason
    assert out is not None and out.is_global and not out.reason
