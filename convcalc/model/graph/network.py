"""A network written out: layers in order, each with its path, place and analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.assertions.vocabulary import Budget
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.quantities.shape import Shape


class Group(NamedTuple):
    """A composite that a layer belongs to: its path and its type (the block's name)."""

    path: str
    kind: str


class Layer(NamedTuple):
    """One layer of a network.

    ``inputs`` are tensor numbers: the network's inputs come first, then layer k's output is
    number ``len(inputs) + k``. ``shares`` is the index of the layer whose weights it uses
    again, or -1.
    """

    path: str
    groups: tuple[Group, ...]
    name: str
    operator: Operator
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    analysis: Analysis
    place: Place
    note: str
    trainable: bool
    shares: int = -1


@dataclass(frozen=True, eq=False)  # generated comparisons cost start-up time
class Network:
    """A network written out, with the problems that were met on the way.

    ``inputs`` and ``outputs`` map names to shapes and to tensor numbers; shapes carry the batch.
    ``sources`` holds the text of every file that was read; ``base`` and ``variants`` the names of
    the file's base and of its variants, ``expect`` the numbers that it pins, by variant, and
    ``pinned_at`` where each stands; ``budgets`` what it demands of this variant.
    """

    name: str
    variant: str | None
    description: str
    origin: str
    year: int | None
    note: str
    file: str
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, int]
    layers: tuple[Layer, ...]
    problems: tuple[Diagnostic, ...] = ()
    skipped: int = 0
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    expect: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pinned_at: Mapping[tuple[str, str], Place] = field(default_factory=dict, repr=False)
    variants: tuple[str, ...] = ()
    base: str = ""
    budgets: Budget | None = None

    def shape(self, tensor: int) -> Shape:
        """The shape of a tensor by its number."""
        inputs = tuple(self.inputs.values())
        if tensor < len(inputs):
            return inputs[tensor]
        return self.layers[tensor - len(inputs)].analysis.output
