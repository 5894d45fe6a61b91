"""The nodes of a YAML file, each with its place.

A node that lost content because a part of it was refused has ``whole`` False.
"""

from __future__ import annotations

from collections import abc
from typing import Any, TypeAlias

from convcalc.diagnostics.diagnostic import Place
from convcalc.model.operators.values import format_value


class Scalar:
    """A single value: ``text`` without quotes, and ``value``, the text converted if unquoted."""

    __slots__ = ("place", "plain", "text", "value", "whole")

    def __init__(
        self, value: bool | int | float | str | None, text: str, plain: bool, place: Place
    ) -> None:
        self.value = value
        self.text = text
        self.plain = plain
        self.place = place
        self.whole = True

    def renamed(self, text: str) -> Scalar:
        """Another text at the same place."""
        return Scalar(text, text, False, self.place)


class Verbatim(Scalar):
    """A scalar of another program's file: it stands for itself, its text is not an expression."""

    __slots__ = ()


class Sequence:
    """A list of nodes."""

    __slots__ = ("items", "place", "whole")

    def __init__(self, place: Place) -> None:
        self.items: list[Node] = []
        self.place = place
        self.whole = True


class Mapping:
    """Keys and their nodes, in the order of the file; keys are unique and always text.

    ``keys`` maps a key to its own node, which has its place; :meth:`get` returns its value's node.
    """

    __slots__ = ("_values", "entries", "keys", "place", "whole")

    def __init__(self, place: Place) -> None:
        self.entries: list[tuple[Scalar, Node]] = []
        self.keys: dict[str, Scalar] = {}
        self._values: dict[str, Node] = {}
        self.place = place
        self.whole = True

    def get(self, key: str) -> Node | None:
        """The node under ``key``, or None."""
        return self._values.get(key)

    def add(self, key: Scalar, node: Node) -> None:
        """Appends an entry; the key must be new."""
        self.entries.append((key, node))
        self.keys[key.text] = key
        self._values[key.text] = node

    def put(self, key: Scalar, node: Node) -> None:
        """Sets what stands under a key, which may be new; ``entries`` stay what the file says."""
        self.keys[key.text] = key
        self._values[key.text] = node

    def move(self, old: str, new: str) -> None:
        """Gives what stands under a key another key; ``entries`` stay what the file says."""
        self.put(self.keys.pop(old).renamed(new), self._values.pop(old))


Node: TypeAlias = Scalar | Sequence | Mapping


def node_of(value: Any, place: Place) -> Node:
    """Converts Python lists, mappings, numbers and texts to nodes, all at the same place."""
    if isinstance(value, abc.Mapping):
        mapping = Mapping(place)
        for key, each in value.items():
            mapping.add(Scalar(key, key, False, place), node_of(each, place))
        return mapping
    if isinstance(value, list | tuple):
        sequence = Sequence(place)
        sequence.items += (node_of(each, place) for each in value)
        return sequence
    if isinstance(value, str):
        return Scalar(value, value, False, place)
    return Scalar(value, format_value(value), True, place)
