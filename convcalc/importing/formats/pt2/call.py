"""One call of an operator on its way to nodes: its arguments, and a way to add nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import MOST_VALUES, Constant, Node, Number, Size, Sizes
from convcalc.importing.formats.pt2.schema import Ref, Unknown


class Untranslated(Exception):
    """A call has no counterpart among the operators of all formats; the message tells why."""


class Budget:
    """How many numbers of constants may still be written out."""

    def __init__(self, left: int = 1 << 21) -> None:
        self.left = left

    def allows(self, count: int) -> bool:
        """Whether so many more are within it; they are taken off then."""
        if count > min(self.left, MOST_VALUES):
            return False
        self.left -= count
        return True


class Call:
    """A call of an operator: ``op`` without its overload, and what it makes.

    ``shapes`` are the sizes of all tensors, ``constants`` those known so far; a rule may add some.
    """

    def __init__(
        self,
        op: str,
        arguments: Mapping[str, Any],
        outputs: Sequence[str],
        shapes: Mapping[str, Sizes],
        constants: dict[str, Constant],
        node: Node,
        budget: Budget,
    ) -> None:
        self.op = op
        self.arguments = arguments
        self.outputs = outputs
        self.shapes = shapes
        self.constants = constants
        self.node = node
        self.budget = budget
        self.made: list[Node] = []

    # --- arguments ----------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an argument; the default if it is left out or None."""
        found = self.arguments.get(key)
        return default if found is None or found is Unknown else found

    def first(self, *keys: str) -> Any:
        """The value of the first of some arguments that is there."""
        return next((self.get(key) for key in keys if self.get(key) is not None), None)

    def tensor(self, key: str = "self") -> str:
        """The name of an argument that is a tensor; a number becomes a constant."""
        found = self.get(key)
        if isinstance(found, Ref):
            return str(found)
        if isinstance(found, int | float):
            return self.number(found)
        raise Untranslated(f"'{key}' is not a tensor")

    def optional(self, key: str) -> str:
        """The name of an argument that is a tensor; empty if it is left out."""
        return self.tensor(key) if self.get(key) is not None else ""

    def tensors(self, key: str) -> list[str]:
        """The names of an argument that is a list of tensors."""
        found = self.get(key)
        if not isinstance(found, list) or not all(isinstance(each, Ref) for each in found):
            raise Untranslated(f"'{key}' is not a list of tensors")
        return [str(each) for each in found]

    def integer(self, key: str, default: int) -> int:
        """The value of an argument that is a fixed integer."""
        found = self.get(key, default)
        if not isinstance(found, int):
            raise Untranslated(f"'{key}' is not a fixed number")
        return int(found)

    def integers(self, key: str, default: Sequence[int] = ()) -> list[int]:
        """The value of an argument that is fixed integers, or one."""
        found = self.get(key, list(default))
        numbers = found if isinstance(found, list) else [found]
        if not all(isinstance(each, int) for each in numbers):
            raise Untranslated(f"'{key}' are not fixed numbers")
        return [int(each) for each in numbers]

    def per_axis(self, key: str, rank: int, default: Sequence[int] = ()) -> list[int]:
        """Integers for each spatial axis; one stands for all."""
        found = self.integers(key, default)
        if len(found) not in (1, rank):
            raise Untranslated(f"'{key}' has {len(found)} numbers for {rank} axes")
        return found if len(found) == rank else found * rank

    # --- sizes --------------------------------------------------------------------------------

    def sizes(self, name: str) -> Sizes:
        """The sizes of a tensor."""
        found = self.shapes.get(name)
        if found is None and name in self.constants:
            found = self.constants[name].dims
        if found is None:
            raise Untranslated("the sizes of its input are not in the file")
        return found

    def rank(self, name: str) -> int:
        """The number of a tensor's axes."""
        return len(self.sizes(name))

    def axis(self, key: str, rank: int, default: int = 0) -> int:
        """An axis, counted from the front."""
        return counted(self.integer(key, default), rank)

    def axes(self, key: str, rank: int) -> list[int]:
        """Axes, counted from the front; all of them if none is named."""
        found = self.integers(key)
        return [counted(axis, rank) for axis in found] if found else list(range(rank))

    # --- nodes --------------------------------------------------------------------------------

    def numbers(self, values: Sequence[Number], dims: Sequence[int] | None = None) -> str:
        """The name of a new constant of these numbers, by default in one axis."""
        name = f"{self.node.name}.constant{len(self.constants)}"
        kind = "float" if any(isinstance(each, float) for each in values) else "int"
        sizes = (len(values),) if dims is None else tuple(dims)
        self.constants[name] = Constant(sizes, tuple(values), kind)
        return name

    def number(self, value: Number) -> str:
        """The name of a new constant that is one number."""
        return self.numbers([value], ())

    def listed(self, values: Sequence[Any]) -> str:
        """The name of a tensor of these sizes, of which some may be computed."""
        if all(isinstance(each, int) for each in values):
            return self.numbers([int(each) for each in values])
        parts = []
        for each in values:
            if isinstance(each, Ref):
                parts.append(self.add("Unsqueeze", each, axes=(0,)))
            else:
                parts.append(self.numbers([int(each)]))
        return self.add("Concat", *parts, axis=0)

    def add(self, op: str, *inputs: str, **values: Any) -> str:
        """Adds a node that makes a tensor of its own; its name."""
        output = f"{self.node.name}.{len(self.made)}"
        self.made.append(self.node._replace(op=op, inputs=inputs, outputs=(output,), values=values))
        return output

    def make(self, op: str, *inputs: str, **values: Any) -> None:
        """Adds the node that makes the outputs of the call."""
        self.made.append(
            self.node._replace(op=op, inputs=inputs, outputs=tuple(self.outputs), values=values)
        )

    def make_one(self, index: int, op: str, *inputs: str, **values: Any) -> None:
        """Adds the node that makes one of the outputs of the call."""
        made = self.node._replace(
            op=op, inputs=inputs, outputs=(self.outputs[index],), values=values
        )
        self.made.append(made)

    def hold(self, data: Sequence[Number] | None = None) -> None:
        """Says that the output is a constant, of these numbers if they are known.

        Who gives numbers has asked ``budget`` for them.
        """
        (name,) = self.outputs
        sizes = self.sizes(name)
        if any(size is None for size in sizes):
            raise Untranslated("it makes a tensor whose size is not fixed")
        kind = "float" if data is None or any(isinstance(n, float) for n in data) else "int"
        known = None if data is None else tuple(data)
        self.constants[name] = Constant(tuple(size or 0 for size in sizes), known, kind)


Rule = Callable[[Call], None]


def counted(axis: int, rank: int) -> int:
    """An axis counted from the front; Untranslated if there is none."""
    if not -rank <= axis < rank:
        raise Untranslated(f"there is no axis {axis} of {rank}")
    return axis % rank


def fixed(sizes: Sequence[Size]) -> list[int]:
    """Sizes that must all be known."""
    found = [size for size in sizes if size is not None]
    if len(found) != len(sizes):
        raise Untranslated("its sizes are not fixed")
    return found
