"""Finds layers with a bias that only batch norms read, so that it has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import Reading, finding, readings

NAME = "bias-before-norm"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each layer whose bias the batch norms after it cancel."""
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
    """Whether the reader is a trained batch norm; a frozen one only scales and shifts."""
    layer = reading.layer
    frozen = not layer.trainable or getattr(layer.operator, "frozen", False)
    return layer.name == "batch_norm" and not frozen
