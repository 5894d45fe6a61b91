"""A row on its way to layers: what it says, what it reads, and what the scale makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.layers import Flow, Flows, Kernel
from convcalc.importing.formats.ultralytics.rows import Row, Wrong


class Call(NamedTuple):
    """A row with what it reads, its scaled channels (0 if it has none of its own) and repeats, and
    the name of the scale."""

    row: Row
    read: Sequence[Flows]
    c: int
    n: int
    scale: str

    @property
    def x(self) -> Flow:
        """The first tensor that it reads."""
        return self.read[0][0]


Rule = Callable[[Modules, Call], Flows]


def repeated(m: Modules, call: Call, part: Callable[[Flow], Flow]) -> Flows:
    """A module, or several one after another, each for the channels that the first reads."""
    x, expected = call.x, call.x.c
    if call.n == 1:
        return (part(x),)
    for index in range(call.n):
        with m.writer.inside(str(index), call.row.module):
            x = part(x._replace(c=expected))
    return (x,)


def kernel(row: Row, index: int) -> Kernel:
    """A kernel size, 1 if not given: one for both axes, or one for each."""
    if index < len(row.args) and isinstance(row.args[index].value, list):
        found = row.args[index].integers("the kernel", 1)
        if len(found) != 2:
            raise Wrong("wrong-type", "a kernel has two sizes", row.args[index].place)
        return found
    return row.integer(index, "the kernel", 1)
