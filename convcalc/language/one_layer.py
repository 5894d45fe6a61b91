"""Builds a network of one layer from the words of ``convcalc layer`` and ``explain``.

Each word becomes a node with its place in the typed line, so that problems point into that line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.language.parse.files import FORMAT_VERSION
from convcalc.language.sources.target import Target, TargetError
from convcalc.language.syntax import nodes, reader
from convcalc.language.syntax.scalars import resolve_scalar

SOURCE = "<layer>"
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN = re.compile(r"-?[\w.][\w.+\-*/() ]*|\[[\w ,.\[\]]*\]", re.ASCII)
_LIST = re.compile(r"-?\d+(?:[,x×]-?\d+)+", re.ASCII)

Sizes = Sequence[int | None]


def layer_target(
    operator: str, fields: Sequence[str], inputs: Sequence[tuple[str, Sizes]]
) -> Target:
    """A network of one layer: ``conv``, ``["out=8", "k=3x5"]``, ``[("", [3, 8, 8])]``.

    Inputs without a name are called x1, x2, … Values are read like those of a network file;
    ``3x5`` is a list. Raises TargetError for a word that cannot be read.
    """
    if not all(map(_NAME.fullmatch, operator.split("."))):
        from convcalc.model.operators.words import unknown_operator

        message = f"'{operator}' cannot be the name of an operator"
        raise TargetError(message, unknown_operator(operator)[1])
    if not inputs:
        _require_operator(operator)
    named = _name_inputs(inputs)
    line = _Line(operator)
    fields_node = line.fields(fields)
    words = [_input_word(*each) for each in inputs]
    places = dict(zip(named, map(line.word, words), strict=True))
    item = nodes.Mapping(line.start)
    item.add(_text(operator, line.start), fields_node)
    if len(named) > 1:
        item.add(_text("from", line.start), _sequence(_text(*each) for each in places.items()))
    top = {"convcalc": nodes.node_of(FORMAT_VERSION, line.start), **_inputs(named, places)}
    root = nodes.Mapping(line.start)
    for key, node in {**top, "layers": _sequence([item])}.items():
        root.add(_text(key, line.start), node)
    return Target(SOURCE, None, line.text, root=root, problems=tuple(line.problems))


def _require_operator(word: str) -> None:
    """Raises TargetError for an unknown operator: its name comes before its input."""
    from convcalc.language.parse.tree import COMPOSITES
    from convcalc.model.operators.registry import operator_names
    from convcalc.model.operators.words import unknown_operator

    if word not in operator_names() and word not in COMPOSITES:
        raise TargetError(*unknown_operator(word, COMPOSITES))


def _inputs(named: Mapping[str, Sizes], places: Mapping[str, Place]) -> dict[str, nodes.Node]:
    """The ``input`` or ``inputs`` entry of the network."""
    shapes = {name: nodes.node_of(list(sizes), places[name]) for name, sizes in named.items()}
    if len(shapes) == 1:
        return {"input": next(iter(shapes.values()))}
    several = nodes.Mapping(next(iter(places.values())))
    for name, node in shapes.items():
        several.add(_text(name, places[name]), node)
    return {"inputs": several}


class _Line:
    """The typed line, built up word by word."""

    def __init__(self, operator: str) -> None:
        self.text = ""
        self.problems: list[Diagnostic] = []
        self.start = self.word(operator)

    def word(self, text: str) -> Place:
        """Appends a word and returns its place."""
        start = len(self.text) + bool(self.text)
        printable = "".join(c if c.isprintable() else " " for c in text)
        self.text += f" {printable}" if self.text else printable
        return Place(SOURCE, 1, start + 1, start + 1 + len(text))

    def fields(self, words: Sequence[str]) -> nodes.Mapping:
        """Reads ``FIELD=VALUE`` words into a mapping; raises TargetError for any other word."""
        found = nodes.Mapping(self.start)
        for word in words:
            name, equals, value = word.partition("=")
            if not equals or not _NAME.fullmatch(name.strip()):
                raise TargetError(f"'{word}' is not a field", "write FIELD=VALUE, for instance k=3")
            place = self.word(word)
            key = _text(name.strip(), place._replace(end=place.column + len(name)))
            node = self.value(value, place.column + len(name) + 1)
            if key.text not in found.keys:
                found.add(key, node)
                continue
            message, first = f"'{key.text}' is given twice", found.keys[key.text].place
            related = (Related(first, "first given here"),)
            self.problems.append(Diagnostic("duplicate-key", message, key.place, "", related))
            found.whole = False
        return found

    def value(self, text: str, column: int) -> nodes.Node:
        """Reads a value as in a network file; text that YAML could misread stays a plain text."""
        text, column = text.strip(), column + len(text) - len(text.lstrip())
        place = Place(SOURCE, 1, column, column + len(text))
        if _LIST.fullmatch(text):
            parts = re.finditer(r"-?\d+", text)
            return _sequence(self.number(each[0], _place_within(place, each)) for each in parts)
        if not _PLAIN.fullmatch(text):
            return nodes.Scalar(text, text, False, place)
        node, problems = reader.read(" " * (column - 1) + text, SOURCE)
        self.problems += problems
        return node or nodes.Scalar(None, text, True, place)

    def number(self, text: str, place: Place) -> nodes.Scalar:
        """Reads one number of a list such as ``3x5``."""
        meaning, wrong = resolve_scalar(text)
        if wrong is not None:
            self.problems.append(wrong.at(place, ()))
        return nodes.Scalar(meaning, text, True, place)


def _place_within(whole: Place, found: re.Match[str]) -> Place:
    """The place of a regular expression's match within a word."""
    return whole._replace(column=whole.column + found.start(), end=whole.column + found.end())


def _text(text: str, place: Place) -> nodes.Scalar:
    return nodes.Scalar(text, text, True, place)


def _sequence(items: Iterable[nodes.Node]) -> nodes.Sequence:
    """A list node that spans its items."""
    parts = list(items)
    found = nodes.Sequence(parts[0].place._replace(end=parts[-1].place.end))
    found.items += parts
    return found


def _name_inputs(inputs: Sequence[tuple[str, Sizes]]) -> dict[str, Sizes]:
    """The inputs by name, x1, x2, … where none is given; TargetError for a name used twice."""
    if not inputs:
        raise TargetError("a layer needs its input", "for instance -i 64x56x56")
    found: dict[str, Sizes] = {}
    for number, (given, sizes) in enumerate(inputs, 1):
        name = given or f"x{number}"
        if not _NAME.fullmatch(name) or name in found:
            raise TargetError(f"the input '{name}' has no name of its own", "write NAME=SHAPE")
        found[name] = sizes
    return found


def _input_word(name: str, sizes: Sizes) -> str:
    """The command-line text of an input."""
    text = "x".join("?" if size is None else str(size) for size in sizes)
    return f"-i {name}={text}" if name else f"-i {text}"
