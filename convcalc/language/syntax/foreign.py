"""Reads the values of other programs' files: JSON, YAML, TOML, and Python files of plain values.

Everything is data. A text is a text and never an expression, nothing of a Python file is run, and
what a value cannot be known without running it is not a value. The result is a tree of nodes with
places, as that of a network file, in which every scalar is :class:`Verbatim`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.suggestion import advise
from convcalc.errors import Error
from convcalc.language.syntax.nodes import Mapping, Node, Scalar, Sequence, Verbatim

DEEPEST: Final = 100  # levels of a file
MOST_VALUES: Final = 10_000  # of one param
ENDINGS: Final = (".json", ".yaml", ".yml", ".toml", ".py")


class Unreadable(Error):
    """A file of values cannot be read; ``line`` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class NoKey(Error):
    """The file has no such key."""


def read_values(content: bytes, file: str) -> tuple[Node, str]:
    """The nodes of a file, and its text; its ending tells the format. Raises Unreadable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8", content[: error.start].count(b"\n") + 1) from None
    ending = re.search(r"\.\w+$", file)
    reader = _READERS.get(ending[0].lower() if ending else "")
    if reader is None:
        raise Unreadable(f"its name must end in one of: {', '.join(ENDINGS)}")
    try:
        root = reader(text, file)
    except (RecursionError, MemoryError):
        raise Unreadable("it is nested too deeply") from None
    return root, text


def value_at(root: Node, key: str) -> Node:
    """The node under a dotted key with indices: ``model.stages[2].width``; Error if none."""
    at, rest = root, key
    while rest:
        if index := re.match(r"\[(-?\d{1,9})\]\.?", rest):
            at, rest = _item(at, int(index[1]), key), rest[index.end() :]
            continue
        at, rest = _entry(at, rest, key)
    _require_value(at, key)
    return at


def values_of(root: Node, key: str, names: Iterable[str]) -> dict[str, Node]:
    """The values of these names in the mapping under a key, or at the top; Error if it is none."""
    at, rest = root, key
    while rest:
        at, rest = _entry(at, rest, key)
    if not isinstance(at, Mapping):
        raise Error(f"'{key}' is not a mapping" if key else "it is not a mapping at the top")
    found = {name: node for name in names if (node := at.get(name)) is not None}
    for name, node in found.items():
        _require_value(node, name)
    return found


def _require_value(node: Node, key: str) -> None:
    """Raises Error for what is not a number, text or list of them, or is too large."""
    left, count = [(node, 0)], 0
    while left:
        each, depth = left.pop()
        count += 1
        if count > MOST_VALUES or depth > DEEPEST:
            raise Error(f"'{key}' holds more than {MOST_VALUES:,} values, or lists without an end")
        if isinstance(each, Mapping):
            what = "is" if each is node else "holds"
            raise Error(f"'{key}' {what} a mapping", advise("", each.keys, "keys there:"))
        if not each.whole:
            raise Error(f"'{key}' cannot be known without running the file")
        if isinstance(each, Sequence):
            left += [(item, depth + 1) for item in each.items]
        elif each.value is None:
            raise Error(f"'{key}' is null")


def _item(node: Node, index: int, key: str) -> Node:
    if not isinstance(node, Sequence):
        raise Error(f"'{key}' has an index, but there is no list")
    if not -len(node.items) <= index < len(node.items):
        raise NoKey(f"'{key}': index {index} of a list of {len(node.items)}")
    return node.items[index]


def _entry(node: Node, rest: str, key: str) -> tuple[Node, str]:
    """The value under the first part of a key, and the rest; a key of the file may hold dots."""
    if not isinstance(node, Mapping):
        raise NoKey(f"there is no '{key}': what is before '{rest}' has no keys")
    ends = [found.start() for found in re.finditer(r"[.\[]", rest)] + [len(rest)]
    for end in ends:
        found = node.get(rest[:end])
        if found is not None:
            return found, rest[end:].removeprefix(".")
    first = rest[: ends[0]]
    raise NoKey(f"there is no '{key}'", advise(first, node.keys, "keys there:"))


# --- YAML and JSON -----------------------------------------------------------------------------


def _yaml(text: str, file: str) -> Node:
    """The nodes of a YAML document, with the types that PyYAML's safe loader gives."""
    return _Composer(text, file, _yaml_value).compose()


def _json(text: str, file: str) -> Node:
    """The nodes of a JSON document; YAML's parser, which takes it, tells the places."""
    import json

    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error.msg}", error.lineno) from None
    except ValueError:  # Python reads no integers of thousands of digits
        raise Unreadable("it holds a number of too many digits") from None
    return _Composer(text.replace("\t", " "), file, _json_value).compose()


class _Composer:
    """Builds nodes from events; an alias is the node that it names, not a copy."""

    def __init__(self, text: str, file: str, value: Any) -> None:
        self.text = text
        self.file = file
        self.value = value
        self.anchors: dict[str, Node] = {}

    def compose(self) -> Node:
        import yaml

        loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        root: Node | None = None
        open_: list[tuple[Node, Scalar | None]] = []
        try:
            for event in yaml.parse(self.text, Loader=loader):
                name = type(event).__name__
                if name in ("MappingEndEvent", "SequenceEndEvent"):
                    open_.pop()
                    continue
                node = self.node(event, name)
                if node is None:
                    continue
                if not open_:
                    if root is not None:
                        break  # a second document
                    root = node
                else:
                    open_[-1] = self.attach(*open_[-1], node)
                if name.endswith("StartEvent"):
                    open_.append((node, None))
                    if len(open_) > DEEPEST:
                        raise Unreadable("it is nested too deeply", node.place.line)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            words = error.problem or error.context
            raise Unreadable(f"it is not YAML: {words}", mark.line + 1 if mark else 1) from None
        except yaml.YAMLError as error:
            raise Unreadable(f"it is not YAML: {error}") from None
        if root is None:
            raise Unreadable("it is empty")
        return root

    def node(self, event: Any, name: str) -> Node | None:
        """The node that begins with an event; None for events without one."""
        if name == "AliasEvent":
            if event.anchor not in self.anchors:
                raise Unreadable("an alias names nothing above", event.start_mark.line + 1)
            return self.anchors[event.anchor]
        if name not in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent"):
            return None
        start, end = event.start_mark, event.end_mark
        last = end.column if end.line == start.line else start.column
        place = Place(self.file, start.line + 1, start.column + 1, last + 1)
        found: Node
        if name == "ScalarEvent":
            plain = not event.style  # '' of one parser, None of the other
            found = Verbatim(self.value(event.value, plain), event.value, plain, place)
        else:
            found = Mapping(place) if name == "MappingStartEvent" else Sequence(place)
        if event.anchor:
            self.anchors[event.anchor] = found
        return found

    @staticmethod
    def attach(parent: Node, key: Scalar | None, node: Node) -> tuple[Node, Scalar | None]:
        """Adds a child; in a mapping, keys and values alternate. The last of equal keys counts."""
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return parent, None
        assert isinstance(parent, Mapping)
        if key is None:
            return parent, node if isinstance(node, Scalar) else Verbatim("", "", False, node.place)
        if key.text == "<<" and isinstance(node, Mapping):
            for each, value in node.entries:
                if parent.get(each.text) is None:
                    parent.add(each, value)
        else:
            parent.add(key, node)
        return parent, None


def _yaml_value(text: str, plain: bool) -> Any:
    """A scalar's value by the rules of YAML 1.1, as most programs read it."""
    if not plain:
        return text
    from yaml import SafeLoader
    from yaml.constructor import SafeConstructor
    from yaml.nodes import ScalarNode

    resolvers = SafeLoader.yaml_implicit_resolvers.get(text[:1], [])
    tag = next((tag for tag, pattern in resolvers if pattern.match(text)), "")
    kind = tag.rpartition(":")[2]
    if kind not in ("int", "float", "bool", "null"):
        return text
    try:
        return getattr(SafeConstructor(), f"construct_yaml_{kind}")(ScalarNode(tag, text))
    except (ValueError, OverflowError):
        return text


def _json_value(text: str, plain: bool) -> Any:
    import json

    return json.loads(text) if plain else text


# --- TOML and Python -----------------------------------------------------------------------------


def _toml(text: str, file: str) -> Node:
    from convcalc.language.syntax.toml import parse

    try:
        found = parse(text)
    except ValueError as error:
        at = re.search(r"at line (\d+)", str(error))
        words = re.sub(r" \(at .*\)$", "", str(error))
        raise Unreadable(f"it is not TOML: {words}", int(at[1]) if at else 1) from None
    return _Lines(text, file).node(found, "")


def _python(text: str, file: str) -> Node:
    """The assignments of a Python file whose values can be told without running anything."""
    import ast

    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 1) or 1
        raise Unreadable("it is not Python", line) from None
    root = Mapping(Place(file, 1, 1))
    values: dict[str, Node] = {}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            name = targets[0]
            values[name.id] = _python_node(statement.value, file, values, 0)  # type: ignore[attr-defined]
            place = Place(
                file, name.lineno, name.col_offset + 1, name.col_offset + len(name.id) + 1
            )
            root.add(Verbatim(name.id, name.id, True, place), values[name.id])
    return root


def _python_node(expr: Any, file: str, values: dict[str, Node], depth: int) -> Node:
    """The node of a literal, a list, ``{…}``, ``dict(…)`` or a name assigned above."""
    import ast

    if depth > DEEPEST:
        raise Unreadable("it is nested too deeply", expr.lineno)
    end = expr.end_col_offset if expr.end_lineno == expr.lineno else expr.col_offset
    place = Place(file, expr.lineno, expr.col_offset + 1, end + 1)

    def inner(each: Any) -> Node:
        return _python_node(each, file, values, depth + 1)

    if isinstance(expr, ast.Name) and expr.id in values:
        return values[expr.id]
    if isinstance(expr, ast.List | ast.Tuple):
        listed = Sequence(place)
        listed.items += map(inner, expr.elts)
        return listed
    pairs: list[tuple[Any, Any]] | None = None
    if isinstance(expr, ast.Dict):
        pairs = [
            (key.value, value)
            for key, value in zip(expr.keys, expr.values, strict=True)
            if isinstance(key, ast.Constant)
        ]
    elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and expr.func.id == "dict":
        pairs = [(keyword.arg, keyword.value) for keyword in expr.keywords if keyword.arg]
    if pairs is not None:
        mapping = Mapping(place)
        for key, value in pairs:
            mapping.add(Verbatim(str(key), str(key), False, place), inner(value))
        return mapping
    value, sign = expr, 1
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        value, sign = expr.operand, -1
    if isinstance(value, ast.Constant) and isinstance(value.value, bool | int | float | str | None):
        number = value.value
        if sign < 0 and isinstance(number, int | float):
            number = -number
        return Verbatim(number, str(number), not isinstance(number, str), place)
    unknown = Sequence(place)  # what only a run could tell
    unknown.whole = False
    return unknown


class _Lines:
    """Finds the lines of keys in a format whose parser does not tell them."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.top = Place(file, 1, 1)
        self.places: dict[str, Place] = {}  # the first line that begins with a key
        for number, line in enumerate(text.splitlines(), 1):
            found = _TOML_KEY.match(line)
            if found and found[1] not in self.places:
                self.places[found[1]] = Place(file, number, found.start(1) + 1, found.end(1) + 1)

    def node(self, value: Any, key: str) -> Node:
        """The node of a parsed value, at the line of its key."""
        place = self.places.get(key, self.top)
        if isinstance(value, dict):
            mapping = Mapping(place)
            for name, each in value.items():
                mapping.add(Verbatim(name, name, False, place), self.node(each, name))
            return mapping
        if isinstance(value, list):
            listed = Sequence(place)
            listed.items += (self.node(each, key) for each in value)
            return listed
        if isinstance(value, bool | int | float):
            return Verbatim(value, str(value), True, place)
        return Verbatim(str(value), str(value), False, place)


_TOML_KEY = re.compile(r"\s*\[{0,2}\s*(?:[\w-]+\s*\.\s*){0,20}[\"']?([\w.-]{1,200})[\"']?\s*[=\]]")

_READERS: Final = {
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".toml": _toml,
    ".py": _python,
}
