"""Parses the conditions of ``rf --suggest``, and explains when no stack meets them."""

from __future__ import annotations

import re
from typing import NamedTuple

from convcalc.cli.console import Failure

MOST_SIZE = 100_000
_WORD = re.compile(r"([a-z_]+)\s*(>=|<=|=)\s*(\d+(?:,\d+)*)")


class Wanted(NamedTuple):
    """The conditions that a suggested stack must meet; sizes are in input positions."""

    kernel_size: int
    layers: int
    least: int
    most: int | None
    largest: int | None


WANTED_HELP = "for instance 'k=3 layers=4 size>=31', and d<=8 for the largest dilation"


def parse_wish(text: str) -> Wanted:
    """Parses ``k=3 layers=4 size>=31 d<=8``, or size=31 for exactly 31; raises Failure."""
    found: dict[tuple[str, str], int] = {}
    for word in text.replace(";", " ").split():
        match = _WORD.fullmatch(word)
        if match is None or "," in match[3]:
            raise Failure(f"--suggest '{text}': '{word}' is not a condition", WANTED_HELP)
        found[match[1], match[2]] = int(match[3])
    k, layers = found.pop(("k", "="), 3), found.pop(("layers", "="), 0)
    exact = found.pop(("size", "="), None)
    least = found.pop(("size", ">="), exact or 0)
    most = found.pop(("size", "<="), exact)
    largest = found.pop(("d", "<="), None)
    if found:
        name, sign = next(iter(found))
        raise Failure(f"--suggest '{text}': '{name}{sign}' is not a condition", WANTED_HELP)
    if k < 2 or not layers or not least:
        raise Failure(f"--suggest '{text}' needs k from 2, layers and a size", WANTED_HELP)
    if layers > 64:
        raise Failure(f"--suggest: {layers} layers are more than 64", WANTED_HELP)
    if least > MOST_SIZE:
        raise Failure(f"--suggest: a size of {least} is more than {MOST_SIZE}", WANTED_HELP)
    return Wanted(k, layers, least, most, largest)


def nothing_suggested(wish: Wanted) -> Failure:
    """The failure that says why no stack meets the conditions."""
    from convcalc.analysis.receptive_field.dilated_stacks import largest_size

    k, reach = wish.kernel_size, largest_size(wish.kernel_size, wish.layers, wish.largest)
    limit = "" if wish.largest is None else f" and dilations up to {wish.largest}"
    if reach < wish.least:
        message = f"{wish.layers} layers of {k} taps{limit} do not reach {wish.least} without holes"
        return Failure(message, f"they reach {reach} at most; more layers, or larger k")
    sizes = f"{wish.least}" if wish.most == wish.least else f"from {wish.least} to {wish.most}"
    message = f"no {wish.layers} layers of {k} taps{limit} without holes have a size of {sizes}"
    least = 1 + wish.layers * (k - 1)
    return Failure(message, f"sizes go from {least} to {reach} in steps of {k - 1}")
