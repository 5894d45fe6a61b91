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

from convcalc.graph import Layer, Network
from convcalc.operator import DYNAMIC, WEIGHTS, Term


def training_flops(network: Network) -> list[int]:
    """FLOPs of one step, for each layer."""
    flows = [False] * len(network.inputs)  # whether a tensor depends on trained weights
    found = []
    for layer in network.layers:
        reads = any(flows[number] for number in layer.inputs)
        learns = layer.trainable and layer.analysis.weights.keys() > layer.analysis.frozen
        flows.append(reads or learns)
        found.append(_layer_flops(layer, reads, learns))
    return found


def _layer_flops(layer: Layer, reads: bool, learns: bool) -> int:
    total, enters = 0, reads
    for term in layer.analysis.terms:
        if term.kind == WEIGHTS:
            total += 2 * term.amount * (1 + enters + _is_trained(layer, term))
            enters = reads or learns
        elif term.kind == DYNAMIC:  # both factors are computed, both get a gradient
            total += 2 * term.amount * (3 if reads or learns else 1)
    return total


def _is_trained(layer: Layer, term: Term) -> bool:
    """Whether the weights of a term change."""
    return layer.trainable and layer.analysis.frozen.isdisjoint({term.name, f"{term.name}.weight"})
