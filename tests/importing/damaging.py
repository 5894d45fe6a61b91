"""Model files as accidents leave them: cut off, with bits turned, bytes lost, parts repeated."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from convcalc.analysis.analyse import analyse
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target

VALUES: list[Any] = [
    *(None, 0, -1, 1, 10**9, 10**30, 2.5, "", True, "x", [], {}, [0, 0], [-1, 3], ["a", 0, 0]),
    *({"class_name": "x"}, [[]], "same", float("inf")),
]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A file with one thing wrong."""
    found, kind = bytearray(content), rng.randrange(5)
    at, other = rng.randrange(len(found)), rng.randrange(len(found))
    if kind == 0:
        del found[at:]
    elif kind == 1:
        for _ in range(rng.choice((1, 1, 2, 8, 64))):
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        found[at] = rng.choice(b'0123456789-"[]{}<>,:.eE\0\1\x7f\x80\xff')
    elif kind == 3:
        size = rng.randrange(1, 64)
        found[at : at + size] = found[other : other + size]
    else:
        del found[at : at + rng.randrange(1, 16)]
    return bytes(found)


def changed(content: bytes, rng: random.Random) -> bytes:
    """A JSON file in which some values are other ones."""
    model = json.loads(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        holder, key = rng.choice(list(_places(model)))
        holder[key] = rng.choice(VALUES)
    return json.dumps(model).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, each in items:
        yield value, key
        yield from _places(each)


def outcome(content: bytes, name: str) -> NetworkFile:
    """The network of a damaged file, analysed; whatever is wrong with it is a problem in it."""
    found = read_target(Target("damaged", None, content, format=name))
    analyse(found)
    return found
