"""What is read where a layer has positions that its input has not, or keeps a part of them."""

from __future__ import annotations

from typing import Any

import pytest
from regions import listed
from small import network_of, report_of

from convcalc.analysis.receptive_field.histories import Histories
from convcalc.analysis.receptive_field.read_back import POINT, Unseen, read_histories
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.analysis.receptive_field.walk import Walk


def reads_at(layers: list[Any], sizes: list[int], place: int) -> set[tuple[int, ...]]:
    histories = Histories(network_of(layers, sizes))
    wanted = {histories.tensors[-1].histories[0]: region_of([(place, 1)])}
    return listed(
        read_histories(histories, wanted, bordered=True, strict=True).get("input"), len(sizes) - 1
    )


@pytest.mark.parametrize("operator", ["conv", "separable_conv", "gated_conv"])
@pytest.mark.parametrize("padding", [[0, 1], [0, 2], [1, 0], [1, 1]])
def test_a_single_tap_on_padding_reads_nothing(operator: str, padding: list[int]) -> None:
    layer = {operator: {"out": 2, "k": 1, "p": [padding]}}
    before, after = padding
    for place in range(5 + before + after):
        inside = 0 <= place - before < 5
        assert reads_at([layer], [2, 5], place) == ({(place - before,)} if inside else set())


@pytest.mark.parametrize("last", [{"separable_conv": {"out": 2, "k": 1, "p": [[0, 1]]}}, "relu"])
def test_positions_of_padding_between_two_layers_are_its_own(last: Any) -> None:
    layers = [{"pad": {"size": [6]}}, {"conv": {"out": 2, "k": 3, "p": 1}}, last]
    assert reads_at(layers, [2, 5], 5) == {(4,)}


GHOSTS = {"ghost_conv": {"out": 2, "k": 3, "dw_size": 3}}


@pytest.mark.parametrize("first", [[], [GHOSTS, {"large_kernel_attention": {"k": 3, "d": 1}}]])
def test_what_mixes_a_part_of_flattened_positions_is_not_said_to_see_them_all(
    first: list[Any],
) -> None:
    layers = [*first, "flatten", {"channel_select": {"indices": [13]}}, {"linear": {"out": 5}}]
    histories = Histories(network_of(layers, [2, 7]))
    with pytest.raises(Unseen, match="a part of the positions"):
        read_histories(
            histories, {histories.tensors[-1].histories[0]: POINT}, bordered=True, strict=True
        )


def test_what_stacked_attention_leaves_out_is_asked_once_per_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each asks of all that is before it; asked anew each time, twenty would take for ever."""
    made, begin = [], Walk.__init__

    def counted(self: Walk, *args: Any) -> None:
        made.append(self)
        begin(self, *args)

    monkeypatch.setattr(Walk, "__init__", counted)
    layer = {"residual": ["layer_norm", {"attention": {"heads": 2}}]}
    pooled = [{"conv": {"out": 4, "k": 1, "s": 2}}]
    report_of([*pooled, *[layer] * 20, "global_avg_pool"], [4, 9, 9])
    assert len(made) < 100
