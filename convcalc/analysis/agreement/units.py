"""A network as the units that are compared: its steps without what only hands on what it reads.

Composites are their parts. Views, dropout, identities, the concatenation of one tensor's own
pieces and constant factors are not units: what reads them reads what they read. Padding of its own
belongs to the window that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.analysis.agreement.describing import COMMUTING, Described, described
from convcalc.analysis.agreement.kinds import CONV, EACH
from convcalc.analysis.agreement.simplifying import folded_pairs, simplified
from convcalc.analysis.agreement.unit import Unit
from convcalc.model.geometry.sizes import Sides
from convcalc.model.graph.network import MADE, Network
from convcalc.model.graph.steps import Step, Steps, steps_of
from convcalc.model.operators.contract import Function
from convcalc.model.operators.registry import name_of
from convcalc.model.quantities.shape import Shape


class Units:
    """The units of a network, before batch norms are folded."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.steps: Steps = steps_of(network)
        self.sources: dict[int, tuple[int, ...]] = {}  # the units that a value is made by
        self.padded: dict[int, Sides] = {}  # what was added to a value before
        self.learned: dict[int, int] = {}  # of a layer that is a learned tensor: its unit
        self.constant: set[int] = set()  # values that are computed of learned tensors alone
        self.raised: set[int] = set()  # values to which 3 was added
        self.units: list[Unit] = []
        for number in range(self.steps.inputs):
            self.sources[number] = (-1 - number,)
        for step in self.steps.steps:
            self._add(step)

    def made(self, *, fold: bool) -> list[Unit]:
        """The units in one way of writing; with ``fold``, without norms that can be folded."""
        return simplified(self.units, self.returned, fold=fold)

    @property
    def has_foldable(self) -> bool:
        """Whether there is a norm that every exporter folds: one right behind a convolution."""
        pairs = folded_pairs(self.units, self.returned)
        return any(unit.kind == CONV and unit.layer.name != "linear" for unit, _ in pairs)

    def ends(self, made: Sequence[Unit]) -> dict[str, int]:
        """The unit that makes each output of the network, by the output's name."""
        places = {unit.path: unit.number for unit in made}
        found: dict[str, int] = {}
        for name, tensor in self.network.outputs.items():
            for number in self.sources.get(self.steps.values[tensor], ())[-1:]:
                path = self.units[number].path if number >= 0 else ""
                if path in places:
                    found[name] = places[path]
        return found

    @property
    def returned(self) -> set[int]:
        """The units that the network returns."""
        return {each for value in self.steps.outputs for each in self.sources.get(value, ())}

    def _add(self, step: Step) -> None:
        """Add a unit for a step, or hand on what it reads."""
        layer = self.network.layers[step.layer]
        if layer.shares in self.learned:
            self.constant.add(step.makes)
            self.sources[step.makes] = (self.learned[layer.shares],)
            return
        if layer.note == MADE:
            self.sources[step.makes] = ()
            return
        inputs = [self.steps.shapes[value] for value in step.reads]
        values = self._numbers_left_out(step)
        reads = tuple(dict.fromkeys(each for v in values for each in self.sources[v]))
        found = self._of_three(step) or described(step, inputs, layer.operator)
        if found is not None and found.kind == "mul" and len({*step.reads}) == 1 < len(step.reads):
            found = Described("square", {}, "square")
        if len(values) == 1 < len(step.computes_with):
            found = None
        if found is not None and found.kind == "concat" and len(reads) == 1:
            found = None  # pieces of one tensor in another place
        if self._is_constant(step) or found is None:
            self.sources[step.makes] = reads
            self._hand_padding_on(step)
            return
        traits = dict(found.traits)
        self._take_padding(step, traits)
        number = len(self.units)
        self.units.append(
            Unit(
                number,
                f"{layer.path}.{step.part}" if step.part else layer.path,
                layer,
                found.kind,
                found.family,
                traits,
                tuple(sorted(reads)) if found.kind in COMMUTING else reads,
                step.analysis.output,
                inputs[0] if inputs else step.analysis.output,
                bool(step.analysis.stored),
                meets=_met(step, traits),
            )
        )
        self.sources[step.makes] = (number,)
        if found.kind == "parameter":
            self.learned[step.layer] = number
            self.constant.add(step.makes)

    def _numbers_left_out(self, step: Step) -> tuple[int, ...]:
        """Return what a step computes with, without learned single numbers of sums and products."""
        if isinstance(step.operator, Function) or name_of(step.operator) not in ("add", "mul"):
            return step.computes_with
        shapes = self.steps.shapes
        many = [v for v in step.computes_with if v not in self.constant or shapes[v].numel != 1]
        return tuple(many) or step.computes_with

    def _is_constant(self, step: Step) -> bool:
        """Whether a step computes with learned tensors alone, and remember that.

        It is the same in every run; programs compute it early or late, once or at each use, and
        exporters before the first one.
        """
        stored = any(map(prod, step.analysis.stored.values()))
        is_so = bool(step.reads) and not stored and self.constant.issuperset(step.reads)
        if is_so:
            self.constant.add(step.makes)
        return is_so

    def _of_three(self, step: Step) -> Described | None:
        """A hardsigmoid that is written as relu6(x + 3) / 6, at its relu6."""
        if isinstance(step.operator, Function) or len(step.reads) != 1:
            return None
        operator: Any = step.operator
        name = name_of(operator)
        if name == "elementwise" and operator.op == "add" and operator.value == 3:
            self.raised.add(step.makes)
        if name == "relu6" and step.reads[0] in self.raised:
            return Described("hardsigmoid", {}, "activation")
        return None

    def _hand_padding_on(self, step: Step) -> None:
        """Remember the padding that a step adds, for the window that reads it."""
        if isinstance(step.operator, Function) or not step.reads:
            return
        before = self.padded.get(step.reads[0])
        if name_of(step.operator) == "pad":
            sides = _sides(step.operator, self.steps.shapes[step.reads[0]], step.analysis.output)
            if sides is not None:
                self.padded[step.makes] = _sum(before, sides)
        elif before is not None:
            self.padded[step.makes] = before

    def _take_padding(self, step: Step, traits: dict[str, Any]) -> None:
        """Add the padding that was added before to that of a window."""
        given = self.padded.get(step.reads[0]) if step.reads else None
        kernel = traits.get("kernel_size")
        if given is not None and kernel is not None and len(given) == len(kernel):
            traits["padding"] = _sum(traits.get("padding"), given)


def _met(step: Step, traits: Mapping[str, Any]) -> int | None:
    """How many channels a weight meets; None where each channel has its own."""
    weight = step.analysis.weights.get("weight", ())
    if isinstance(step.operator, Function) and step.part.rpartition(".")[2] == "mix":
        return weight[0]  # numbers that weigh kernels
    groups = traits.get("groups") or 1  # none: of a deformable convolution, its own number
    return None if groups == EACH or len(weight) < 2 else weight[1] * groups


def _sides(operator: Any, x: Shape, out: Shape) -> Sides | None:
    """Return what a padding adds on both sides of each axis."""
    if operator.mode != "constant" or x.rank != out.rank:
        return None
    if operator.padding is not None and not isinstance(operator.padding, str):
        found: Sides = operator.padding
        return found
    grown = [m - n for m, n in zip(out.spatial, x.spatial, strict=True)]
    return tuple((each // 2, each - each // 2) for each in grown)


def _sum(one: Sides | None, other: Sides) -> Sides:
    if one is None:
        return other
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(one, other, strict=True))
