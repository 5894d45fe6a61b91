"""What one step of training costs: forward, gradient of the input, gradient of the weights.

Each multiply-accumulate of the forward pass comes back once in either gradient, for grouped and
for transposed convolutions too, so a layer costs up to three times its forward pass. The gradient
of the input is left out where nothing before the layer is trained, as in the first layer of a
network; the gradient of the weights where they are frozen. Within a composite that reads such an
input, the first map needs no gradient of it.

Only multiply-accumulates are counted, weights and dynamic, 2 FLOPs each. The update of the weights
is not, nor is anything that is computed a second time to save memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.model.graph.network import Layer, Network
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS, Term
from convcalc.model.quantities.formula import formula


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


def training_flops(network: Network) -> list[int]:
    """FLOPs of one training step, for each layer."""
    return [sum(each.flops for each in trained) for trained in trained_terms(network)]


def trained_terms(network: Network) -> Iterator[tuple[Trained, ...]]:
    """The products of each layer, with their gradients."""
    flows = [False] * len(network.inputs)  # whether a tensor depends on trained weights
    for layer in network.layers:
        reads = any(flows[number] for number in layer.inputs)
        learns = layer.trainable and layer.analysis.weights.keys() > layer.analysis.frozen
        flows.append(reads or learns)
        yield tuple(_layer_terms(layer, reads, learns))


def _layer_terms(layer: Layer, reads: bool, learns: bool) -> Iterator[Trained]:
    enters = reads
    for term in layer.analysis.terms:
        if term.kind == WEIGHTS:
            yield Trained(term, enters, _is_trained(layer, term))
            enters = reads or learns
        elif term.kind == DYNAMIC:  # both factors are computed, both get a gradient
            yield Trained(term, reads or learns, reads or learns)


def _is_trained(layer: Layer, term: Term) -> bool:
    """Whether the weights of a term are trained."""
    return layer.trainable and layer.analysis.frozen.isdisjoint({term.name, f"{term.name}.weight"})
