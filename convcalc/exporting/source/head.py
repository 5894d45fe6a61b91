"""The head of a network file: its name, what is known of the model, its inputs."""

from __future__ import annotations

from typing import Any

from convcalc.exporting.source.words import safe
from convcalc.language.file_facts import NetworkFile
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN


def head_of(network: NetworkFile) -> list[tuple[str, Any]]:
    """The entries above the blocks."""
    found: list[tuple[str, Any]] = [("convcalc", 1), ("name", name_of(network))]
    if network.remark:
        found.append(("note", network.remark))
    shapes = {key: sizes_of(shape) for key, shape in network.inputs.items()}
    if len(shapes) == 1:
        found.append(("input", next(iter(shapes.values()))))
    else:
        found.append(("inputs", shapes))
    return found


def sizes_of(shape: Shape) -> tuple[int | None, ...]:
    """The sizes of an input as a file has them: without the batch, null where not known."""
    return tuple(None if size is UNKNOWN else size for size in shape.dims[1:])


def name_of(network: NetworkFile) -> str:
    """The name of a network as a word."""
    return safe(network.name) or "network"
