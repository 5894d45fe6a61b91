"""A training step as a schedule: the forward pass, and the backward pass that needs parts of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.analysis.memory.forward import Forward
from convcalc.analysis.memory.schedule import Operation, Schedule
from convcalc.analysis.training import Gradients
from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import Step, Steps
from convcalc.model.operators.contract import EITHER, FACTORS, INPUTS, LEARNED, OUTPUT
from convcalc.model.quantities.assumptions import Assumptions


class Training(NamedTuple):
    """The schedule of a training step, and the first operation of its backward pass."""

    schedule: Schedule
    backward: int

    def kept(self) -> tuple[int, int]:
        """Elements and further bytes that the forward pass leaves for the backward pass."""
        last = self.schedule.last_uses()
        made = [*self.schedule.start]
        for operation in self.schedule.operations[: self.backward]:
            made += operation.makes
        left = [self.schedule.buffers[n] for n in made if last.get(n, -1) > self.backward]
        return sum(each.elements for each in left), sum(each.index_bytes for each in left)


def training_schedule(
    network: Network,
    found: Steps,
    known: Gradients,
    how: Assumptions,
    hidden: frozenset[int],
) -> Training:
    """The schedule of one training step."""
    return _Trainer(network, found, known, how, hidden).run()


class _Trainer:
    def __init__(
        self,
        network: Network,
        found: Steps,
        known: Gradients,
        how: Assumptions,
        hidden: frozenset[int],
    ) -> None:
        self.found, self.known, self.hidden = found, known, hidden
        saved = {
            value
            for step, learns in zip(found.steps, known.learns, strict=True)
            for value in self._kept_values(step, learns, in_place=how.in_place)
        }
        self.block = [_block(network, step, how.checkpoint) for step in found.steps]
        saved |= {
            value
            for first, last in self._segments()
            if self.block[first]
            for step in found.steps[first:last]
            for value in step.reads
            if value < found.steps[first].makes
        }
        self.forward = Forward(network, found, how, hidden, saved)
        self.schedule = self.forward.schedule
        self.gradient: dict[int, int] = {}  # value -> buffer of its gradient
        self.extra: dict[int, int] = {}  # index of a step -> buffer that it keeps besides

    def run(self) -> Training:
        """Forward pass, gradients of the outputs, backward pass."""
        for index, step in enumerate(self.found.steps):
            self.forward.add(index, step)
            self._add_extra(index, step)
        returned = [self.forward.holds[value] for value in sorted(self.found.outputs)]
        start = len(self.schedule.operations)
        made = [self._new_gradient(v) for v in sorted(self.found.outputs & self.known.values)]
        self.schedule.operations.append(Operation(-1, tuple(returned), tuple(made)))
        for first, last in self._segments():
            if self.block[first]:
                self._recompute(first, last)
            for index in range(last - 1, first - 1, -1):
                self._backward(index, self.found.steps[index])
        return Training(self.schedule, start)

    # --- forward ------------------------------------------------------------------------------

    def _add_extra(self, index: int, step: Step) -> None:
        """Lets the operation of a step make what it keeps beside inputs and output."""
        self.extra.pop(index, None)
        if step.makes not in self.known.values or step.makes in self.forward.hidden:
            return
        shapes = [self.found.shapes[value] for value in step.reads]
        kept = step.operator.kept(shapes, step.analysis.output)
        elements, index_bytes = kept.elements, kept.index_bytes
        if step.makes in self.forward.indices:
            self.extra[index] = self.forward.indices[step.makes]
        elif not (elements == 0 and index_bytes == 0):
            name = f"{step.part}.kept".lstrip(".")
            buffer = self.schedule.buffer(elements, index_bytes, step.layer, name)
            last = self.schedule.operations[-1]
            self.schedule.operations[-1] = Operation(last.layer, last.reads, (*last.makes, buffer))
            self.extra[index] = buffer

    def _recompute(self, first: int, last: int) -> None:
        """Runs the steps of a block again, with buffers of their own."""
        for index in range(first, last):
            step = self.found.steps[index]
            self.forward.add(index, step)
            self._add_extra(index, step)

    def _segments(self) -> Iterator[tuple[int, int]]:
        """Ranges of steps of one block, or of none, from the last to the first."""
        end = len(self.block)
        while end:
            start = end - 1
            while start and self.block[start - 1] == self.block[end - 1]:
                start -= 1
            yield start, end
            end = start

    # --- backward -----------------------------------------------------------------------------

    def _backward(self, index: int, step: Step) -> None:
        """Adds the backward pass of a step: it reads what was kept, and makes gradients."""
        if step.makes not in self.gradient:
            return
        gradient = self.gradient.pop(step.makes)
        kept = self._kept_values(step, self.known.learns[index], in_place=self.forward.how.in_place)
        sources = [v for value in kept for v in self.forward.made_of(value)]
        reads = [gradient, *self.forward.buffers_of(sources), *self.forward.places(step)]
        reads += [self.extra[index]] if index in self.extra else []
        made: list[int] = []
        for value in self._towards(step):
            if value in self.gradient:  # added to what is there
                reads.append(self.gradient[value])
                made.append(self._buffer(value))
            elif step.operator.passes and self._passes_whole(step, value, gradient):
                self.gradient[value] = gradient
            else:
                made.append(self._new_gradient(value))
        reads += [self.gradient[value] for value in self._towards(step)]
        distinct = (number for number in dict.fromkeys(reads) if number not in made)
        self.schedule.operations.append(Operation(step.layer, tuple(distinct), tuple(made)))

    def _towards(self, step: Step) -> list[int]:
        """The values that the backward pass of a step makes gradients for."""
        return [v for v in self.forward.sources(step) if v in self.known.values]

    def _passes_whole(self, step: Step, value: int, gradient: int) -> bool:
        """Whether the gradient of an input is in that of the output, not summed or padded."""
        whole = self.found.shapes[value].numel == step.analysis.output.numel
        return whole or not step.operator.in_place

    def _new_gradient(self, value: int) -> int:
        self.gradient[value] = self._buffer(value)
        return self.gradient[value]

    def _buffer(self, value: int) -> int:
        return self.schedule.buffer(self.found.shapes[value].numel, 0, -1, "gradient")

    # --- what is kept ---------------------------------------------------------------------------

    def _kept_values(self, step: Step, learns: bool, *, in_place: bool) -> Sequence[int]:
        """The values that the backward pass of a step needs."""
        keeps, values = step.operator.keeps, self.known.values
        if step.makes not in values:
            return ()
        read = [v for k, v in enumerate(step.reads) if k != step.operator.indices_of]
        if keeps == OUTPUT or (keeps == EITHER and in_place):
            return (step.makes,)
        if keeps in (INPUTS, EITHER) or (keeps == LEARNED and learns):
            return read
        if keeps == FACTORS:
            found = [v for k, v in enumerate(read) if self._another_flows(read, k) or learns]
            # What never is in memory comes back from its factors and from the result.
            return [*found, step.makes] if self.hidden.intersection(read) else found
        return ()

    def _another_flows(self, read: Sequence[int], index: int) -> bool:
        """Whether a value that is read beside the one at ``index`` gets a gradient."""
        return any(v in self.known.values for k, v in enumerate(read) if k != index)


def _block(network: Network, step: Step, depth: int) -> str:
    """The path of the block at a depth that a step lies in, if it is to be computed again."""
    groups = network.layers[step.layer].groups[:depth]
    return groups[-1].path if groups else ""
