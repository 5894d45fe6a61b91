"""How large a document may be, and the work of reading one."""

from __future__ import annotations

from typing import Final, NamedTuple

from convcalc.diagnostics.work import current


class Limits(NamedTuple):
    """The largest file that is read, and the largest number of problems that are reported."""

    bytes: int = 256 * 1024
    nodes: int = 50_000
    depth: int = 48
    problems: int = 100


LIMITS: Final = Limits()


def spend_on_nodes(nodes: int, characters: int = 0) -> None:
    """Spends the work of some nodes, with all that is made of them, and of a text."""
    current().spend(12 * nodes + characters // 64, "reading")
