"""Shipped networks at their own size and at two odd ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import pytest

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names

Size = tuple[int, ...] | None
ODD = ((203, 331), (239, 160))  # neither a multiple of 32; every halving rounds somewhere


@cache
def report(name: str, size: Size = None) -> Report:
    """A shipped network for images of a size, or sequences of its first number."""
    target = shipped_names()[name]
    own = analyse(read_network(target))
    if size is None:
        return own
    if name.startswith("fastfcn_encnet"):  # its sum over positions is declared by a param
        return analyse(read_network(target, params={"size": size[0]}))
    inputs = {
        key: (x.channels, *size[: x.rank]) if x.rank else (x.channels,)
        for key, x in own.inputs.items()
    }
    return analyse(read_network(target, inputs=inputs))


def at_sizes(names: Iterable[str], sizes: Iterable[Size] = ODD) -> pytest.MarkDecorator:
    """Tests of a ``name`` at each ``size``, None for its own; the others are exhaustive."""
    grid = [(name, size) for name in names for size in (None, *sizes)]
    return pytest.mark.parametrize(
        ("name", "size"),
        [
            pytest.param(
                name,
                size,
                id=f"{name}-{'x'.join(map(str, size)) if size else 'own'}",
                marks=[pytest.mark.exhaustive] if size else [],
            )
            for name, size in grid
        ],
    )
