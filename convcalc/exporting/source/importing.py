"""From networks to the text of a network file, by way of terms, blocks and lines.

The text is expanded again and compared. What differs is written another way, block by block: first
without the block in which the difference stands, then without loops around, at last layer by layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.blocks import Blocks
from convcalc.exporting.source.flat import flat_body
from convcalc.exporting.source.growth import hoisted
from convcalc.exporting.source.head import name_of
from convcalc.exporting.source.idioms import with_idioms
from convcalc.exporting.source.lines import spliced
from convcalc.exporting.source.round_trip import difference, expanded
from convcalc.exporting.source.scene import WAYS, Scene, Way
from convcalc.exporting.source.slices import with_slices_where_read
from convcalc.exporting.source.stages import finished
from convcalc.exporting.source.structure import with_structure
from convcalc.exporting.source.terms import Body
from convcalc.exporting.source.tree import module_tree
from convcalc.exporting.source.writing import written_file
from convcalc.language.file_facts import NetworkFile

MAIN = "layers"  # the list of layers itself, among the blocks that are refused
_MOST_ALONE = 60  # layers of a fork with an empty branch, outside of blocks
_MOST_TRIES = 24
_TOKEN = re.compile(r"\w+")


class Source(NamedTuple):
    """A network file: its text, the blocks that had to be written out, and whether all had to."""

    text: str
    layers: int
    fallbacks: tuple[str, ...] = ()
    is_flat: bool = False


def source_of(networks: Sequence[NetworkFile]) -> Source:
    """The text of a network file that describes networks without problems.

    The first is the base, each other a variant. Raises Misfit if no file describes them all.
    """
    if not all(network.layers for network in networks):
        raise Misfit("a model without layers")
    layers = sum(len(network.layers) for network in networks)
    moved = [with_slices_where_read(network) for network in networks]
    is_moved = any(a is not b for a, b in zip(networks, moved, strict=True))
    ways = [way for way in WAYS if is_moved or not way.moves_slices]
    found = {way: _readable(moved if way.moves_slices else networks, way) for way in ways}
    plain = _best(found[way] for way in ways if not (way.nests_forks or way.moves_slices))
    text, refused = _best(each for each in found.values() if _is_no_longer(each, plain))
    if text:
        return Source(text, layers, refused)
    text = flat_text(networks)
    difference = _difference(networks, text)
    if difference is not None:
        raise Misfit(difference[0])
    return Source(text, layers, found[ways[0]].refused, is_flat=True)


class Written(NamedTuple):
    """A text, empty if there is none, and the blocks that had to be written out."""

    text: str
    refused: tuple[str, ...]


def _best(found: Iterable[Written]) -> Written:
    """The text that costs least to read; one in which all blocks stand, if there is one."""
    return min(found, key=lambda each: (not each.text, len(each.refused), tokens(each.text)))


def _is_no_longer(each: Written, other: Written) -> bool:
    """Whether a text has no more lines than another, or the other is none or has blocks less."""
    if not other.text or len(each.refused) < len(other.refused):
        return True
    return each.text.count("\n") <= other.text.count("\n")


def tokens(text: str) -> int:
    """Return what a text costs its reader: its words and numbers, and its lines."""
    return len(_TOKEN.findall(text)) + text.count("\n")


def _readable(networks: Sequence[NetworkFile], way: Way) -> Written:
    """A text that describes networks, or none."""
    refused: list[str] = []
    while len(refused) < _MOST_TRIES:
        text, blamed = _tried(networks, frozenset(refused), way)
        if text:
            return Written(text, tuple(refused))
        if not blamed and MAIN in refused:
            break
        refused.append(blamed or MAIN)
    return Written("", tuple(refused))


def flat_text(networks: Sequence[NetworkFile]) -> str:
    """The text with a line for each layer."""
    scene = Scene(networks)
    bodies = [flat_body(n, k) for n, k in zip(networks, scene.offsets, strict=True)]
    return written_file(networks, bodies, scene, [])


def _tried(networks: Sequence[NetworkFile], refused: frozenset[str], way: Way) -> tuple[str, str]:
    """A text that describes the networks; or none, and the block to blame, if one is."""
    try:
        text = readable_text(networks, refused, way)
    except Misfit as error:
        return "", error.block
    found = _difference(networks, text)
    if found is None:
        return text, ""
    return "", next((kind for kind in reversed(found[1]) if kind not in refused), "")


def _difference(networks: Sequence[NetworkFile], text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return what differs first between networks and those that a text describes, and in which
    blocks.
    """
    for index, network in enumerate(networks):
        name = name_of(network)
        new = expanded(text, batch_of(network), name if index else None)
        found = difference(network, new)
        if found is not None:
            return f"{name}, layer {found.layer}: {found.what}", found.groups
    return None


def batch_of(network: NetworkFile) -> int:
    """The samples that a network reads at once."""
    return next((shape.batch for shape in network.inputs.values()), 1)


def readable_text(
    networks: Sequence[NetworkFile],
    refused: frozenset[str] = frozenset(),
    way: Way = WAYS[0],
) -> str:
    """The text with blocks and loops, but not those that are refused."""
    scene = Scene(networks, way)
    trees = [_tree(n, k, scene) for n, k in zip(networks, scene.offsets, strict=True)]
    blocks = Blocks(scene, refused)
    bodies = blocks.rewritten(trees)
    if MAIN in refused:
        bodies = [spliced(body) for body in bodies]
    else:
        bodies = [finished(body, scene, _MOST_ALONE) for body in bodies]
    return written_file(networks, bodies, scene, blocks.templates)


def _tree(network: NetworkFile, offset: int, scene: Scene) -> Body:
    """The modules and idioms of a network."""
    ops = flat_body(network, offset)
    readers = scene.readers
    readers.update(tensor for op in ops for tensor in op.reads)
    readers.update(tensor + offset for tensor in network.outputs.values())
    if any(layer.groups for layer in network.layers):
        return with_idioms(hoisted(module_tree(network, ops, offset)), readers)
    return with_idioms(with_structure(ops, readers, nested=scene.way.nests_forks), readers)
