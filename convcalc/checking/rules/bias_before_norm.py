"""Bias before norm: the layers with a bias whose only readers are batch norms."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import Reading, finding, readings

NAME = "bias-before-norm"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Layers with a bias that only batch norms read."""
    readers = readings(network)
    outputs = set(network.outputs.values())
    for number, layer in network.numbered():
        bias = layer.analysis.weights.get("bias")
        after = readers.get(number, ())
        if bias is None or not after or number in outputs or layer.name == "batch_norm":
            continue
        if all(map(_subtracts_mean, after)):
            message = (
                f"the bias of '{layer.name}' ({prod(bias):,} params) has no effect: "
                f"'{after[0].layer.path}' subtracts the mean of each channel"
            )
            yield finding(NAME, layer, message, "bias: false")


def _subtracts_mean(reading: Reading) -> bool:
    """Whether it is a batch norm that is trained; a frozen one is a fixed scale and shift."""
    layer = reading.layer
    frozen = not layer.trainable or getattr(layer.operator, "frozen", False)
    return layer.name == "batch_norm" and not frozen
