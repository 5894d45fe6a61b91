"""Lists the shipped networks, variants and blocks, read from their files without analysis.

Parameters and MACs are the numbers that a file pins under ``expect``; a test verifies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.diagnostics.rejection import Rejected
from convcalc.language.sources.shipped import shipped_blocks, shipped_files, shipped_folder
from convcalc.language.syntax import nodes, reader
from convcalc.language.syntax.evaluation import value_of


class NetworkEntry(NamedTuple):
    """A network or variant; None for what its file does not say."""

    name: str
    variant_of: str
    inputs: dict[str, tuple[int, ...] | None]  # a single one is called input
    params: int | None
    macs: int | None
    year: int | None
    description: str
    source: str
    file: str


class BlockEntry(NamedTuple):
    """A block for ``imports``; ``params`` are those that a call gives, the required ones first."""

    name: str
    file: str
    params: str
    description: str


def networks() -> Iterator[NetworkEntry]:
    """Every shipped network, each followed by its variants."""
    for path in shipped_files():
        root = _root(path)
        base = _text(root, "name")
        variants = _mapping(root, "variants")
        for name in (base, *variants.keys):
            variant = _mapping(variants, name)
            scope = _scope(root, variants.get(name))
            params = _mapping(root, "params").keys
            is_own = any(key in variant.keys and key not in params for key in ("input", "inputs"))
            own = variant if is_own else root
            pinned = _mapping(_mapping(root, "expect"), name)
            yield NetworkEntry(
                name,
                "" if name == base else base,
                {key: _sizes(node, scope) for key, node in _inputs(own)},
                _value(pinned.get("params")),
                _value(pinned.get("macs")),
                _value(root.get("year")),
                _text(root, "description"),
                _text(root, "source"),
                path.name,
            )


def blocks() -> Iterator[BlockEntry]:
    """Every shipped block, under the file that ``imports`` names."""
    for file, names in shipped_blocks().items():
        root = _root(shipped_folder() / file)
        for name in names:
            block = _mapping(_mapping(root, "blocks"), name)
            params = _mapping(block, "params")
            listed = ", ".join(f"{key.text}: {_written(node)}" for key, node in params.entries)
            about = _text(block, "description") or _text(root, "description")
            yield BlockEntry(name, file, listed, about)


def _root(path: Path) -> nodes.Mapping:
    node, _ = reader.read(path.read_bytes(), str(path))
    return node if isinstance(node, nodes.Mapping) else nodes.Mapping(_NOWHERE)


_NOWHERE: Any = None


def _mapping(node: nodes.Mapping, key: str) -> nodes.Mapping:
    """The mapping under a key; an empty one if there is none."""
    found = node.get(key)
    return found if isinstance(found, nodes.Mapping) else nodes.Mapping(_NOWHERE)


def _text(node: nodes.Mapping, key: str) -> str:
    return getattr(node.get(key), "text", "")


def _value(node: nodes.Node | None) -> Any:
    return getattr(node, "value", None)


def _scope(root: nodes.Mapping, variant: nodes.Node | None) -> Mapping[str, Any]:
    """The params' values for a variant; None for those that cannot be evaluated."""
    scope: dict[str, Any] = {}
    for key, node in _mapping(root, "params").entries:
        default = node.get("default") if isinstance(node, nodes.Mapping) else node
        override = variant.get(key.text) if isinstance(variant, nodes.Mapping) else None
        scope[key.text] = _evaluate(override or default, scope)
    return scope


def _evaluate(node: nodes.Node | None, scope: Mapping[str, Any]) -> Any:
    try:
        return value_of(node, scope) if node is not None else None
    except Rejected:
        return None


def _sizes(node: nodes.Node | None, scope: Mapping[str, Any]) -> tuple[int, ...] | None:
    sizes = _evaluate(node, scope)
    return tuple(sizes) if isinstance(sizes, list) else None


def _inputs(top: nodes.Mapping) -> Iterator[tuple[str, nodes.Node]]:
    single = top.get("input")
    if single is not None:
        yield "input", single
    for key, node in _mapping(top, "inputs").entries:
        yield key.text, node


def _written(node: nodes.Node) -> str:
    """The text of a default."""
    if isinstance(node, nodes.Sequence):
        return f"[{', '.join(map(_written, node.items))}]"
    if isinstance(node, nodes.Mapping):
        default = node.get("default") or node.get("type")
        return _written(default) if default else "…"
    return node.text
