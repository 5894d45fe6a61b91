"""The layers of a report as a tree: blocks, the blocks in them, and layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.rows import AnyRow, row_of
from convcalc.model.graph.network import Group


class Branch(NamedTuple):
    """A block or a layer, by its name within the block around it.

    The ``row`` of a block is the sum of what is in it, so rows of different levels do not add up.
    """

    name: str
    row: AnyRow
    branches: tuple[Branch, ...]


def tree(report: Report, depth: int | None = None) -> tuple[Branch, ...]:
    """Return the layers of a network as a tree; blocks at ``depth`` are not expanded."""
    return tuple(_branches(report.layers, 0, depth, ""))


def _branches(
    layers: Sequence[LayerReport], level: int, depth: int | None, parent: str
) -> Iterator[Branch]:
    """Yield what layers are at a level of blocks; the whole of them is ``parent``."""
    bundles: dict[str, list[LayerReport]] = {}
    groups: dict[str, Group | None] = {}
    for layer in layers:
        group = layer.groups[level] if level < len(layer.groups) else None
        path = group.path if group else layer.path
        groups[path] = group or groups.get(path)
        bundles.setdefault(path, []).append(layer)
    for path, found in bundles.items():
        group = groups[path]
        row = row_of(path, group.kind if group else "", found)
        is_expanded = group is not None and (depth is None or level + 1 < depth)
        is_block = is_expanded and (len(found) > 1 or found[0].path != path)
        below = tuple(_branches(found, level + 1, depth, path)) if is_block else ()
        yield Branch(path.removeprefix(f"{parent}.") if parent else path, row, below)
