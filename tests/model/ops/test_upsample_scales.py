# ruff: noqa: E501
"""A scale is the exact ratio that was meant, not the float it is written or computed as."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import pytest
from small import network_of_text, report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.receptive_field.reach import LONGEST_PERIOD


def scale_of(text: str) -> Fraction:
    body = f"input: [3, 88, 88]\nparams: {{r: 120/88}}\nlayers: [{{upsample: {{scale: {text}}}}}]\n"
    (layer,) = network_of_text(body).layers
    return layer.operator.scale[0]  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("120/88", Fraction(15, 11)),
        ("r", Fraction(15, 11)),
        ("1/3", Fraction(1, 3)),
        ("2*r - 1", Fraction(19, 11)),
        ("0.1", Fraction(1, 10)),
        ("0.29", Fraction(29, 100)),
        ("1.3636", Fraction(13636, 10000)),
        ("1.3636363636", Fraction(13636363636, 10**10)),
        ("3", Fraction(3)),
        ("2.0", Fraction(2)),
    ],
)
def test_the_scale_that_was_meant(text: str, scale: Fraction) -> None:
    assert scale_of(text) == scale


def test_every_ratio_of_sizes_is_exact() -> None:
    # Around 2^16, the largest denominator, neighbouring fractions are nearest to each other.
    sizes = [*range(1, 40), 223, 224, 1023, 4096, 65535, 65536]
    for a in sizes:
        for b in sizes:
            if b // gcd(a, b) <= 2**16:
                body = f"input: [1, 65536]\nlayers: [{{upsample: {{scale: {a}/{b}}}}}]\n"
                (layer,) = network_of_text(body).layers
                assert layer.operator.scale == (Fraction(a, b),)  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_the_field_behind_a_ratio_is_known(mode: str) -> None:
    body = f"input: [3, 88, 88]\nlayers:\n- conv: {{out: 8, k: 3, p: 1}}\n- upsample: {{scale: 120/88, mode: {mode}}}\n- conv: {{out: 8, k: 3, p: 1}}\n"
    report = analyse(network_of_text(body))
    assert report.layers[-1].output.spatial == (120, 120)
    found = report.layers[-1].receptive_fields["input"]
    by_size = report_of(
        [
            {"conv": {"out": 8, "k": 3, "p": 1}},
            {"upsample": {"size": 120, "mode": mode}},
            {"conv": {"out": 8, "k": 3, "p": 1}},
        ],
        [3, 88, 88],
    )
    assert found == by_size.layers[-1].receptive_fields["input"]
    assert found.jump == (Fraction(11, 15),) * 2
    assert LONGEST_PERIOD > 15
