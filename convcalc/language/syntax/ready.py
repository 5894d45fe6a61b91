"""Trees of nodes that were read before: those of the shipped networks, made with the wheel.

Reading a shipped file takes longer than all that is computed of it, mostly for PyYAML's start. So
the wheel holds a module for each of them, whose constants are its tree. It counts only for the very
text it was made of. A checkout has none, and reads the files.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from convcalc.diagnostics.diagnostic import Place
from convcalc.language.syntax.document_limits import spend_on_nodes
from convcalc.language.syntax.nodes import Mapping, Node, Scalar, Sequence

PACKAGE = "convcalc.trees"
ENDING = ".convcalc.yaml"
_SEQUENCE, _MAPPING = 1, 2  # what a node that is not a scalar begins with


def module_name(path: str) -> str:
    """The module of a shipped file, by its path in the folder of the shipped files."""
    return f"{PACKAGE}.{path.removesuffix(ENDING).replace('/', '.')}"


def module_text(content: bytes, root: Node) -> str:
    """The module of a file with this content, which was read without a problem."""
    key = len(content), crc32(content), _count(root)
    return f"KEY = {key}\nTREE = {plain(root)!r}\n"


def find_tree(path: str, file: str, content: bytes) -> Node | None:
    """The tree of a shipped file; None if there is none of this content."""
    from importlib import import_module

    try:
        module = import_module(module_name(path))
    except ImportError:
        return None
    size, checksum, nodes = module.KEY
    if len(content) != size or crc32(content) != checksum:
        return None
    spend_on_nodes(nodes, size)
    return _node(module.TREE, file)


def plain(node: Node) -> tuple[Any, ...]:
    """A node as constants; places are those in its own file."""
    _, line, column, end, *_ = node.place
    if isinstance(node, Scalar):
        return (node.text, node.value, node.plain, line, column, end)
    if isinstance(node, Sequence):
        return (_SEQUENCE, line, column, end, tuple(map(plain, node.items)))
    entries = tuple((plain(key), plain(value)) for key, value in node.entries)
    return (_MAPPING, line, column, end, entries)


def _node(constants: tuple[Any, ...], file: str) -> Node:
    """The node of some constants."""
    first = constants[0]
    if isinstance(first, str):
        text, value, is_plain, line, column, end = constants
        return Scalar(value, text, is_plain, Place(file, line, column, end))
    kind, line, column, end, parts = constants
    place = Place(file, line, column, end)
    if kind == _SEQUENCE:
        sequence = Sequence(place)
        sequence.items = [_node(each, file) for each in parts]
        return sequence
    mapping = Mapping(place)
    for key, value in parts:
        mapping.add(_key(key, file), _node(value, file))
    return mapping


def _key(constants: tuple[Any, ...], file: str) -> Scalar:
    text, value, is_plain, line, column, end = constants
    return Scalar(value, text, is_plain, Place(file, line, column, end))


def _count(node: Node) -> int:
    """The number of nodes of a tree."""
    if isinstance(node, Sequence):
        return 1 + sum(map(_count, node.items))
    if isinstance(node, Mapping):
        return 1 + sum(1 + _count(value) for _, value in node.entries)
    return 1
