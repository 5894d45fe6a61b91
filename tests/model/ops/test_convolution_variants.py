"""Variants of the convolution within networks: their further outputs, and shared parts."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from json import dumps
from typing import Any

import pytest
from small import layer_of, report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.ops.convolution.submanifold_conv import expected_pairs, taps_inside


def octave(out: int, alpha: float, **more: Any) -> dict[str, Any]:
    return {"octave_conv": {"out": out, "k": 3, "p": 1, "alpha_out": alpha}, **more}


def named(layers: list[Any], sizes: list[int | None], **top: Any) -> dict[str, LayerReport]:
    return {layer.path: layer for layer in report_of(layers, sizes, **top).layers}


def test_octave_convolutions_in_a_row_hand_on_both_bands() -> None:
    layers = [
        octave(64, 0.25, id="first"),
        octave(64, 0.25, id="second", **{"from": ["first", "first.low"]}),
        octave(64, 0, id="last", **{"from": ["second", "second.low"]}),
    ]
    found = named(layers, [3, 32, 32])
    shapes = {path: layer.output.dims[1:] for path, layer in found.items()}
    assert shapes == {
        "first": (48, 32, 32),
        "first.low": (16, 16, 16),
        "second": (48, 32, 32),
        "second.low": (16, 16, 16),
        "last": (64, 32, 32),
    }
    assert [found[path].params for path in ("first", "second", "last")] == [1728, 36864, 36864]
    # A high position of the second layer reads 3 low positions of the first, and these the pixels
    # of 5 pairs: 10, more than the 5 that come through the high band.
    field = found["second"].receptive_field
    assert field is not None
    assert (field.size, field.jump) == ((10, 10), (1, 1))


def test_the_mask_of_one_inpainting_convolution_is_the_next_ones_input() -> None:
    conv = {"out": 8, "k": 3, "p": 1, "return_mask": True}
    layers = [
        {"inpainting_conv": {**conv, "s": 2}, "from": ["image", "holes"], "id": "a"},
        {"inpainting_conv": conv, "from": ["a", "a.mask"], "id": "b"},
    ]
    inputs = {"image": [3, 9, 9], "holes": [1, 9, 9]}
    text = dumps({"convcalc": 1, "inputs": inputs, "layers": layers})
    network = read_network(Target("masks.yaml", None, text))
    assert network.problems == ()
    found = {layer.path: layer for layer in analyse(network).layers}
    assert found["b.mask"].output.dims[1:] == (1, 5, 5)
    assert set(found["a.mask"].receptive_fields) == {"holes"}
    assert {name: field.size for name, field in found["b"].receptive_fields.items()} == {
        "image": (7, 7),
        "holes": (7, 7),
    }


def test_one_routing_serves_several_conditional_convolutions() -> None:
    layers = [
        {"conv": {"out": 8, "k": 3, "p": 1}, "id": "x"},
        "global_avg_pool",
        {"linear": {"out": 4}},
        {"sigmoid": {}, "id": "routing"},
        {"cond_conv": {"out": 8, "k": 1}, "from": ["x", "routing"], "id": "a"},
        {"cond_conv": {"out": 8, "k": 3, "p": 1}, "from": ["a", "routing"], "id": "b"},
    ]
    found = named(layers, [3, 16, 16])
    assert (found["a"].params, found["b"].params) == (4 * 64, 4 * 576)
    field = found["b"].receptive_field
    assert field is not None
    assert field.is_global
    assert field.size == (5, 5)


@pytest.mark.parametrize(("sizes", "kernel"), [((5,), (3,)), ((3, 2), (3, 3)), ((4, 2), (5, 1))])
def test_expected_pairs_are_the_mean_over_all_sets_of_sites(
    sizes: tuple[int, ...], kernel: tuple[int, ...]
) -> None:
    places = list(product(*map(range, sizes)))
    density = Fraction(1, 3)
    mean = Fraction(0)
    for chosen in product((False, True), repeat=len(places)):
        sites = [place for place, active in zip(places, chosen, strict=True) if active]
        pairs = sum(
            all(abs(a - b) <= k // 2 for a, b, k in zip(one, other, kernel, strict=True))
            for one in sites
            for other in sites
        )
        weight = density ** len(sites) * (1 - density) ** (len(places) - len(sites))
        mean += weight * pairs
    taps = 1
    for n, k in zip(sizes, kernel, strict=True):
        taps *= taps_inside(n, k)
    assert expected_pairs(len(places), taps, density) == round(mean)


def test_locally_connected_costs_what_the_convolution_costs() -> None:
    window = {"out": 6, "k": 3, "s": 2, "p": 1}
    shared, own = (layer_of(name, [4, 9, 9], 2, **window) for name in ("conv", "locally_connected"))
    assert (own.macs, own.elementwise, own.output) == (
        shared.macs,
        shared.elementwise,
        shared.output,
    )
    assert own.params == 25 * shared.params


def test_atrous_pyramid_pooling_has_the_parameters_of_torchvisions() -> None:
    imports = {"a": "blocks/aspp.convcalc.yaml"}
    report = report_of(["a.Aspp"], [2048, 65, 65], imports=imports)
    assert report.totals.params == 15_535_104
    assert report.layers[-1].output.dims[1:] == (256, 65, 65)
