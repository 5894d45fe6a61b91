"""Finds residuals with a shortcut and an ``if``, which leaves out the body too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.syntax import nodes, reader
from convcalc.model.graph.network import Network

NAME = "conditional-residual"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each such residual, unless an item beside it has an 'if' as well."""
    for file, text in network.sources.items():
        if "shortcut" in text and "if:" in text:  # few files; most need no second reading
            yield from _findings_in_text(file, text)


@lru_cache(maxsize=64)
def _findings_in_text(file: str, text: str) -> tuple[Diagnostic, ...]:
    """Return the findings of a file; cached for its variants and for files that import it."""
    root, _ = reader.read(text, file)
    return () if root is None else tuple(_findings_below(root))


def _findings_below(node: nodes.Node) -> Iterator[Diagnostic]:
    """Yield the findings below a node."""
    if isinstance(node, nodes.Mapping):
        for _, value in node.entries:
            yield from _findings_below(value)
    elif isinstance(node, nodes.Sequence):
        conditions = sum(_has(item, "if") for item in node.items)
        for item in node.items:
            yield from _findings_below(item)
            if conditions == 1 and _has(item, "if", "residual", "shortcut"):
                assert isinstance(item, nodes.Mapping)
                message = "this 'if' leaves out the whole residual, not its shortcut alone"
                advice = (
                    "write the 'if' at the layers of the shortcut; without them it is the input"
                )
                place = item.keys["if"].place
                yield Diagnostic(NAME, message, place, advice)


def _has(node: nodes.Node, *keys: str) -> bool:
    return isinstance(node, nodes.Mapping) and all(key in node.keys for key in keys)
