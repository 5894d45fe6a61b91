"""Parses the stack of layers that ``rf --stack`` takes: ``k=7 s=2; max_pool k=3 s=2``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.suggestion import UnknownName, nearest, use
from convcalc.language.sources.target import TargetError
from convcalc.model.graph.assembly import Value
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.network import Network
from convcalc.model.operators.registry import fields_of, operator_class
from convcalc.model.operators.words import unknown_operator

SOURCE = "<stack>"
KEYS = ("k", "s", "d", "n")
_LONG_KEYS = {"kernel_size": "k", "stride": "s", "dilation": "d", "repeat": "n"}
MOST_LAYERS = 3000  # of a stack
HELP = "for instance 'k=3 d=1,2,3', or 'k=7 s=2; max_pool k=3 s=2; k=3 d=1,2,4'"
_WORD = re.compile(r"([a-z_]+)\s*(>=|<=|=)\s*(\d+(?:,\d+)*)")


class Stacked(NamedTuple):
    """One layer of a stack."""

    operator: str
    kernel_size: int
    stride: int
    dilation: int


def parse_stack(text: str) -> list[Stacked]:
    """The layers of a text such as ``k=3 d=1,2,3``; semicolons separate groups of layers.

    A group may begin with an operator's name, which is conv by default. A list gives one value
    to each layer of the group, and n repeats the group. Raises TargetError for any other text.
    """
    layers: list[Stacked] = []
    for group in filter(str.strip, text.split(";")):
        words = group.split()
        operator = _windowed_operator(words.pop(0)) if "=" not in words[0] else "conv"
        fields = {key: [1] for key in KEYS} | _fields(words, text)
        lengths = {len(values) for values in fields.values()} - {1}
        if len(lengths) > 1:
            raise TargetError(f"--stack '{group.strip()}' has lists of different lengths", HELP)
        count = lengths.pop() if lengths else 1
        (times,) = fields["n"] if len(fields["n"]) == 1 else (1,)
        if len(layers) + count * times > MOST_LAYERS:
            raise TargetError(
                f"--stack has more than {MOST_LAYERS} layers", "write a file with repeat"
            )
        k, s, d = (fields[key] * (count if len(fields[key]) == 1 else 1) for key in ("k", "s", "d"))
        layers += [Stacked(operator, *numbers) for numbers in zip(k, s, d, strict=True)] * times
    if not layers:
        raise TargetError("--stack has no layers", HELP)
    return layers


def _windowed_operator(name: str) -> str:
    """The operator's name; TargetError unless it has a kernel_size and a stride."""
    try:
        known = fields_of(operator_class(name))
    except UnknownName:
        message, advice = unknown_operator(name)
        raise TargetError(f"--stack: {message}", advice) from None
    if not {"kernel_size", "stride"} <= known.keys():
        raise TargetError(f"--stack: '{name}' has no kernel_size and stride", HELP)
    return name


def _fields(words: Sequence[str], text: str) -> dict[str, list[int]]:
    """The values of the words ``k=3`` or ``d=1,2,3`` by key; TargetError for any other word."""
    found: dict[str, list[int]] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None or match[1] not in KEYS or match[2] != "=":
            close = nearest(word.partition("=")[0], (*_LONG_KEYS, *KEYS))
            advice = use(_LONG_KEYS.get(close, close)) if close else HELP
            raise TargetError(f"--stack '{text}': '{word}' is not a field of a stack", advice)
        found[match[1]] = [int(value) for value in match[3].split(",")]
        if 0 in found[match[1]]:
            raise TargetError(f"--stack '{text}': {match[1]} is 0", HELP)
    return found


def stack_network(text: str, sizes: Sequence[int | None]) -> Network:
    """The network of a stack; ``sizes`` are channels, which all layers keep, then spatial sizes.

    Layers that can be padded are padded by half, so that they stay centred. Raises TargetError
    if the text does not describe a stack.
    """
    layers = parse_stack(text)
    builder = Builder("stack")
    tensor: Value = builder.input("input", sizes)
    place = Place(SOURCE, 1, 1, len(text) + 1)
    for layer in layers:
        tensor = builder.add(layer.operator, tensor, place=place, **_fields_of(layer, sizes[0]))
    return builder.network(file=SOURCE, sources={SOURCE: text})


def _fields_of(layer: Stacked, channels: int | None) -> dict[str, Any]:
    """The fields of a layer; a dilation is passed on even if the operator will refuse it."""
    declared = fields_of(operator_class(layer.operator))
    found: dict[str, Any] = {"kernel_size": layer.kernel_size, "stride": layer.stride}
    if "out_channels" in declared:
        found["out_channels"] = channels
    if "dilation" in declared or layer.dilation > 1:
        found["dilation"] = layer.dilation
    if "padding" in declared and "transpose" not in layer.operator:
        found["padding"] = "half"
    return found
