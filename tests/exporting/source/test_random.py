"""Random networks: whatever is found in them, the file describes them."""

from __future__ import annotations

import pytest
from exporting.imported import again, source
from exporting.random_modules import drawn_network

import convcalc
from convcalc.exporting.source.alignment import Misfit
from convcalc.language.file_facts import NetworkFile
from convcalc.model.graph.network import Layer, Network

COMMUTE = ("add", "mul")


def shown(layer: Layer) -> tuple[object, ...]:
    """All that is asked of a layer."""
    inputs = sorted(layer.inputs) if layer.name in COMMUTE else layer.inputs
    return layer.name, tuple(inputs), layer.analysis.output, layer.analysis.weights


def same(old: Network, new: Network) -> bool:
    return list(map(shown, old.layers)) == list(map(shown, new.layers)) and list(
        old.outputs.values()
    ) == list(new.outputs.values())


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_a_random_network_is_what_is_written_of_it(seed: int, named: bool) -> None:
    network = drawn_network(seed, named=named)
    written = source(network)
    assert not written.is_flat
    assert same(network, again(written.text))


def test_what_differs_is_seen() -> None:
    """The comparison is no formality: a bias less is a difference."""
    network = drawn_network(8)
    text = source(network).text
    assert same(network, again(text))
    other = text.replace("conv: {out: ", "conv: {bias: false, out: ")
    assert other != text
    assert not same(network, again(other))


def test_modules_make_texts_shorter() -> None:
    """Over all of them the files have fewer lines than the networks layers."""
    networks = [drawn_network(seed) for seed in range(20)]
    lines = [source(network).text.count("\n") for network in networks]
    assert sum(lines) < 0.8 * sum(len(network.layers) for network in networks)


def test_a_network_without_layers_is_no_file() -> None:
    builder = convcalc.Builder("empty")
    network = builder.network([builder.input("image", [3, 8, 8])])
    values = {key: getattr(network, key) for key in Network.record_fields}
    with pytest.raises(Misfit, match="without layers"):
        source(NetworkFile(**values))
