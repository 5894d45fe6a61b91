"""Where a layer stands: in a line of a file, or in an element of another format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from convcalc.diagnostics.diagnostic import Place


class Site(Protocol):
    """Where a layer stands in what somebody wrote."""

    @property
    def place(self) -> Place:
        """The layer's own place."""

    def field_place(self, name: str) -> Place | None:
        """Where the value of a field stands; None if it does not."""

    def input_place(self, index: int) -> Place | None:
        """Where an input is named; None if it is not."""


class Spot(NamedTuple):
    """A site by its places: that of the layer, and those of its fields where they are known."""

    place: Place
    fields: Mapping[str, Place] = {}
    inputs: Sequence[Place] = ()

    def field_place(self, name: str) -> Place | None:
        return self.fields.get(name)

    def input_place(self, index: int) -> Place | None:
        return self.inputs[index] if index < len(self.inputs) else None
