"""Sums, batches and bytes of whole networks."""

from __future__ import annotations

from math import prod

import pytest
import shipped
from shipped import BASES
from small import report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.rows import rows, rows_by_operator
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.model.operators.contract import KINDS, SAMPLING
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.unknown import known


@pytest.mark.shipped
@pytest.mark.parametrize("name", BASES)
def test_totals_are_the_sums_of_the_layers_at_any_depth(name: str) -> None:
    report = shipped.report(name)
    listings = [rows(report, depth) for depth in (1, 2, 3, None)] + [rows_by_operator(report)]
    for key in COUNTS:
        total = getattr(report.totals, key)
        assert sum(getattr(layer, key) for layer in report.layers) == total
        for listing in listings:
            assert sum(getattr(row, key) for row in listing) == total
    for listing in listings:
        assert sum(row.layers for row in listing) == report.totals.layers == len(report.layers)


# Swin v2's table of relative positions, EfficientDet's weights: computed once, whatever the batch.
ONCE_PER_PASS = ("efficientdet_d0", "swin_v2_t")


@pytest.mark.exhaustive
@pytest.mark.shipped
@pytest.mark.parametrize("name", [name for name in BASES if name not in ONCE_PER_PASS])
def test_a_batch_multiplies_the_work_and_leaves_the_weights_alone(name: str) -> None:
    one, three = shipped.report(name), analyse(read_network(resolve(name), batch=3))
    for key in ("macs", "flops", "sampling", "elementwise", "activations"):
        assert getattr(three.totals, key) == 3 * getattr(one.totals, key)
    for key in ("layers", "params", "trainable", "buffers"):
        assert getattr(three.totals, key) == getattr(one.totals, key)
    assert three.totals.memory.weights == one.totals.memory.weights
    assert three.totals.memory.activations_peak == 3 * one.totals.memory.activations_peak
    assert three.receptive_field == one.receptive_field


@pytest.mark.shipped
@pytest.mark.parametrize("name", BASES)
def test_each_layer_adds_up(name: str) -> None:
    for layer in shipped.report(name).layers:
        assert layer.flops == 2 * layer.macs
        by_kind = {kind: sum(t.amount for t in layer.terms if t.kind == kind) for kind in KINDS}
        assert layer.macs == by_kind["weights"] + by_kind["dynamic"]
        assert (layer.sampling, layer.elementwise) == (by_kind["sampling"], by_kind["elementwise"])
        if not layer.shares:
            assert layer.params == sum(map(prod, layer.weights.values()))


@pytest.mark.shipped
@pytest.mark.parametrize("name", BASES)
def test_bytes_of_weights_are_four_per_parameter_and_buffer(name: str) -> None:
    totals = shipped.report(name).totals
    assert totals.memory.weights == 4 * (totals.params + totals.buffers)


@pytest.mark.exhaustive
@pytest.mark.shipped
@pytest.mark.parametrize("name", BASES)
def test_integers_of_8_bits_take_a_quarter_of_the_bytes(name: str) -> None:
    small = analyse(shipped.network(name), dtype="int8").totals.memory
    assert small.weights * 4 == shipped.report(name).totals.memory.weights


def test_other_kinds_of_work_count_as_macs_if_asked_for() -> None:
    plain = shipped.report("unet")
    more = analyse(shipped.network("unet"), counted=KINDS)
    assert more.totals.macs == plain.totals.macs + plain.totals.sampling + plain.totals.elementwise
    resized = [{"upsample": {"scale": 2, "mode": "linear"}}]
    report = report_of(resized, [3, 4, 4])
    assert (report.totals.macs, report.totals.sampling) == (0, 3 * 8 * 8 * 4)
    assert SAMPLING not in report.counted


def test_a_layer_that_is_used_twice_has_its_weights_once_and_works_twice() -> None:
    conv = {"conv": {"out": 8, "k": 3, "p": 1}, "id": "first"}
    once = report_of([conv], [8, 5, 5]).totals
    again = report_of([conv, {"conv": {"out": 8, "k": 3, "p": 1}, "share": "first"}], [8, 5, 5])
    assert (again.totals.params, again.totals.trainable) == (once.params, once.trainable)
    assert again.totals.macs == 2 * once.macs
    assert [layer.shares for layer in again.layers] == ["", "first"]
    assert again.totals.memory.weights == once.memory.weights


def test_what_is_not_trained_is_still_there() -> None:
    layers = [{"conv": {"out": 8, "k": 3}, "trainable": False}, "batch_norm"]
    totals = report_of(layers, [3, 9, 9]).totals
    assert totals.params == 8 * 3 * 9 + 8 + 16
    assert totals.trainable == 16


def test_an_unknown_size_leaves_parameters_known_and_hides_no_work() -> None:
    layers = [{"conv": {"out": 8, "k": 3}}, "relu", "global_avg_pool", {"linear": {"out": 5}}]
    sized, unsized = report_of(layers, [3, 9, 9]), report_of(layers, [3, None, None])
    assert unsized.totals.params == sized.totals.params
    assert not known(unsized.totals.macs)
    assert not known(unsized.totals.elementwise)
    assert "conv: macs" in unsized.totals.unknown
    assert [layer.macs for layer in unsized.layers[-1:]] == [8 * 5]
    assert unsized.receptive_field == sized.receptive_field
