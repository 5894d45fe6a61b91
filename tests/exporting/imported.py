"""Models as network files: what is written of a target, and the networks to compare."""

from __future__ import annotations

from convcalc.exporting.source.importing import Source, source_of
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Layer, Network

COMMUTE = ("add", "mul", "maximum")
SLICES = ("channel_slice", "slice")


def read(file: str, content: bytes | str) -> NetworkFile:
    """The network of a file that is in memory."""
    found = read_target(Target(file, None, content))
    assert [p for p in found.problems if p.severity == "error"] == []
    return found


def source(*networks: NetworkFile) -> Source:
    """The network file that is written of networks."""
    return source_of(networks)


def again(text: str, variant: str | None = None) -> NetworkFile:
    """The network that a text describes, without problems."""
    found = read_network(Target("again.convcalc.yaml", variant, text))
    assert [p.message for p in found.problems if p.severity == "error"] == []
    return found


def in_order_of(old: Network, new: Network) -> Network:
    """The layers of ``old``, each once, in the order of those that are the same in ``new``: slices
    are written where they are read. Fails if they cannot be paired."""
    first = len(old.inputs)
    as_old = {tensor: tensor for tensor in range(first)}
    left = dict(enumerate(old.layers))
    order = []
    for at, layer in enumerate(new.layers):
        wanted = [as_old[tensor] for tensor in layer.inputs]
        if layer.name in COMMUTE:
            wanted.sort()
        index = next(i for i, each in left.items() if _same(each, layer, wanted))
        order.append(left.pop(index))
        as_old[first + at] = first + index
        assert (
            index == at or layer.name in SLICES or any(each.name in SLICES for each in old.layers)
        )
    assert not left
    as_new = {a: b for b, a in as_old.items()}
    layers = tuple(
        each._replace(inputs=tuple(as_new[tensor] for tensor in each.inputs)) for each in order
    )
    outputs = {name: as_new[tensor] for name, tensor in old.outputs.items()}
    return old.replace(layers=layers, outputs=outputs)


def _same(a: Layer, b: Layer, wanted: list[int]) -> bool:
    inputs = sorted(a.inputs) if a.name in COMMUTE else list(a.inputs)
    kinds = (a.name, a.analysis.output, a.analysis.weights)
    is_slice = a.name in SLICES
    return (
        inputs == wanted
        and kinds == (b.name, b.analysis.output, b.analysis.weights)
        and (not is_slice or a.operator == b.operator)
    )
