"""Max unpooling with the positions of a named pooling."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from oracle import window_starts
from small import network_of, report_of

from convcalc.diagnostics.diagnostic import Diagnostic, NetworkError
from convcalc.model.quantities.unknown import known


def pooled_and_back(size: int | None, **pool: Any) -> Any:
    layers = [{"max_pool": pool, "id": "down"}, {"max_unpool": {"indices": "down"}}]
    return report_of(layers, [3, size]).layers


def test_every_size_returns_exactly() -> None:
    tried = refused = 0
    for n, k, s, p, d, ceil in product(
        range(1, 10), range(1, 5), range(1, 5), range(3), (1, 2, 3), (False, True)
    ):
        fits = 2 * p <= k and window_starts(n, (p, p), k, s, d, ceil)
        if not fits:
            continue
        fields = {"kernel_size": k, "stride": s, "padding": p, "dilation": d, "ceil_mode": ceil}
        starts = window_starts(n, (p, p), k, s, d, ceil)
        alone = any(all(not 0 <= t + j * d < n for j in range(k)) for t in starts)
        # Dense windows at the same places must end within a stride of where the padding ends.
        if alone or abs(n + p - (starts[-1] + k)) >= s:
            with pytest.raises(NetworkError, match=r"is lost here|nothing but padding"):
                pooled_and_back(n, **fields)
            refused += 1
            continue
        down, up = pooled_and_back(n, **fields)
        assert up.output.spatial == (n,), fields
        assert up.facts == {"indices_bytes": 8 * 3 * down.output.spatial[0]}
        tried += 1
    assert tried > 800
    assert refused > 100


def test_a_dilated_pooling_is_undone_only_where_a_dense_one_could_have_made_it() -> None:
    # PyTorch: invalid output_size "(10, 12)" (dim 1 must be between 8 and 12)
    pool = {"kernel_size": 2, "stride": 2, "dilation": [1, 2]}
    layers = [{"max_pool": pool, "id": "down"}, {"max_unpool": {"indices": "down"}}]
    with pytest.raises(NetworkError, match="pooled width 12 with dilation 2, which is lost here"):
        report_of(layers, [3, 10, 12])
    pool["dilation"] = [1, 1]
    assert report_of(layers, [3, 10, 12]).layers[-1].output.dims[1:] == (3, 10, 12)


def test_a_pooling_with_same_padding_returns_too() -> None:
    for n in range(1, 12):
        _, up = pooled_and_back(n, kernel_size=3, stride=2, padding="same")
        assert up.output.spatial == (n,)


def test_an_unknown_size_returns_unknown() -> None:
    _, up = pooled_and_back(None, kernel_size=2)
    assert not known(up.output.spatial)
    assert not known(up.facts["indices_bytes"])


def test_layers_in_between_do_not_matter_if_they_keep_the_shape() -> None:
    layers = [
        {"max_pool": {"kernel_size": 2}, "id": "down"},
        {"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}},
        {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}},
        {"max_unpool": {"indices": "down", "kernel_size": 2, "output_size": [7, 5]}},
    ]
    report = report_of(layers, [4, 7, 5], batch=2)
    assert report.layers[-1].output.dims == (2, 4, 7, 5)
    assert report.layers[-1].facts == {"indices_bytes": 8 * 2 * 4 * 3 * 2}


def test_the_places_depend_on_the_whole_window_of_the_pooling() -> None:
    layers = [
        {"max_pool": {"kernel_size": 2}, "id": "down"},
        {"max_unpool": {"indices": "down"}},
    ]
    field = report_of(layers, [1, 8, 8]).layers[-1].receptive_field
    assert field is not None
    assert field.size == (2, 2)
    assert field.jump == (1, 1)


def test_overlapping_windows_see_what_their_poolings_see() -> None:
    """Windows of 3, two apart: an output lies in one or two, which span 3 or 5 inputs."""
    layers = [
        {"max_pool": {"kernel_size": 3, "stride": 2, "padding": 1}, "id": "down"},
        {"max_unpool": {"indices": "down"}},
    ]
    field = report_of(layers, [1, 9]).layers[-1].receptive_field
    assert field is not None
    assert (field.size_min, field.size) == ((3,), (5,))


def problem(unpool: dict[str, Any], first: dict[str, Any] | None = None) -> Diagnostic:
    """The one problem of an unpooling behind a pooling and a layer."""
    layers = [
        {"max_pool": {"kernel_size": 2}, "id": "down"},
        {**(first or {"relu": {}}), "id": "between"},
        {"max_unpool": unpool},
    ]
    with pytest.raises(NetworkError) as caught:
        network_of(layers, [4, 7, 5])
    (found,) = caught.value.diagnostics
    return found


def test_the_named_layer_must_be_a_max_pool() -> None:
    found = problem({"indices": "between"})
    assert found.name == "wrong-type"
    assert found.message == "'between' is not a max_pool, so it has no positions"


def test_other_channels_have_no_positions() -> None:
    found = problem({"indices": "down"}, {"conv": {"out_channels": 6, "kernel_size": 1}})
    assert found.name == "shape-mismatch"
    assert found.message == "the input is 6×3×2, but 'down' recorded positions for 4×3×2"


def test_other_sizes_have_no_positions() -> None:
    found = problem({"indices": "down"}, {"conv": {"out_channels": 4, "kernel_size": 2}})
    assert found.name == "shape-mismatch"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel_size": 3}, "kernel_size is 3, but 2 in 'down'"),
        ({"stride": 1}, "stride is 1, but 2 in 'down'"),
        ({"padding": [[0, 1], [0, 0]]}, "padding is 0+1×0, but 0 in 'down'"),
        ({"output_size": [6, 4]}, "output_size is 6×4, but 7×5 in 'down'"),
    ],
)
def test_what_the_pooling_has_must_not_be_said_differently(
    fields: dict[str, Any], message: str
) -> None:
    found = problem({"indices": "down", **fields})
    assert found.name == "stated-differently"
    assert found.message == message
