"""The modules that the nodes of an ONNX file came from, as PyTorch's exporters write them.

The older exporter puts their path into a node's name, ``/layer1/layer1.0/conv1/Conv``; the newer
one writes paths and classes as metadata, ``pkg.torch.onnx.name_scopes`` and ``…class_hierarchy``.
Other exporters write neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from convcalc.importing.formats.onnx.messages import RawNode
from convcalc.model.graph.network import Group

_NAMES = "pkg.torch.onnx.name_scopes"
_CLASSES = "pkg.torch.onnx.class_hierarchy"

Scope = tuple[Group, ...]


def scope_of(node: RawNode) -> Scope:
    """The modules of a node, from the outermost."""
    names, classes = node.metadata.get(_NAMES), node.metadata.get(_CLASSES)
    if names and classes:
        return _written(_strings(names), _strings(classes))
    return scope_of_name(node.name)


def scope_of_name(name: str) -> Scope:
    """The modules that a name tells of, as the older exporter writes it."""
    return _named(name.split("/")[1:-1]) if name.startswith("/") else ()


def _written(names: Sequence[str], classes: Sequence[str]) -> Scope:
    """The modules of metadata; the first is the model itself, the last the node."""
    pairs = list(zip(names, classes, strict=False))[:-1]
    return tuple(Group(name, kind.rpartition(".")[2]) for name, kind in pairs if name)


def _named(parts: Sequence[str]) -> Scope:
    """The modules of a node's name: each part is a path from the module before it, whose last step
    is repeated where that is a container."""
    found: list[Group] = []
    path = ""
    last = ""
    for part in parts:
        if last and part.startswith(f"{last}."):
            path = f"{path}{part[len(last) :]}"
        else:
            path = f"{path}.{part}" if path else part
        last = part
        found.append(Group(path, "module"))
    return tuple(found)


def _strings(text: str) -> list[str]:
    """The strings of a list as Python writes it."""
    return re.findall(r"'([^']*)'", text)
