"""Computes the cost of one step of training: forward, gradient of the input, gradient of the
weights.

Each multiply-accumulate of the forward pass comes back once in either gradient, for grouped and
for transposed convolutions too, so a layer costs up to three times its forward pass. The gradient
of an input is left out where nothing before it is trained, as in the first layer of a network; the
gradient of the weights where they are frozen; both where no output of the network depends on the
layer. Composites are walked part by part, each with the values that it reads. Where both factors
of a product are computed, each has its gradient if it depends on trained weights. The states of a
recurrent layer depend on its weights, all but the one before the first step, which gets none.

Only multiply-accumulates are counted, weights and dynamic, 2 FLOPs each. The update of the weights
is not, nor is anything that is computed a second time to save memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import Step, Steps, live_layers
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS, Function, Recurring, Term
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.record import Value
from convcalc.model.quantities.unknown import known


@formula
def step_flops(macs: int, input_gradient: int, weight_gradient: int) -> int:
    """FLOPs of the forward pass, and of either gradient that is computed: 1, or 0 if it is not."""
    return 2 * macs * (1 + input_gradient + weight_gradient)


class Trained(NamedTuple):
    """A term of products and the gradients that are computed for it; where both factors are
    computed values, one for each factor."""

    term: Term
    input_gradient: bool
    weight_gradient: bool

    @property
    def flops(self) -> int:
        """FLOPs of one step."""
        return step_flops(self.term.amount, int(self.input_gradient), int(self.weight_gradient))


class Gradients(Value):
    """The tensors that a training step computes gradients for.

    ``values`` says of each value whether it gets one: it depends on trained weights, and an output
    of the network on its layer. ``learns`` says of each step whether its weights do.
    """

    values: frozenset[int]
    learns: tuple[bool, ...]


def gradients(found: Steps) -> Gradients:
    """The gradients of a training step: from every output to all trained weights."""
    depends: set[int] = set()  # values that depend on trained weights
    learns: list[bool] = []
    live = live_layers(found)
    for step in found.steps:
        is_live, analysis = step.layer in live, step.analysis
        weights = bool(analysis.weights) and analysis.weights.keys() > analysis.frozen
        learns.append(is_live and step.trainable and weights)
        if is_live and (learns[-1] or not depends.isdisjoint(step.computes_with)):
            depends.add(step.makes)
    return Gradients(frozenset(depends), tuple(learns))


def training_flops(network: Network, found: Steps) -> list[int]:
    """FLOPs of one training step, for each layer; ``found`` are the steps of the network."""
    known = gradients(found)
    values = known.values
    flops = [0] * len(network.layers)
    for step, learns in zip(found.steps, known.learns, strict=True):
        if not step.analysis.terms:
            continue
        flows = step.makes in values, learns, not values.isdisjoint(step.computes_with)
        key = ("training", step.part, *flows, *[each in values for each in step.reads])
        made = step.analysis.numbers.get(key)
        if made is None:
            made = sum(each.flops for each in _step_terms(step, values, learns))
            step.analysis.numbers[key] = made
        flops[step.layer] += made
    return flops


def trained_terms(network: Network, found: Steps) -> list[tuple[Trained, ...]]:
    """The products of each layer, with their gradients; ``found`` are the steps of the network."""
    known = gradients(found)
    terms: list[list[Trained]] = [[] for _ in network.layers]
    for step, learns in zip(found.steps, known.learns, strict=True):
        if step.analysis.terms:
            terms[step.layer] += _step_terms(step, known.values, learns)
    return list(map(tuple, terms))


def _step_terms(step: Step, flows: frozenset[int], learns: bool) -> Iterator[Trained]:
    """The products of a step. Where both factors are computed, the last value read is one."""
    for term in _named_terms(step):
        if step.makes not in flows and term.kind in (WEIGHTS, DYNAMIC):
            yield Trained(term, input_gradient=False, weight_gradient=False)
        elif term.kind == WEIGHTS:
            of_input = not flows.isdisjoint(step.computes_with)
            if term.name in step.analysis.recurring:
                yield from _recurrent_terms(
                    term, step.analysis.recurring[term.name], of_input, learns
                )
            else:
                yield Trained(term, of_input, learns)
        elif term.kind == DYNAMIC:
            *one, other = step.reads if len(step.reads) > 1 else (*step.reads, -1)
            yield Trained(term, not flows.isdisjoint(one), other in flows or learns)


def _recurrent_terms(
    term: Term, recurring: Recurring, of_input: bool, learns: bool
) -> Iterator[Trained]:
    """The products with states, those with the state before the first step, and the rest."""
    state, constant = recurring
    left = left_over(term.amount, state, constant)
    name = f"{term.name}, first step"
    for part, computed in (
        (Term(term.name, term.kind, state), True),
        (Term(name, term.kind, constant), False),
        (Term(name, term.kind, left), of_input),
    ):
        if not known(part.amount) or part.amount:
            yield Trained(part, computed, learns)


@formula
def left_over(macs: int, state: int, constant: int) -> int:
    """The products with the input alone."""
    return macs - state - constant


def _named_terms(step: Step) -> Sequence[Term]:
    """The terms of a step, named as in the layer."""
    if not step.part or isinstance(step.operator, Function):
        return step.analysis.terms
    from convcalc.model.operators.composing import part_terms  # composites alone need it

    return part_terms(step.part, step.analysis.terms)
