"""Statements of a class's constructor and of its forward.

Modules that merely follow one another need no forward: their class is an ``nn.Sequential``;
:class:`NotChain` says that this is not enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

Lines = list[tuple[int, str]]  # indentation and text of each statement


class NotChain(Exception):
    """Something is more than modules one after another."""


class Statements:
    """The statements of one class on their way."""

    def __init__(self, *, chain: bool) -> None:
        self.chain = chain  # no forward is written
        self.sink = ""  # the container that modules are appended to; empty: attributes of self
        self.init: Lines = []
        self.forward: Lines = []
        self.depth = [2, 2]  # of indentation, in the constructor and in forward

    @property
    def is_flat(self) -> bool:
        """Whether forward is not written here: in a chain, or in a container."""
        return self.chain or bool(self.sink)

    def need_forward(self) -> None:
        """Raises NotChain where forward is not written."""
        if self.is_flat:
            raise NotChain

    def make(self, text: str) -> None:
        """Adds a statement to the constructor."""
        self.init.append((self.depth[0], text))

    def do(self, text: str) -> None:
        """Adds a statement to forward."""
        self.need_forward()
        self.forward.append((self.depth[1], text))

    @contextmanager
    def inside(self, *which: int) -> Iterator[None]:
        """A level deeper, in the constructor (0), in forward (1)."""
        for k in which:
            self.depth[k] += 1
        try:
            yield
        finally:
            for k in which:
                self.depth[k] -= 1


def appended(lines: Sequence[tuple[int, str]], target: str) -> str | None:
    """The only module that is appended to a container; None if there is more to do."""
    start = f"{target}.append("
    if len(lines) == 1 and lines[0][1].startswith(start):
        return lines[0][1][len(start) : -1]
    return None
