"""Dilation without dilation: the phases of a tensor as images of a batch."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from small import network_of, report_of

from convcalc.analysis.report.report import Report
from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.model.quantities.unknown import known

BLOCK = "blocks/dilated_by_space_to_batch.convcalc.yaml"


def by_phases(sizes: list[int], batch: int, **params: Any) -> Report:
    """The shipped block."""
    layers = [{"b.DilatedBySpaceToBatch": params}]
    return report_of(layers, sizes, batch, imports={"b": BLOCK})


def dilated(sizes: list[int], batch: int, k: int, d: int, **fields: Any) -> Report:
    """The convolution that it stands for."""
    padding = d * (k - 1) // 2
    fields |= {"kernel_size": k, "dilation": d, "padding": padding}
    return report_of([{"conv": fields}], sizes, batch)


CASES = [
    (rank, k, d, g)
    for rank, k, d, g in product((1, 2, 3), (1, 3, 5), (1, 2, 3), (1, 2))
    if rank < 3 or k < 5
]


@pytest.mark.parametrize(("rank", "k", "d", "g"), CASES)
def test_where_the_dilation_divides_the_size_everything_is_equal(
    rank: int, k: int, d: int, g: int
) -> None:
    sizes = [4, *(d * n for n in (3, 5, 2)[:rank])]
    ours = by_phases(sizes, 2, out=6, k=k, d=d, g=g)
    theirs = dilated(sizes, 2, k, d, out_channels=6, groups=g)
    assert ours.layers[-1].output == theirs.layers[-1].output
    for key in ("params", "macs", "elementwise"):
        assert getattr(ours.totals, key) == getattr(theirs.totals, key), key


def test_elsewhere_the_size_returns_and_the_padding_costs() -> None:
    for n, d in product(range(1, 12), range(1, 5)):
        ours = by_phases([4, n], 1, out=6, k=3, d=d)
        theirs = dilated([4, n], 1, 3, d, out_channels=6)
        assert ours.layers[-1].output == theirs.layers[-1].output
        multiple = next(m for m in range(n, n + d) if m % d == 0)
        assert ours.totals.macs * n == theirs.totals.macs * multiple


def test_padding_may_come_first_and_be_used_up_by_the_convolution() -> None:
    layers = [
        {"space_to_batch": {"factor": 2, "padding": 2}, "id": "deal"},
        {"conv": {"out_channels": 5, "kernel_size": 3}},
        {"batch_to_space": {"undoes": "deal", "factor": 2}},
    ]
    for n in range(1, 10):
        assert report_of(layers, [4, n, n]).layers[-1].output.dims == (1, 5, n, n)


def test_the_layers_in_between_see_more_images() -> None:
    deal, conv, _ = by_phases([4, 6, 9], 2, out=6, k=3, d=3).layers
    assert deal.output.dims == (18, 4, 2, 3)
    assert conv.output.batch == 18


def test_an_unknown_size_returns_unknown() -> None:
    layers = [
        {"space_to_batch": {"factor": 2}, "id": "deal"},
        {"batch_to_space": {"undoes": "deal"}},
    ]
    output = report_of(layers, [4, None]).layers[-1].output
    assert (output.batch, output.channels) == (1, 4)
    assert not known(output.spatial)


@pytest.mark.parametrize(
    ("fields", "name", "message"),
    [
        ({"undoes": "between"}, "wrong-type", "'between' is not a space_to_batch"),
        ({"undoes": "deal", "factor": 3}, "stated-differently", "factor is 3×3, but 2×2 in 'deal'"),
        (
            {"undoes": "deal", "margins": 1},
            "unsupported-combination",
            "undoes says what is cut off, so margins has no meaning",
        ),
    ],
)
def test_what_is_undone_is_named_and_not_contradicted(
    fields: dict[str, Any], name: str, message: str
) -> None:
    layers = [
        {"space_to_batch": {"factor": 2}, "id": "deal"},
        {"relu": {}, "id": "between"},
        {"batch_to_space": fields},
    ]
    with pytest.raises(NetworkError) as caught:
        network_of(layers, [4, 7, 5])
    (found,) = caught.value.diagnostics
    assert (found.name, found.message) == (name, message)
