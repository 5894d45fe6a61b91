"""A network as the steps that it really runs: composites as their parts.

Liveness, the gradients of a training step and whatever else depends on what lies within an
operator walk these steps, so that a composite costs what its parts cost as layers.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from convcalc.model.geometry.axis_maps import Nothing
from convcalc.model.graph.network import Layer, Network
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.quantities.record import Value
from convcalc.model.quantities.shape import Shape


class Step:
    """One step: a layer, or a part of one.

    ``layer`` is the index of the layer and ``part`` the name of the part in it. ``reads`` are the
    values it works on, ``makes`` the one that it makes; ``computes_with`` are those that it reads
    without indices, and without those of which only the size matters.
    """

    __slots__ = (
        *("analysis", "computes_with", "layer", "makes", "operator", "part", "reads", "trainable"),
    )

    def __init__(
        self,
        layer: int,
        part: str,
        operator: Operator,
        analysis: Analysis,
        reads: tuple[int, ...],
        makes: int,
        trainable: bool,
    ) -> None:
        self.layer = layer
        self.part = part
        self.operator = operator
        self.analysis = analysis
        self.reads = reads
        self.makes = makes
        self.trainable = trainable
        few = operator.detached is None and len(reads) < 2  # most steps
        self.computes_with = reads if few else self._computed()

    @property
    def made_elements(self) -> int:
        """Elements of memory that its output takes; a learned tensor takes none beside itself."""
        is_stored = not self.reads and bool(self.analysis.weights)
        return 0 if is_stored else self.analysis.elements

    def _computed(self) -> tuple[int, ...]:
        """The values that it computes with."""
        if self.operator.detached is not None:
            return self.reads[: self.operator.detached]
        axes = self.analysis.axes
        if len(self.reads) < 2 or len(axes) != len(self.reads):
            return self.reads
        return tuple(
            value
            for value, maps in zip(self.reads, axes, strict=True)
            if not any(isinstance(axis, Nothing) for axis in maps)
        )


class Steps(Value):
    """The steps of a network, and the values between them by number.

    ``shapes`` are those of the values; ``names`` of the network's inputs, then paths of layers and
    their parts. ``values`` are the values that the network's tensors are. ``outputs`` are what the
    network returns; where it says nothing, what nobody reads.
    """

    steps: tuple[Step, ...]
    shapes: tuple[Shape, ...]
    values: tuple[int, ...]
    outputs: frozenset[int]
    inputs: int


def steps_of(network: Network) -> Steps:
    """The steps of a network, in the order in which they run."""
    shapes = [*network.inputs.values()]
    values = [*range(len(shapes))]
    steps: list[Step] = []
    ports: list[int] = []  # of the layer before: the values of those that follow
    for index, layer in enumerate(network.layers):
        if ports:
            values.append(ports.pop(0))
            continue
        reads = tuple([values[number] for number in layer.inputs])
        analysis = layer.analysis
        if not analysis.parts and not analysis.ports:  # most layers: no need of names
            steps.append(
                Step(index, "", layer.operator, analysis, reads, len(shapes), layer.trainable)
            )
            values.append(len(shapes))
            shapes.append(analysis.output)
            continue
        named = _add(steps, shapes, layer, index, layer.operator, layer.analysis, reads, "")
        values.append(named[layer.analysis.result])
        ports = [named[port.part] for port in layer.analysis.ports.values()]
    returned = {values[number] for number in network.outputs.values()}
    return Steps(
        tuple(steps), tuple(shapes), tuple(values), frozenset(returned), len(network.inputs)
    )


def _add(
    steps: list[Step],
    shapes: list[Shape],
    layer: Layer,
    index: int,
    operator: Operator,
    analysis: Analysis,
    reads: tuple[int, ...],
    path: str,
) -> dict[int | str, int]:
    """Adds the steps of an operator; returns the values of its inputs and of its parts by name.

    The empty name is that of the last one.
    """
    named: dict[int | str, int] = dict(enumerate(reads))
    if not analysis.parts:
        steps.append(Step(index, path, operator, analysis, reads, len(shapes), layer.trainable))
        shapes.append(analysis.output)
        return {**named, "": len(shapes) - 1}
    for part in analysis.parts:
        sources = tuple(named[source] for source in part.reads)
        name = f"{path}.{part.name}".lstrip(".")
        inner = _add(steps, shapes, layer, index, part.operator, part.analysis, sources, name)
        named[part.name] = named[""] = inner[part.analysis.result]
    return named


def live_layers(found: Steps) -> set[int]:
    """The indices of the layers that an output of the network depends on; all if it has none.

    A layer of several outputs is live as a whole.
    """
    wanted, live = set(found.outputs), set()
    if not wanted:
        return {step.layer for step in found.steps}
    for layer, group in groupby(reversed(found.steps), attrgetter("layer")):
        steps = [*group]
        if any(step.makes in wanted for step in steps):
            live.add(layer)
            for step in steps:
                wanted.update(step.computes_with)
    return live
