"""Networks that ship, written as PyTorch code, exported, and held against them by ``verify``.

A few that were read wrongly once; all base networks with benchmarks/round_trips.py.
"""

from __future__ import annotations

import pytest
from exporting.round_trips import differences_of, pt2_bytes


@pytest.mark.parametrize("name", ["fcn8s", "repvgg_a0", "van_b0"])
def test_verify_finds_no_difference(name: str) -> None:
    assert differences_of(name, pt2_bytes(name), "pt2") == []
