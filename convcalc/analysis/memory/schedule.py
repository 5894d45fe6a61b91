"""Operations in their order, the buffers that they read and make, and how much lives at once.

A buffer lives from the operation that makes it until the last one that reads it. While an
operation works, what it reads and what it makes is alive.
"""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.model.graph.steps import Steps
from convcalc.model.quantities.record import Value
from convcalc.model.quantities.unknown import known


class Buffer:
    """Memory of so many elements of the network's type, and so many bytes beside them.

    ``layer`` is the index of the layer that makes it, negative for the network's inputs; ``name``
    says which of the layer's buffers it is.
    """

    __slots__ = ("elements", "index_bytes", "layer", "name")

    def __init__(self, elements: int, index_bytes: int, layer: int, name: str = "") -> None:
        self.elements = elements
        self.index_bytes = index_bytes
        self.layer = layer
        self.name = name


class Operation:
    """One operation of a layer, with the numbers of the buffers that it reads and makes."""

    __slots__ = ("layer", "makes", "reads")

    def __init__(self, layer: int, reads: tuple[int, ...], makes: tuple[int, ...]) -> None:
        self.layer = layer
        self.reads = reads
        self.makes = makes


class Peak(Value):
    """The most that is alive at once, and during which operation: -1 is before the first.

    Unknown where the size of a buffer is.
    """

    elements: int
    index_bytes: int
    bits: int
    operation: int


class Schedule:
    """Operations under construction.

    ``start`` are the buffers that are there before, ``held`` those that stay until the end.
    """

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.operations: list[Operation] = []
        self.start: list[int] = []
        self.held: set[int] = set()

    def buffer(self, elements: int, index_bytes: int, layer: int, name: str = "") -> int:
        """A new buffer's number."""
        self.buffers.append(Buffer(elements, index_bytes, layer, name))
        return len(self.buffers) - 1

    def last_uses(self) -> dict[int, int]:
        """For each buffer that is read or held, the operation that needs it last."""
        last = {
            number: index
            for index, operation in enumerate(self.operations)
            for number in operation.reads
        }
        return last | dict.fromkeys(self.held, len(self.operations))

    def alive_at(self, index: int) -> list[int]:
        """The buffers that are alive during an operation; -1 is before the first."""
        last, made = self.last_uses(), [*self.start]
        for operation in self.operations[: max(index, 0)]:
            made += operation.makes
        # An input that nobody reads stays.
        stays = dict.fromkeys(self.start, len(self.operations)) | last
        alive = [number for number in made if stays.get(number, -1) >= index]
        return [*alive, *(self.operations[index].makes if index >= 0 else ())]

    def peak(self, bits: int) -> Peak:
        """The peak, by the first operation that reaches it; an element has so many bits."""
        most, at, alive = -1, -1, (0, 0)
        for index, elements, index_bytes in self._alive():
            amount = elements * bits + 8 * index_bytes
            if not known(amount):
                return Peak(elements, index_bytes, amount, index)
            if amount > most:
                most, at, alive = amount, index, (elements, index_bytes)
        return Peak(*alive, most, at)

    def amounts(self, bits: int) -> list[int]:
        """Bits alive before the operations and during each; an element has so many."""
        return [elements * bits + 8 * index_bytes for _, elements, index_bytes in self._alive()]

    def _alive(self) -> Iterator[tuple[int, int, int]]:
        """Before the operations and during each: its index, elements and further bytes alive."""
        dying: dict[int, list[int]] = {}
        last = self.last_uses()
        for number, index in last.items():
            dying.setdefault(index, []).append(number)
        elements = sum(self.buffers[number].elements for number in self.start)
        index_bytes = 0
        yield -1, elements, index_bytes
        buffers = self.buffers
        for index, operation in enumerate(self.operations):
            makes = operation.makes
            for number in makes:
                elements = elements + buffers[number].elements
                index_bytes = index_bytes + buffers[number].index_bytes
            yield index, elements, index_bytes
            gone = dying.get(index, ())
            for number in (*gone, *[number for number in makes if number not in last]):
                elements = elements - buffers[number].elements
                index_bytes = index_bytes - buffers[number].index_bytes


def plain_schedule(found: Steps) -> Schedule:
    """The forward pass without options: each value has a buffer of its own, with its number."""
    schedule = Schedule()
    schedule.start += range(found.inputs)
    schedule.held |= found.outputs
    for number in range(found.inputs):
        schedule.buffer(found.shapes[number].numel, 0, number - found.inputs)
    for step in found.steps:
        schedule.buffers.append(Buffer(step.made_elements, 0, step.layer, step.part))
        schedule.operations.append(Operation(step.layer, step.reads, (step.makes,)))
    return schedule
