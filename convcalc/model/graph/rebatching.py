"""A network with more samples at once."""

from __future__ import annotations

from convcalc.model.graph.network import Layer, Network
from convcalc.model.operators.contract import Analysis, Port


def with_batch(network: Network, factor: int) -> Network:
    """The same network with so many times the samples; every layer is analysed again."""
    inputs = {
        name: shape._replace(batch=shape.batch * factor) for name, shape in network.inputs.items()
    }
    shapes = [*inputs.values()]
    layers: list[Layer] = []
    ports: list[Port] = []  # further outputs of the layer before
    for layer in network.layers:
        reads = tuple(shapes[number] for number in layer.inputs)
        if ports:
            port = ports.pop(0)
            analysis = Analysis(port.output, port.axes)
        else:
            analysis = layer.operator.analyse(reads)
            ports = [*analysis.ports.values()]
        layers.append(layer._replace(shapes=reads, analysis=analysis))
        shapes.append(analysis.output)
    return network.replace(inputs=inputs, layers=tuple(layers))
