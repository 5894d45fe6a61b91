# ruff: noqa: E501
"""A scale is the exact ratio that was meant, not the float it is written or computed as."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import pytest
from small import network_of_text

from convcalc.analysis.analyse import analyse


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


def test_the_field_behind_a_ratio_is_known() -> None:
    body = "input: [3, 88, 88]\nlayers:\n- conv: {out: 8, k: 3}\n- upsample: {scale: 120/88}\n- conv: {out: 8, k: 3}\n"
    report = analyse(network_of_text(body))
    found = report.layers[-1].receptive_fields["input"]
    sizes = set()
    for y in range(15):  # of one period, which the convolution before widens by 2
        taps = [(y + j) * 11 // 15 for j in range(3)]
        sizes.add(taps[-1] - taps[0] + 3)
    assert (found.size_min, found.size) == ((min(sizes),) * 2, (max(sizes),) * 2)
    assert found.jump == (Fraction(11, 15),) * 2
    assert not found.reason
