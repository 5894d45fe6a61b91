"""Coverage and look-ahead of a layer, as far as sliding windows tell them exactly."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import NamedTuple

from convcalc.geometry import SAME, AxisMap, Nothing, Slide
from convcalc.graph import Layer, Network
from convcalc.support import Line, behind, united


class Unseen(Exception):
    """It cannot be known; says why."""


class Path(NamedTuple):
    """What a tensor reads of a network input, per axis.

    ``union`` holds the positions of all branches together; ``one`` those of a single branch,
    the widest, whose axes are independent of one another.
    """

    union: tuple[Line, ...]
    one: tuple[Line, ...]


def coverage(network: Network, tensor: int, input: str = "") -> Fraction:  # noqa: A002
    """The share of the positions within the receptive field that are really read.

    Exact along a chain, on one axis, and wherever nothing is left out. Raises Unseen where
    branches with holes meet on several axes: there the holes of the axes are not independent.
    """
    path = _path(network, tensor, input)
    if path.union == path.one or len(path.union) == 1:
        return prod((Fraction(line.read, line.span) for line in path.union), start=Fraction(1))
    hulls = [(line.first, line.span) for line in path.union]
    if [(line.first, line.read) for line in path.one] == hulls:
        return Fraction(1)
    raise Unseen("branches with holes meet")


def look_ahead(network: Network, tensor: int, input: str = "") -> tuple[Fraction, ...]:  # noqa: A002
    """How many input positions after its own the output sees, per axis; 0 for a causal network.

    The own positions of output y are those from y times the jump to the next output's.
    """
    path = _path(network, tensor, input)
    return tuple(Fraction(max(0, line.first + line.span - line.jump)) for line in path.union)


def _path(network: Network, tensor: int, input: str) -> Path:  # noqa: A002
    """The path from a network input to a tensor."""
    start = list(network.inputs).index(input) if input else -1
    paths: list[Path | None] = []
    for number, shape in enumerate(network.inputs.values()):
        fresh = (Line(),) * shape.rank
        chosen = number == start or start < 0
        paths.append(Path(fresh, fresh) if chosen else None)
    for layer in network.layers[: tensor - len(paths) + 1]:
        paths.append(_behind_layer(layer, paths))
    found = paths[tensor]
    if found is None:
        raise Unseen("it depends on no such input")
    if not found.union:
        raise Unseen("it is global, or upsampled, or branches of different strides meet")
    return found


_LOST = Path((), ())  # it depends on the input in a way that windows do not tell


def _behind_layer(layer: Layer, paths: list[Path | None]) -> Path | None:
    """The path behind a layer; None if it does not depend on the input."""
    parts: list[Path] = []
    for number, axes in zip(layer.inputs, layer.analysis.axes, strict=True):
        path = paths[number]
        if path is None or any(isinstance(axis, Nothing) for axis in axes):
            continue
        if len(axes) != len(path.union) or not all(map(_is_placed, axes)):
            return _LOST
        if all(axis is SAME for axis in axes):
            parts.append(path)
            continue
        union, one = (
            [behind(axis, line) for axis, line in zip(axes, lines, strict=True)] for lines in path
        )
        if None in union or None in one:
            return _LOST
        parts.append(Path(tuple(x for x in union if x), tuple(x for x in one if x)))
    if len(parts) < 2:
        return parts[0] if parts else None
    if any(not part.union for part in parts):
        return _LOST
    joined = [united(lines) for lines in zip(*(part.union for part in parts), strict=True)]
    if None in joined:
        return _LOST
    widest = max(parts, key=lambda part: prod(line.read for line in part.one))
    return Path(tuple(line for line in joined if line), widest.one)


def _is_placed(axis: AxisMap) -> bool:
    """Whether the padding before the first position is known."""
    return not isinstance(axis, Slide) or axis.placed
