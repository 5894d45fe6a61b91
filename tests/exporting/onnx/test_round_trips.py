"""Networks that ship, written as ONNX files and held against them by ``verify``.

Every fourteenth base network by its name; all of them with benchmarks/round_trips.py.
"""

from __future__ import annotations

from zlib import crc32

import pytest

pytest.importorskip("onnx", reason="the onnx package is not installed")

import shipped
from exporting.round_trips import Refused, differences_of, onnx_bytes

SAMPLE = [name for name in shipped.BASES if crc32(name.encode()) % 14 == 0]


@pytest.mark.shipped
@pytest.mark.parametrize("name", [*SAMPLE, "fasternet_t0", "swin_v2_t"])
def test_verify_finds_no_difference(name: str) -> None:
    try:
        content = onnx_bytes(name)
    except Refused as reason:
        pytest.skip(str(reason))
    assert differences_of(name, content, "onnx") == []
