"""What the variants of a file have in common is computed once for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shipped import NAMES, file_of

from convcalc.analysis import analyse
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.graph.assembly import Assembly
from convcalc.model.graph.network import Layer

FILE = "resnet.convcalc.yaml"
VARIANTS = [shipped_names()[name] for name in NAMES if file_of(name) == FILE]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often operators are analysed, and the counts of layers are made."""
    found = {"analyses": 0, "counts": 0}
    analysed, counted = Assembly._analyse, analyse._counts

    def analysis(*arguments: object) -> object:
        found["analyses"] += 1
        return analysed(*arguments)  # type: ignore[arg-type]

    def counts(*arguments: object) -> object:
        found["counts"] += 1
        return counted(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Assembly, "_analyse", analysis)
    monkeypatch.setattr(analyse, "_counts", counts)
    return found


def layers(source: NetworkSource) -> Iterator[Layer]:
    """The layers of all variants, each of which is analysed."""
    for target in VARIANTS:
        network = source.network(target.variant)
        analyse.analyse(network)
        yield from network.layers


@pytest.mark.shipped
def test_all_variants_together_analyse_each_operator_on_each_input_once(
    made: dict[str, int],
) -> None:
    source = NetworkSource(VARIANTS[0]._replace(variant=None))
    found = list(layers(source))
    distinct = {(layer.operator, layer.shapes) for layer in found}
    assert made["analyses"] == len(distinct) < len(found) / 5
    # The gradient of the first layer's input is left out, which other counts are not.
    assert len(distinct) <= made["counts"] <= len(distinct) + len(VARIANTS)
    before = dict(made)
    assert len(list(layers(source))) == len(found)
    assert made == before
