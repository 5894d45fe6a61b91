"""One layer, or a part of one, as it is compared."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from convcalc.analysis.agreement.kinds import Traits
from convcalc.model.graph.network import Group, Layer
from convcalc.model.quantities.shape import Shape

# What is folded away, or not told of products that are written out.
UNSURE = ("bias", "heads")


class Unit(NamedTuple):
    """One layer or part as it is compared.

    ``reads`` are the numbers of the units that it reads; inputs of the network are −1, −2, ….
    ``norm`` is the batch norm that is folded into it, ``meets`` the number of channels that its
    weight meets, None without one.
    """

    number: int
    path: str
    layer: Layer
    kind: str
    family: str
    traits: Traits
    reads: tuple[int, ...]
    output: Shape
    input: Shape
    has_weights: bool = False
    norm: Unit | None = None
    meets: int | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """The composites around it."""
        if self.path == self.layer.path:
            return self.layer.groups
        return (*self.layer.groups, Group(self.layer.path, self.layer.name))


def exact(unit: Unit) -> Hashable:
    """All that makes a unit what it is, as far as every program says it."""
    traits = tuple(sorted((k, repr(v)) for k, v in unit.traits.items() if k not in UNSURE))
    return (unit.kind, traits)
