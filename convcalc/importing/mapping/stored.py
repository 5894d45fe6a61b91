"""Tensors of a file without a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, Rule
from convcalc.importing.views import fresh


def stored(build: Build, node: Node) -> Sequence[Held]:
    """Stored: a learned tensor, or a buffer if it is ``fixed``."""
    fixed = bool(node.value("fixed"))
    made = build.add("parameter", shape=node.value("sizes"), fixed=fixed)
    return [fresh(made, (), made.shape.dims[1:])]


def undescribed(build: Build, node: Node) -> Sequence[Held]:
    """Undescribed: whatever is done with what is stored."""
    note = "no graph in the file"
    made = build.add("opaque", build.view(node).tensor, output=[None], params=0, note=note)
    return [fresh(made, (), made.shape.dims[1:])]


RULES: Mapping[str, Rule] = {"Stored": stored, "Undescribed": undescribed}
