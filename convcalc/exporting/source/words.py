"""The names of blocks and ids: the model's own, made safe.

A name in a file is letters, digits and underscores of ASCII, whatever a model calls its parts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import count
from keyword import iskeyword

from convcalc.exporting.source.idioms import IDIOM
from convcalc.exporting.source.terms import Group
from convcalc.exporting.source.tree import CONTAINERS
from convcalc.model.operators.registry import families

_LONGEST = 32
_COMPONENTS = frozenset(("branch", "shortcut", "split", "seq", "residual", "branches"))
_EXPORTERS = re.compile(r"^node_([A-Za-z]\w*?)_\d+$")  # what one calls a node without a module
_WORD = re.compile(r"[A-Z][a-z0-9]*")
_OTHERS = re.compile(r"[^A-Za-z0-9_]+")


def safe(text: str) -> str:
    """A text as an identifier; empty if nothing is left of it."""
    found = _OTHERS.sub("_", text).strip("_")[:_LONGEST]
    return f"_{found}" if found[:1].isdigit() else found


def last_word(path: str) -> str:
    """The last component of a path that is not a number, as an identifier."""
    for word in reversed(re.split(r"[./\[\]]+", path)):
        found = safe(_EXPORTERS.sub(r"\1", word))
        if found and not found.lstrip("_").isdigit():
            return found
    return ""


def block_name(groups: Sequence[Group], taken: Collection[str]) -> str:
    """The name of a block: the class of its modules, or else what they are called."""
    kinds = [group.kind for group in groups if group.kind not in CONTAINERS]
    kind = kinds[0] if kinds else ""
    if kind.startswith(IDIOM):
        name = common_start([each.removeprefix(IDIOM) for each in kinds])
    else:
        name = _camel(safe(kind.rpartition(".")[2])) or _camel(
            last_word(groups[0].path).rstrip("0123456789_")
        )
    name = name or "Block"
    return free(name, taken)


def common_start(names: Sequence[str]) -> str:
    """A name that several have in common, by its words: ``ConvAct`` for ConvRelu and ConvSilu."""
    if len(set(names)) == 1:
        return names[0]
    words = [_WORD.findall(name) for name in names]
    shared = [first for first, *rest in zip(*words, strict=False) if set(rest) <= {first}]
    return "".join(shared) + ("Act" if len({len(each) for each in words}) == 1 else "")


def free(name: str, taken: Collection[str]) -> str:
    """A name that is not taken, perhaps with a number behind it."""
    found, number = name, 2
    while found in taken:
        between = "_" if name[-1:].isdigit() else ""
        found, number = f"{name}{between}{number}", number + 1
    return found


def _camel(name: str) -> str:
    """``inverted_residual`` to ``InvertedResidual``; blocks begin with a capital letter."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part).lstrip(
        "0123456789"
    )


def free_id(wanted: str, taken: Collection[str], fallback: str) -> str:
    """An id that is free in its block."""
    name = wanted if wanted and wanted[0].isalpha() else ""
    name = (name or fallback).lower() if name.isupper() else (name or fallback)
    if iskeyword(name):
        name = f"{name}_"
    if name in families() or name in _COMPONENTS:  # of paths, where layers without an id have them
        numbered = (f"{name}{number}" for number in count(1))
        return next(each for each in numbered if each not in taken)
    return free(name, taken)
