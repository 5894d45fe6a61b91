"""Written code, built by Keras: outputs, and weights of all kinds, are those of the network.

Every thirtieth by its name runs here; ``python benchmarks/keras_code.py`` runs all.
"""

from __future__ import annotations

from zlib import crc32

import pytest
from measured_code import differences, is_written

from convcalc.language.sources.shipped import shipped_names

SAMPLE = [name for name in shipped_names() if crc32(name.encode()) % 30 == 0]


@pytest.mark.parametrize("name", SAMPLE)
def test_code_builds_the_network(name: str) -> None:
    if is_written(name):
        assert differences(name) == {}


def test_enough_of_the_sample_is_written() -> None:
    assert sum(map(is_written, SAMPLE)) >= 5
