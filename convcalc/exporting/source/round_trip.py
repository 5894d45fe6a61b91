"""Holds the network that a text describes against the one that it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.exporting.source.flat import JOINS
from convcalc.language.file_facts import NetworkFile
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Layer, Network

_COMMUTE = ("add", "mul", "maximum")


class Difference(NamedTuple):
    """The first difference: the number of the layer (-1: of none), and how."""

    layer: int
    what: str
    groups: tuple[str, ...] = ()  # the blocks that it stands in, from the outermost


def expanded(text: str, batch: int, variant: str | None = None) -> NetworkFile:
    """The network that a text describes."""
    target = Target("imported.convcalc.yaml", variant, text)
    return read_network(target, batch=batch)


def difference(old: Network, new: Network) -> Difference | None:
    """The first difference between two networks; None if they have the same layers, which read
    the same tensors, in the same order, with equal shapes, weights, work and receptive fields."""
    for index, (a, b) in enumerate(zip(old.layers, new.layers, strict=False)):
        what = _of_layers(a, b)
        if what:
            return Difference(index, what, tuple(group.kind for group in b.groups))
    if len(old.layers) != len(new.layers) or new.skipped:
        first = str(new.problems[0].message) if new.problems else ""
        counts = f"{len(new.layers)} layers, not {len(old.layers)}"
        index = min(len(old.layers), len(new.layers)) - 1
        groups = tuple(g.kind for g in new.layers[-1].groups) if new.layers else ()
        return Difference(index, f"{counts} {first}", groups)
    if list(old.outputs.values()) != list(new.outputs.values()):
        return Difference(-1, "the outputs")
    if list(old.inputs.values()) != list(new.inputs.values()):
        return Difference(-1, "the inputs")
    wrong = [found.message for found in new.problems if found.severity == "error"]
    return Difference(-1, wrong[0]) if wrong else None


def _of_layers(a: Layer, b: Layer) -> str:
    """Return what differs first between two layers; empty if nothing does."""
    return next(_differences(a, b), "")


def _differences(a: Layer, b: Layer) -> Iterator[str]:
    if a.name != b.name:
        yield f"{b.name} instead of {a.name}"
    if a.inputs != b.inputs and not (a.name in _COMMUTE and sorted(a.inputs) == sorted(b.inputs)):
        yield "what it reads"
    mine, other = a.analysis, b.analysis
    if mine is other:
        return
    if mine.output != other.output:
        yield f"{other.output} instead of {mine.output}"
    if (mine.weights, mine.buffers) != (other.weights, other.buffers):
        yield "weights"
    if mine.terms != other.terms:
        yield "work"
    if a.inputs == b.inputs and (mine.axes, mine.channels) != (other.axes, other.channels):
        yield "receptive fields"
    forms = ("", "") if a.name in JOINS else (a.form, b.form)
    if (a.shares, a.own, a.trainable, forms[0]) != (b.shares, b.own, b.trainable, forms[1]):
        yield "what is shared or trained"
