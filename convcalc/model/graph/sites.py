"""Where a layer is defined: on a line of a file, or in an element of another format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from convcalc.diagnostics.diagnostic import Place


class Site(Protocol):
    """Where a layer is defined in its source."""

    @property
    def place(self) -> Place:
        """The layer's own place."""

    def field_place(self, name: str) -> Place | None:
        """The place of a field's value; None if the source does not give it."""

    def input_place(self, index: int) -> Place | None:
        """The place that names an input; None if none does."""


class Spot(NamedTuple):
    """A site with fixed places: that of the layer, and those of fields and inputs if known."""

    place: Place
    fields: Mapping[str, Place] = {}
    inputs: Sequence[Place] = ()

    def field_place(self, name: str) -> Place | None:
        return self.fields.get(name)

    def input_place(self, index: int) -> Place | None:
        return self.inputs[index] if index < len(self.inputs) else None
