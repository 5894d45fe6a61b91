"""What Keras itself says of a model: its weights, the sizes of its outputs, its multiplications."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from math import prod
from typing import Any, NamedTuple

import torch
from keras import Model
from keras.src.backend.torch.core import device_scope
from torch.utils.flop_counter import FlopCounterMode


class Numbers(NamedTuple):
    """Numbers of a model; sizes have no batch, channels wherever the model has them."""

    trainable: int
    frozen: int
    macs: int
    outputs: tuple[tuple[int, ...], ...]


def without_numbers() -> AbstractContextManager[Any]:
    """Where models are built by their sizes alone: in no time, and in no memory."""
    scope: AbstractContextManager[Any] = device_scope("meta")
    return scope


def numbers_of(model: Model, size: Sequence[int] | None = None, device: str = "cpu") -> Numbers:
    """The numbers of a model on a device; ``size`` is that of its only input, if it is open."""
    inputs = [torch.zeros(1, *(size or each.shape[1:]), device=device) for each in model.inputs]
    with device_scope(device), torch.no_grad(), FlopCounterMode(display=False) as counter:
        made: Any = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = made if isinstance(made, list | tuple) else [made]
    return Numbers(
        sum(prod(weight.shape) for weight in model.trainable_weights),
        sum(prod(weight.shape) for weight in model.non_trainable_weights),
        counter.get_total_flops() // 2,
        tuple(tuple(each.shape[1:]) for each in outputs),
    )
