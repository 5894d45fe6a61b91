"""The tools of a rule: the layer, or part of one, that it writes, and the moves of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from convcalc.exporting.onnx.nodes import (
    BUFFER,
    FLOAT,
    INDEX,
    INT,
    WEIGHT,
    Dims,
    Nodes,
    Unwritable,
    Value,
)
from convcalc.model.operators.contract import Analysis, Part
from convcalc.model.quantities.unknown import UNKNOWN, known

END = 2**63 - 1  # behind the last element, however many there are


class Writing:
    """A layer, or a part of a composite, on its way to nodes.

    ``path`` is where its stored tensors are: that of the layer. ``prefix`` is the name of the part
    and a point. ``frozen`` are stored tensors that are not learned; ``others`` says of a tensor
    that is another layer's where it is.
    """

    def __init__(
        self,
        nodes: Nodes,
        analysis: Analysis,
        paths: Any,
        prefix: str = "",
    ) -> None:
        self.nodes = nodes
        self.analysis = analysis
        self.paths = paths
        self.prefix = prefix

    def inner(self, part: Part) -> Writing:
        """The writing of a part, whose tensors it names itself."""
        return Writing(self.nodes, part.analysis, self.paths, f"{self.prefix}{part.name}.")

    def step(self, part: Part) -> Writing:
        """The writing of a part that is a function, whose tensors are named as the composite's."""
        return Writing(self.nodes, part.analysis, self.paths, self.prefix)

    @property
    def made(self) -> Dims:
        """The sizes of what is made."""
        return self.analysis.output.dims

    # --- tensors that are stored ------------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Whether a stored tensor is there."""
        return key in self.analysis.weights or key in self.analysis.buffers

    def stored(self, key: str, dims: Sequence[int] | None = None) -> Value:
        """A weight or a buffer, in other sizes if they are given: zeros made in place.

        Raises Unwritable if its sizes are not known.
        """
        own = {**self.analysis.weights, **self.analysis.buffers}[key]
        dims = tuple(own if dims is None else dims)
        if not known(dims) or not known(own):
            raise Unwritable(f"the sizes of '{self.prefix}{key}' are not known", "set its input")
        name = f"{self.paths(f'{self.prefix}{key}')}.{self.prefix}{key}"
        found = self.nodes.stored.get(name)
        if found is None or found.dims != dims:
            kind = WEIGHT if key in self.analysis.weights else BUFFER
            found = self.filled(dims, stored=kind)
            found.name = name
            self.nodes.stored[name] = found
        return found

    def index(self, key: str, kind: str = INDEX) -> Value:
        """Which channels are taken, as many as the part has; a buffer, if the layer stores it."""
        count = self.made[1]
        made = self.nodes.add(
            "ConstantOfShape", [self.ints(count)], (count,), stored=kind, kind=INT
        )
        made.name = f"{self.paths(key)}.{self.prefix}{key}"
        self.nodes.stored[made.name] = made
        return made

    def filled(self, dims: Dims, value: float | None = None, *, stored: str = "") -> Value:
        """A tensor of one number; zero if none is given."""
        return self.nodes.add(
            "ConstantOfShape", [self.ints(*dims)], dims, stored=stored, value=value
        )

    # --- numbers ----------------------------------------------------------------------------------

    def ints(self, *numbers: int) -> Value:
        """A list of integers; raises Unwritable if one of them is not known."""
        if not known(numbers):
            raise Unwritable("it needs a size that is not known", "set the sizes of the input")
        return self.nodes.constant((len(numbers),), numbers, INT)

    def table(self, dims: Dims, numbers: Sequence[int]) -> Value:
        """Integers on several axes."""
        return self.nodes.constant(dims, numbers, INT)

    def number(self, value: float) -> Value:
        """One number."""
        return self.nodes.constant((), (float(value),), FLOAT)

    def floats(self, *numbers: float, to: Dims | None = None) -> Value:
        """A list of numbers, or so many on several axes."""
        dims = (len(numbers),) if to is None else to
        return self.nodes.constant(dims, tuple(map(float, numbers)), FLOAT)

    # --- nodes ------------------------------------------------------------------------------------

    def node(
        self, op: str, *inputs: Value | None, to: Sequence[int] | None = None, **attributes: Any
    ) -> Value:
        """A node; what it makes has the sizes of its first input if none are given."""
        given = list(inputs)
        while given and given[-1] is None:
            given.pop()
        dims = to if to is not None else given[0].dims  # type: ignore[union-attr]
        return self.nodes.add(op, given, dims, **attributes)

    def pair(self, op: str, one: Value, other: Value) -> Value:
        """A node of two tensors that are broadcast to each other."""
        rank = max(len(one.dims), len(other.dims))
        padded = ((1,) * (rank - len(each.dims)) + each.dims for each in (one, other))
        dims = [m if n == 1 else n for n, m in zip(*padded, strict=True)]
        return self.node(op, one, other, to=dims)

    def with_number(self, op: str, x: Value, value: float) -> Value:
        """A node of a tensor and a number."""
        return self.node(op, x, self.number(value))

    # --- moves ------------------------------------------------------------------------------------

    def reshape(self, x: Value, *dims: int) -> Value:
        """Elements in other sizes; the batch, if it stays first, and one unknown size are left
        open."""
        if x.dims == dims:
            return x
        is_kept = dims[0] is x.dims[0] or (known((dims[0], x.dims[0])) and dims[0] == x.dims[0])
        sizes = [0 if is_kept and not i else -1 if n is UNKNOWN else n for i, n in enumerate(dims)]
        if sizes.count(-1) > 1:
            raise Unwritable("it reshapes to sizes that are not known", "set those of the input")
        return self.node("Reshape", x, self.ints(*sizes), to=dims)

    def transpose(self, x: Value, *order: int) -> Value:
        """Axes in another order."""
        if order == tuple(range(len(order))):
            return x
        return self.node("Transpose", x, to=[x.dims[axis] for axis in order], perm=order)

    def unsqueeze(self, x: Value, *axes: int) -> Value:
        """Axes of size 1 put in, at these places of the result."""
        old = iter(x.dims)
        dims = [1 if i in axes else next(old) for i in range(len(x.dims) + len(axes))]
        return self.node("Unsqueeze", x, self.ints(*axes), to=dims)

    def squeeze(self, x: Value, *axes: int) -> Value:
        """Axes of size 1 dropped."""
        dims = [n for i, n in enumerate(x.dims) if i not in axes]
        return self.node("Squeeze", x, self.ints(*axes), to=dims)

    def slice(self, x: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
        """A part of an axis; a stop that is not known is the end."""
        size = x.dims[axis]
        if known((size, start, stop)) and (start, stop, step) == (0, size, 1):
            return x
        count = -((start - stop) // step) if known((start, stop)) else UNKNOWN
        dims = (*x.dims[:axis], count, *x.dims[axis + 1 :])
        bounds = (self.ints(start), self.ints(stop if known((stop,)) else END))
        steps = None if step == 1 else self.ints(step)
        return self.node("Slice", x, *bounds, self.ints(axis), steps, to=dims)

    def split(self, x: Value, axis: int, *sizes: int) -> list[Value]:
        """The parts of an axis, one behind the other."""
        if len(sizes) == 1:
            return [x]
        shapes = [(*x.dims[:axis], size, *x.dims[axis + 1 :]) for size in sizes]
        first = self.node("Split", x, self.ints(*sizes), to=shapes[0], axis=axis)
        assert first.node is not None
        return [first, *(self.nodes.output(first.node, dims) for dims in shapes[1:])]

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """Tensors one behind the other."""
        if len(values) == 1:
            return values[0]
        sizes = [value.dims[axis] for value in values]
        total = sum(sizes) if known(tuple(sizes)) else UNKNOWN
        first = values[0].dims
        dims = (*first[:axis], total, *first[axis + 1 :])
        return self.node("Concat", *values, to=dims, axis=axis)

    def expand(self, x: Value, *dims: int) -> Value:
        """Axes of size 1 repeated."""
        return x if x.dims == dims else self.node("Expand", x, self.ints(*dims), to=dims)

    def pad(
        self, x: Value, sides: Sequence[tuple[int, int]], mode: str = "constant", first: int = 2
    ) -> Value:
        """Positions before and behind axes from ``first`` on; below 0 they are cut off."""
        if not any(n for pair in sides for n in pair if known((n,))) and known(tuple(sides)):
            return x
        axes = range(first, first + len(sides))
        if known(tuple(sides)) and min(map(min, sides)) < 0:
            for axis, (low, high) in zip(axes, sides, strict=True):
                x = self.slice(x, axis, max(-low, 0), x.dims[axis] + min(high, 0))
            left = [(max(low, 0), max(high, 0)) for low, high in sides]
            return self.pad(x, left, mode, first)
        before, after = zip(*sides, strict=True)
        dims = list(x.dims)
        for axis, pair in zip(axes, sides, strict=True):
            dims[axis] += sum(pair)
        pads = self.ints(*before, *after)
        chosen = None if len(sides) == len(x.dims) else self.ints(*axes)
        return self.node("Pad", x, pads, None, chosen, to=dims, mode=mode)

    def reduce(self, op: str, x: Value, *axes: int, keepdims: bool = True) -> Value:
        """A reduction over some axes."""
        dims = [1 if i in axes else n for i, n in enumerate(x.dims)]
        if not keepdims:
            dims = [n for i, n in enumerate(x.dims) if i not in axes]
        return self.node(op, x, self.ints(*axes), to=dims, keepdims=int(keepdims))

    # --- axes of a layer's tensor -----------------------------------------------------------------

    def to_rank(self, x: Value, rank: int) -> Value:
        """A vector as a map of one position on each of so many axes."""
        missing = rank + 2 - len(x.dims)
        return self.unsqueeze(x, *range(2, 2 + missing)) if missing > 0 else x

    def channels_last(self, x: Value) -> Value:
        """The channels behind the positions."""
        rank = len(x.dims) - 2
        return self.transpose(x, 0, *range(2, 2 + rank), 1) if rank else x

    def channels_first(self, x: Value) -> Value:
        """The channels before the positions again."""
        rank = len(x.dims) - 2
        return self.transpose(x, 0, rank + 1, *range(1, 1 + rank)) if rank else x

    def per_channel(self, key: str, x: Value) -> Value:
        """A stored number for each channel, in sizes that are broadcast to a tensor's."""
        (count,) = self.analysis.weights.get(key) or self.analysis.buffers[key]
        return self.stored(key, (count, *(1,) * (len(x.dims) - 2)))

    def flat(self, x: Value) -> Value:
        """All positions on one axis."""
        return self.reshape(x, *x.dims[:2], prod(x.dims[2:]))
