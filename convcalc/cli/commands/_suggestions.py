"""The quick forms of ``rf``: a stack of layers in one line, and what to suggest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.cli.console import Failure

KEYS = ("k", "s", "d", "n")
MOST_LAYERS = 3000  # of a stack
MOST_SIZE = 100_000  # of a suggestion
HELP = "for instance 'k=3 d=1,2,3', or 'k=7 s=2; max_pool k=3 s=2; k=3 d=1,2,4'"
_WORD = re.compile(r"([a-z_]+)\s*(>=|<=|=)\s*(\d+(?:,\d+)*)")


class Stacked(NamedTuple):
    """One layer of a stack."""

    operator: str
    kernel_size: int
    stride: int
    dilation: int


def stacked(text: str) -> list[Stacked]:
    """The layers of ``k=3 d=1,2,3``; groups of them are divided by semicolons.

    A group may begin with an operator's name, conv if it does not; the values of a list belong
    to one layer each, and n repeats a group.
    """
    layers: list[Stacked] = []
    for group in filter(str.strip, text.split(";")):
        words = group.split()
        operator = _window(words.pop(0)) if "=" not in words[0] else "conv"
        fields = {key: [1] for key in KEYS} | _fields(words, text)
        lengths = {len(values) for values in fields.values()} - {1}
        if len(lengths) > 1:
            raise Failure(f"--stack '{group.strip()}' has lists of different lengths", HELP)
        count = lengths.pop() if lengths else 1
        (times,) = fields["n"] if len(fields["n"]) == 1 else (1,)
        if len(layers) + count * times > MOST_LAYERS:
            raise Failure(f"--stack has more than {MOST_LAYERS} layers", "write a file with repeat")
        k, s, d = (fields[key] * (count if len(fields[key]) == 1 else 1) for key in ("k", "s", "d"))
        layers += [Stacked(operator, *numbers) for numbers in zip(k, s, d, strict=True)] * times
    if not layers:
        raise Failure("--stack has no layers", HELP)
    return layers


def _window(name: str) -> str:
    """The operator, which must be one with a window."""
    from convcalc.diagnostics.suggestion import UnknownName
    from convcalc.model.operators.registry import fields_of, operator_class

    try:
        known = fields_of(operator_class(name))
    except UnknownName as error:
        raise Failure(f"--stack: there is no operator '{name}'", HELP) from error
    if not {"kernel_size", "stride"} <= known.keys():
        raise Failure(f"--stack: '{name}' has no kernel_size and stride", HELP)
    return name


def _fields(words: Sequence[str], text: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None or match[1] not in KEYS or match[2] != "=":
            raise Failure(f"--stack '{text}': '{word}' is no field of a stack", HELP)
        found[match[1]] = [int(value) for value in match[3].split(",")]
        if 0 in found[match[1]]:
            raise Failure(f"--stack '{text}': {match[1]} is 0", HELP)
    return found


def stack_text(layers: Sequence[Stacked], rank: int) -> str:
    """A network file of these layers on one channel of unknown size."""
    sizes = ", ".join(["1"] + ["null"] * rank)
    lines = [f"  - {_item(layer)}" for layer in layers]
    return f"convcalc: 1\nname: stack\ninput: [{sizes}]\nlayers:\n" + "\n".join(lines) + "\n"


def _item(layer: Stacked) -> str:
    """A layer as a file has it, padded so that it stays in the middle where that is possible."""
    fields: dict[str, Any] = {"k": layer.kernel_size, "s": layer.stride}
    if layer.operator != "avg_pool":
        fields["d"] = layer.dilation
    if "transpose" not in layer.operator:
        fields["p"] = "half"
    if layer.operator in ("conv", "conv_transpose"):
        fields["out"] = 1
    listed = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return f"{layer.operator}: {{{listed}}}"


# --- suggestions -------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """What a suggested stack must have."""

    kernel_size: int
    layers: int
    least: int
    most: int | None
    largest: int | None


WANTED_HELP = "for instance 'k=3 layers=4 size>=31', and d<=8 for the largest dilation"


def wanted(text: str) -> Wanted:
    """``k=3 layers=4 size>=31 d<=8``; size=31 asks for exactly that."""
    found: dict[tuple[str, str], int] = {}
    for word in text.replace(";", " ").split():
        match = _WORD.fullmatch(word)
        if match is None or "," in match[3]:
            raise Failure(f"--suggest '{text}': '{word}' is no condition", WANTED_HELP)
        found[match[1], match[2]] = int(match[3])
    k, layers = found.pop(("k", "="), 3), found.pop(("layers", "="), 0)
    exact = found.pop(("size", "="), None)
    least = found.pop(("size", ">="), exact or 0)
    most = found.pop(("size", "<="), exact)
    largest = found.pop(("d", "<="), None)
    if found:
        name, sign = next(iter(found))
        raise Failure(f"--suggest '{text}': '{name}{sign}' is no condition", WANTED_HELP)
    if k < 2 or not layers or not least:
        raise Failure(f"--suggest '{text}' needs k from 2, layers and a size", WANTED_HELP)
    if layers > 64:
        raise Failure(f"--suggest: {layers} layers are more than 64", WANTED_HELP)
    if least > MOST_SIZE:
        raise Failure(f"--suggest: a size of {least} is more than {MOST_SIZE}", WANTED_HELP)
    return Wanted(k, layers, least, most, largest)


def nothing_suggested(wish: Wanted) -> Failure:
    """Why no stack is as it was wished."""
    from convcalc.analysis.receptive_field.dilated_stacks import furthest

    k, reach = wish.kernel_size, furthest(wish.kernel_size, wish.layers, wish.largest)
    limit = "" if wish.largest is None else f" and dilations up to {wish.largest}"
    if reach < wish.least:
        message = f"{wish.layers} layers of {k} taps{limit} do not reach {wish.least} without holes"
        return Failure(message, f"they reach {reach} at most; more layers, or larger k")
    sizes = f"{wish.least}" if wish.most == wish.least else f"from {wish.least} to {wish.most}"
    message = f"no {wish.layers} layers of {k} taps{limit} without holes have a size of {sizes}"
    least = 1 + wish.layers * (k - 1)
    return Failure(message, f"sizes go from {least} to {reach} in steps of {k - 1}")
