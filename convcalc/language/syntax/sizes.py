"""The sizes that an expression may name: those of the tensor that an item or a block reads.

``in_channels``; ``length`` of one spatial axis, ``height`` and ``width`` of two, ``depth``,
``height`` and ``width`` of three; ``positions``, their product. A param of the same name comes
first; ``in_width`` and its like say the same and clash with none. Behind ``block.`` they are those
of the tensor that enters the block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from convcalc.errors import Error
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN

CHANNELS: Final = "in_channels"
POSITIONS: Final = "positions"
AXES: Final = ("length", "height", "width", "depth")
PREFIX: Final = "in_"
SIZES: Final = frozenset(prefix + name for name in (*AXES, POSITIONS) for prefix in ("", PREFIX))
OF_BLOCK: Final = frozenset(f"block.{name}" for name in (CHANNELS, *SIZES))

INPUT: Final = "<input>"  # in a scope, the shape of the tensor that is read
BLOCK: Final = "<block>"  # the same, of the tensor that enters the block
UNMADE: Final = Shape(1, UNKNOWN)  # of a tensor that could not be made, or was not named


class NoSize(Error):
    """The tensor has no axis of that name."""


def size_of(name: str, shape: Shape | None) -> Any:
    """A size of a tensor; None if there is no such name or no tensor, NoSize if no such axis."""
    if shape is None or (name not in SIZES and name != CHANNELS):
        return None
    if name == CHANNELS:
        return shape.channels
    if shape is UNMADE:
        return UNKNOWN
    name = name.removeprefix(PREFIX)
    if name == POSITIONS:
        return shape.positions
    names = [axis_name(axis, shape.rank) for axis in range(shape.rank)]
    if name not in names:
        has = f"only {' and '.join(names)}" if names else "no spatial axis"
        raise NoSize(f"there is no {name}: the input {shape} has {has}")
    return shape.spatial[names.index(name)]


def describe_input(scope: dict[str, Any], shape: Shape) -> None:
    """Makes the sizes of what is read known in a scope."""
    scope[CHANNELS] = shape.channels
    scope[INPUT] = shape


def value_in(scope: Mapping[str, Any], name: str) -> Any:
    """The value of a name in a scope, of a param or else of a size; None if there is none."""
    if name in scope:
        return scope[name]
    try:
        if name.startswith("block."):
            return size_of(name.removeprefix("block."), scope.get(BLOCK))
        return size_of(name, scope.get(INPUT))
    except NoSize:
        return None
