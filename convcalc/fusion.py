"""Folding batch norms into the convolutions before them, as inference engines do.

A batch norm in evaluation mode is one factor and one summand per channel. Where it directly follows
a convolution or a linear layer whose output nothing else reads, the factor goes into the weights
and the summand into the bias: the norm and its parameters vanish, and a layer without a bias gets
one, which is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from convcalc.graph import Layer, Network
from convcalc.operator import Analysis, bias_terms

# Operators whose output channels each have weights of their own.
FOLDABLE = frozenset(
    ("conv", "depthwise_conv", "pointwise_conv", "coord_conv", "conv_transpose", "linear")
)


def only_readers(network: Network) -> Mapping[int, int]:
    """Layers whose output a single layer reads, and nothing else: by index, that layer."""
    first = len(network.inputs)
    readers = Counter(number for layer in network.layers for number in layer.inputs)
    readers.update(network.outputs.values())
    return {
        layer.inputs[0] - first: index
        for index, layer in enumerate(network.layers)
        if len(layer.inputs) == 1 and layer.inputs[0] >= first and readers[layer.inputs[0]] == 1
    }


def fused_analyses(network: Network) -> list[Analysis]:
    """The analysis of each layer when all norms are folded that can be."""
    found = [layer.analysis for layer in network.layers]
    shared = {layer.shares for layer in network.layers}
    for index, reader in only_readers(network).items():
        before, norm = network.layers[index], network.layers[reader]
        alone = before.shares < 0 and index not in shared and norm.shares < 0
        if alone and reader not in shared and before.name in FOLDABLE and _is_fixed(norm):
            found[index] = _with_bias(before)
            found[reader] = norm.analysis._replace(terms=(), weights={}, buffers={})
    return found


def _is_fixed(layer: Layer) -> bool:
    """Whether it is a batch norm with statistics of its own."""
    return layer.name == "batch_norm" and bool(layer.analysis.buffers)


def _with_bias(layer: Layer) -> Analysis:
    """The same layer with a bias."""
    analysis = layer.analysis
    if "bias" in analysis.weights:
        return analysis
    return analysis._replace(
        terms=(*analysis.terms, *bias_terms(True, analysis.output)),
        weights={**analysis.weights, "bias": (analysis.output.channels,)},
    )
