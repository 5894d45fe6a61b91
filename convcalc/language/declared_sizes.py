"""Finds declared sizes that stay as they are although the input of their layer has another size."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Layer, Network
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


def declares_sizes(network: Network) -> bool:
    """Whether any layer states the sizes of its output, or its MACs, in numbers."""
    return any(map(_declared, network.layers))


def kept_sizes(network: Network, own: Network) -> Iterator[Diagnostic]:
    """Yields a warning for each layer that reads another size than in the file's own network.

    ``own`` is the same network at the input that its file states. What such a layer declares, and
    all that follows, holds for that input only. Layers behind it read what it declares, so that
    they are not further findings.
    """
    expected = {layer.path: layer for layer in own.layers}
    for layer in network.layers:
        before, declared = expected.get(layer.path), _declared(layer)
        if before is None or not declared or declared != _declared(before):
            continue
        changed = (
            (was, now)
            for was, now in zip(before.shapes, layer.shapes, strict=False)
            if known(was.spatial) and known(now.spatial) and was.spatial != now.spatial
        )
        for was, now in changed:
            message = f"'{layer.path}' declares {declared} for {_text(was)}, but reads {_text(now)}"
            advice = "'output: same', null for what is not known, or numbers by a param of the file"
            yield Diagnostic("declared-size-kept", message, layer.place, advice)
            break


def _declared(layer: Layer) -> str:
    """Return what a layer declares of its sizes in numbers; empty if nothing."""
    if not type(layer.operator).declared:
        return ""
    output, macs = getattr(layer.operator, "output", ()), getattr(layer.operator, "macs", None)
    if isinstance(output, tuple) and any(map(known, output[1:])):
        return f"the output {_text(layer.analysis.output)}"
    return f"{macs:,} MACs" if macs else ""


def _text(shape: Shape) -> str:
    """The sizes of a shape without its batch."""
    return "×".join("?" if not known(size) else str(size) for size in shape.dims[1:])
