"""Finds layers with a bias that only norms read which subtract it again, so that it has no effect.

A norm takes a constant of each channel out if the mean that it subtracts is that of one channel
alone: batch norm, instance norm, and group norm with one channel in each group. The mean of
several channels leaves the differences between their constants.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.model.graph.network import Layer, Network
from convcalc.model.graph.readers import Reading, finding, readings
from convcalc.model.quantities.presented import number_of

NAME = "bias-before-norm"
# Operators of several parts whose biases all end as one constant of each output channel.
COMPOSED = ("separable_conv", "mix_conv")
MASKED = ("inpainting_conv",)  # their biases are missing at some positions


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each bias that the norms after all of its uses cancel."""
    biased = [pair for pair in network.numbered() if pair[1].shares < 0 and _bias(pair[1])]
    if not biased:
        return
    readers = readings(network)
    outputs = set(network.outputs.values())
    uses: dict[int, list[int]] = {number: [number] for number, _ in biased}
    for number, layer in network.numbered():
        if layer.shares >= 0 and (owner := network.tensor(layer.shares)) in uses:
            uses[owner].append(number)
    for number, layer in biased:
        bias = _bias(layer)
        after = [readers.get(use, ()) for use in uses[number]]
        if not all(after) or not outputs.isdisjoint(uses[number]):
            continue
        if all(_subtracts_mean(reading) for each in after for reading in each):
            where = f" in any of its {len(after)} uses" if len(after) > 1 else ""
            message = (
                f"the bias of '{layer.name}' ({number_of(bias, 'param')}) has no effect{where}: "
                f"'{after[0][0].layer.path}' subtracts the mean of each channel"
            )
            yield finding(NAME, layer, message, "bias: false")


def _bias(layer: Layer) -> int:
    """The number of biases that only add a constant to each output channel; 0 without any.

    Such as ``bias: false`` leaves out: the shift of a norm has no such field, and a bias of each
    position, or of each expert, is not a constant of a channel.
    """
    weights = layer.analysis.weights
    if not weights or not hasattr(layer.operator, "bias") or layer.name in MASKED:
        return 0
    if layer.name in COMPOSED:
        return sum(prod(shape) for name, shape in weights.items() if name.endswith("bias"))
    shape = weights.get("bias", ())
    return prod(shape) if len(shape) == 1 else 0


def _subtracts_mean(reading: Reading) -> bool:
    """Whether the reader is a norm that takes a constant of each channel out.

    One with fixed statistics only scales and shifts: statistics follow the bias while they are
    trained, or where each input has its own.
    """
    layer = reading.layer
    norm: Any = layer.operator
    channels = layer.shapes[0].channels
    if layer.name in ("batch_norm", "instance_norm"):
        is_fixed = not layer.trainable or getattr(norm, "frozen", False)
        return not (norm.track_running_stats and is_fixed)
    if layer.name == "group_norm":
        return bool(norm.groups == channels)
    return layer.name == "layer_norm" and norm.spatial and channels == 1
