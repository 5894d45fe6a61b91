"""The forward pass as a schedule: which buffer holds each value, under some assumptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from convcalc.analysis.memory.schedule import Operation, Schedule
from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import Step, Steps
from convcalc.model.operators.contract import WEIGHTS, Function
from convcalc.model.quantities.assumptions import Assumptions
from convcalc.model.quantities.unknown import known

Place = tuple[int, str]  # a step: the index of its layer, and the name of its part


class Forward:
    """Adds the steps of a network to a schedule, one by one.

    ``hidden`` are values that are never in memory: who reads one reads what it is made of.
    ``kept`` are values that must not be written over.
    """

    def __init__(
        self,
        network: Network,
        found: Steps,
        how: Assumptions,
        hidden: Collection[int] = (),
        kept: Collection[int] = (),
    ) -> None:
        self.found, self.how, self.hidden = found, how, hidden
        self.schedule = Schedule()
        self.holds: dict[int, int] = {}  # value -> buffer
        self.indices: dict[int, int] = {}  # value of a max pooling -> buffer of the places
        self._values: dict[int, list[int]] = {}  # buffer -> values
        self._made_of: dict[int, tuple[int, ...]] = {}  # hidden value -> values
        self._kept = kept
        self._last = _last_steps(found)
        self._indexed = {
            step.reads[step.operator.indices_of]
            for step in found.steps
            if 0 <= step.operator.indices_of < len(step.reads)
        }
        self._held = _held_values(network, found, how.held_blocks) if how.held_inputs else {}
        for number, shape in enumerate(network.inputs.values()):
            buffer = self.schedule.buffer(shape.numel, 0, number - found.inputs)
            self.hold(number, buffer)
            self.schedule.start.append(buffer)

    def add(self, index: int, step: Step) -> None:
        """Adds one step."""
        sources = self.sources(step)
        if step.makes in self.hidden:
            self._made_of[step.makes] = sources
        else:
            reads = [*self.buffers_of(sources), *self.places(step)]
            made = self._make(index, step)
            held = (self.holds[value] for value in self._held.get(index, ()))
            reads = [*dict.fromkeys((*reads, *held))]
            self.schedule.operations.append(Operation(step.layer, tuple(reads), made))

    def hold(self, value: int, buffer: int) -> None:
        """Says that a buffer holds a value."""
        self.holds[value] = buffer
        self._values.setdefault(buffer, []).append(value)

    def sources(self, step: Step) -> tuple[int, ...]:
        """The values in memory that a step works on, without those that it reads for places."""
        read = [v for k, v in enumerate(step.reads) if k != step.operator.indices_of]
        return tuple(dict.fromkeys(v for value in read for v in self.made_of(value)))

    def made_of(self, value: int) -> tuple[int, ...]:
        """The values in memory that a value stands for: itself, or what a hidden one is made of."""
        return self._made_of.get(value, (value,))

    def buffers_of(self, values: Iterable[int]) -> list[int]:
        """The buffers that hold some values."""
        return [self.holds[value] for value in values]

    def places(self, step: Step) -> list[int]:
        """The buffer of the places that a step reads, if it does."""
        index = step.operator.indices_of
        return [self.indices[step.reads[index]]] if 0 <= index < len(step.reads) else []

    def _make(self, index: int, step: Step) -> tuple[int, ...]:
        """Gives the output of a step a buffer; returns the new ones."""
        made = []
        buffer = self._taken_over(index, step) if self.how.in_place else None
        if buffer is None:
            buffer = self.schedule.buffer(step.made_elements, 0, step.layer, step.part)
            made.append(buffer)
        self.hold(step.makes, buffer)
        if step.makes in self._indexed:
            made.append(self.add_indices(step))
        return tuple(made)

    def add_indices(self, step: Step) -> int:
        """A new buffer with the places of maxima."""
        kept = step.operator.kept((), step.analysis.output)
        name = f"{step.part}.indices".lstrip(".")
        buffer = self.schedule.buffer(0, kept.index_bytes, step.layer, name)
        self.indices[step.makes] = buffer
        return buffer

    def _taken_over(self, index: int, step: Step) -> int | None:
        """The buffer of an input that the output takes over; None if it needs a new one."""
        operator = step.operator
        if operator.view or (operator.idle and not self.how.training):
            return self.holds[step.reads[0]]
        if not operator.in_place:
            return None
        size = step.analysis.output.numel
        for value in self.sources(step):
            shape = self.found.shapes[value]
            if known(size) and shape.numel == size and self._is_free(value, index):
                return self.holds[value]
        return None

    def _is_free(self, value: int, index: int) -> bool:
        """Whether nobody needs what is in a value's buffer after a step."""
        buffer = self.holds[value]
        if self.schedule.buffers[buffer].layer < 0 or not self.schedule.buffers[buffer].elements:
            return False  # an input of the network, or a learned tensor
        return all(
            self._last.get(v, -1) <= index and v not in self.found.outputs and v not in self._kept
            for v in self._values[buffer]
        )


def forward_schedule(
    network: Network, found: Steps, how: Assumptions, hidden: Collection[int]
) -> Schedule:
    """The schedule of the forward pass alone, with what the network returns held."""
    forward = Forward(network, found, how, hidden)
    for index, step in enumerate(found.steps):
        forward.add(index, step)
    forward.schedule.held.update(forward.holds[value] for value in found.outputs)
    return forward.schedule


def hidden_values(found: Steps, how: Assumptions, folded: Collection[Place] = ()) -> frozenset[int]:
    """The values that are never in memory, because a step and the next are one.

    ``folded`` are norms that belong to the layer before them.
    """
    if not (how.fused or how.fused_attention or folded):
        return frozenset()
    readers = Counter(value for step in found.steps for value in step.reads)
    readers.update(found.outputs)
    hidden: set[int] = set()
    weighted: set[int] = set()  # values made by a layer with weights, or fused to one
    for step in found.steps:
        source = step.reads[0] if len(step.reads) == 1 else -1
        alone = source >= found.inputs and readers[source] == 1
        fuses = how.fused and source in weighted and _joins(step)
        if alone and (fuses or (step.layer, step.part) in folded):
            hidden.add(source)
            weighted.add(step.makes)
        if any(term.kind == WEIGHTS for term in step.analysis.terms):
            weighted.add(step.makes)
        if how.fused_attention and isinstance(step.operator, Function) and step.operator.tiles:
            hidden.add(step.makes)
    return frozenset(hidden)


def _joins(step: Step) -> bool:
    """Whether a step can be done to each element right when it is made."""
    return step.operator.in_place or bool(getattr(step.operator, "track_running_stats", False))


def _last_steps(found: Steps) -> Mapping[int, int]:
    """For each value that is read, the index of the step that reads it last."""
    return {value: index for index, step in enumerate(found.steps) for value in step.reads}


def _held_values(network: Network, found: Steps, depth: int) -> Mapping[int, Sequence[int]]:
    """The values that callers hold until a step, by its index.

    The inputs of the network until the last one; what a block reads until the last one of it, for
    blocks down to a depth.
    """
    ends: dict[str, int] = {}
    starts: dict[str, int] = {}
    for index, step in enumerate(found.steps):
        for group in network.layers[step.layer].groups[:depth]:
            starts.setdefault(group.path, step.makes)
            ends[group.path] = index
    held: dict[int, list[int]] = {}
    for step in found.steps:
        for group in network.layers[step.layer].groups[:depth]:
            outside = [value for value in step.reads if value < starts[group.path]]
            held.setdefault(ends[group.path], []).extend(outside)
    held.setdefault(len(found.steps) - 1, []).extend(range(found.inputs))
    return held
