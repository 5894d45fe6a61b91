"""The rows of an Ultralytics YAML file, with their places: nothing of them is evaluated.

A row is ``[from, repeats, module, args]``. An argument is a number, a word, a list, or the name of
one of the file's own values, such as ``nc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.importing.foreign import Unreadable
from convcalc.language.syntax import nodes
from convcalc.language.syntax.nodes import Node, Scalar
from convcalc.language.syntax.reader import read

LARGEST = 2**31 - 1
MOST_REPEATS = 10_000
_WORDS: Mapping[str, Any] = {"None": None, "True": True, "False": False}


class Wrong(Exception):
    """A value cannot be what it is."""

    def __init__(self, rule: str, message: str, place: Place, advice: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(rule, message, place, advice, severity="error")


class Value(NamedTuple):
    """A value of the file and where it stands; a list holds values."""

    value: Any
    place: Place

    @property
    def plain(self) -> Any:
        """The value, lists as lists of plain values."""
        return [each.plain for each in self.value] if isinstance(self.value, list) else self.value

    def integer(self, what: str, least: int = 0) -> int:
        """An integer of at least so much."""
        found = self.value
        if type(found) is not int or not least <= found <= LARGEST:
            message = f"{what} is {_shown(self.plain)}, but an integer from {least} on is expected"
            raise Wrong("wrong-type", message, self.place)
        return found

    def number(self, what: str) -> float:
        """A number from 0 on."""
        found = self.value
        if type(found) not in (int, float) or not 0 <= found <= LARGEST:
            message = f"{what} is {_shown(self.plain)}, but a number from 0 on is expected"
            raise Wrong("wrong-type", message, self.place)
        return float(found)

    def integers(self, what: str, least: int = 0) -> list[int]:
        """A list of integers."""
        if not isinstance(self.value, list) or not self.value:
            message = f"{what} is {_shown(self.plain)}, but a list of integers is expected"
            raise Wrong("wrong-type", message, self.place)
        return [each.integer(what, least) for each in self.value]


class Row(NamedTuple):
    """A row: the rows that it reads, how often its module is there, its class, its arguments."""

    sources: tuple[int, ...]
    repeats: int
    module: str
    args: tuple[Value, ...]
    place: Place
    reads: Place  # where it says what it reads

    def has(self, index: int) -> bool:
        """Whether an argument is given and not None."""
        return index < len(self.args) and self.args[index].value is not None

    def integer(self, index: int, what: str, default: int | None = None, least: int = 1) -> int:
        """An integer argument; Wrong if it is missing and has no default."""
        if index >= len(self.args) and default is not None:
            return default
        return self._at(index, what).integer(what, least)

    def number(self, index: int, what: str, default: float) -> float:
        """A number."""
        return default if index >= len(self.args) else self.args[index].number(what)

    def flag(self, index: int, default: bool) -> bool:
        """Whether an argument is true, as Python sees it."""
        return default if index >= len(self.args) else bool(self.args[index].value)

    def _at(self, index: int, what: str) -> Value:
        if index >= len(self.args):
            raise Wrong("missing-key", f"{self.module} needs {what}", self.place)
        return self.args[index]

    def at(self, index: int, what: str) -> Value:
        """An argument that must be there."""
        return self._at(index, what)


class Scale(NamedTuple):
    """Multipliers of repeats and channels, and the most channels before that."""

    depth: float = 1.0
    width: float = 1.0
    most: float = float("inf")


class Document(NamedTuple):
    """A file: its rows, its scales, and its own values."""

    rows: Sequence[Row]
    scales: Mapping[str, Scale]
    scale: Scale  # where there are none
    values: Mapping[str, Value]
    problems: tuple[Diagnostic, ...]
    text: str


def read_document(content: bytes, file: str) -> Document:
    """The content of a file; Unreadable if it is not a mapping with rows."""
    root, problems = read(content, file)
    if not isinstance(root, nodes.Mapping):
        first = f": {problems[0].message}" if problems else ""
        raise Unreadable(f"it is not a mapping of keys{first}")
    found = _Found(root, list(problems))
    return found.document(content.decode("utf-8", "replace"))


class _Found:
    """One file being read; what is wrong in it is collected."""

    def __init__(self, root: nodes.Mapping, problems: list[Diagnostic]) -> None:
        self.root = root
        self.problems = problems
        self.values = {
            key: _value(node)
            for key, node in ((key.text, node) for key, node in root.entries)
            if key not in ("backbone", "head", "scales")
        }

    def document(self, text: str) -> Document:
        """The document of the file."""
        rows = [*self.rows("backbone"), *self.rows("head")]
        scales = self.scales()
        scale = Scale(self.multiplier("depth_multiple"), self.multiplier("width_multiple"))
        return Document(rows, scales, scale, self.values, tuple(self.problems), text)

    def rows(self, key: str) -> list[Row]:
        """The rows of a list."""
        node = self.root.get(key)
        if not isinstance(node, nodes.Sequence):
            raise Unreadable(f"'{key}' is not a list of rows", "[from, repeats, module, args]")
        found = []
        for item in node.items:
            try:
                found.append(self.row(item))
            except Wrong as error:
                self.problems.append(error.diagnostic)
                found.append(Row((-1,), 1, "", (), item.place, item.place))
        return found

    def row(self, node: Node) -> Row:
        """One row."""
        items = node.items if isinstance(node, nodes.Sequence) else []
        if len(items) != 4 or not isinstance(items[2], Scalar):
            message = "a row is [from, repeats, module, args]"
            raise Wrong("wrong-type", message, node.place)
        sources, repeats, _, args = map(_value, items)
        each = sources.value if isinstance(sources.value, list) else [sources]
        if not each:
            raise Wrong("wrong-type", "a row that reads nothing", sources.place)
        named = tuple(_index(value) for value in each)
        count = repeats.integer("repeats", 1)
        if count > MOST_REPEATS:
            message = f"repeats is {count}, more than {MOST_REPEATS}"
            raise Wrong("too-large", message, repeats.place)
        if not isinstance(args.value, list):
            raise Wrong("wrong-type", "the arguments of a row must be a list", args.place)
        given = tuple(map(self.argument, args.value))
        place = items[2].place
        return Row(named, count, items[2].text, given, place, sources.place)

    def argument(self, given: Value) -> Value:
        """An argument with names of the file's values put in."""
        name = given.value
        if isinstance(name, list):
            return given._replace(value=list(map(self.argument, name)))
        if isinstance(name, str) and name in ("nc", "kpt_shape", "reg_max", "end2end"):
            return given._replace(value=self.values[name].value) if name in self.values else given
        return given

    def scales(self) -> Mapping[str, Scale]:
        """The scales by their names."""
        node = self.root.get("scales")
        if node is None:
            return {}
        if not isinstance(node, nodes.Mapping):
            message = "scales is not a mapping of names to [depth, width, max_channels]"
            self.problems.append(Diagnostic("wrong-type", message, node.place))
            return {}
        found = {}
        for key, each in node.entries:
            given = _value(each)
            try:
                numbers = given.value if isinstance(given.value, list) else []
                if len(numbers) != 3:
                    message = "a scale is [depth, width, max_channels]"
                    raise Wrong("wrong-type", message, given.place)
                words = ("depth", "width", "max_channels")
                found[key.text] = Scale(
                    *(value.number(word) for word, value in zip(words, numbers, strict=True))
                )
            except Wrong as error:
                self.problems.append(error.diagnostic)
        return found

    def multiplier(self, key: str) -> float:
        """A number of the file that multiplies; 1 if it is not there."""
        try:
            return self.values[key].number(key) if key in self.values else 1.0
        except Wrong as error:
            self.problems.append(error.diagnostic)
            return 1.0


def _value(node: Node) -> Value:
    """The value of a node; a mapping is not a value."""
    if isinstance(node, nodes.Sequence):
        return Value([_value(item) for item in node.items], node.place)
    if isinstance(node, Scalar):
        value = node.value
        return Value(_WORDS.get(value, value) if isinstance(value, str) else value, node.place)
    return Value("", node.place)


def _index(value: Value) -> int:
    """The number of a row, counted from the first or back."""
    if type(value.value) is not int or abs(value.value) > LARGEST:
        message = f"a row reads {_shown(value.plain)}, but the number of a row is expected"
        raise Wrong("wrong-type", message, value.place)
    return int(value.value)


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
