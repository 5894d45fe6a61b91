"""Reads YAML text into a tree of nodes with places; the only module that imports yaml.

It consumes PyYAML's event stream and builds the tree itself, because the stock loaders hang,
crash or guess on surprising input. Events come one at a time, so a limit stops the parser before
it runs out of memory or stack. Plain scalars follow the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema). A scalar that YAML 1.1 reads differently is an
error, and anything that expands (aliases, merge keys) is refused.
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

import yaml

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related, sort_diagnostics
from convcalc.language.syntax.document_limits import LIMITS, Limits, spend_on_nodes
from convcalc.language.syntax.nodes import Mapping, Node, Scalar, Sequence
from convcalc.language.syntax.scalars import WORDS, Wrong, find_forbidden, resolve_scalar
from convcalc.language.syntax.yaml_errors import (
    NO_LIST,
    REPEAT,
    describe_error,
    expression_at,
    indented_too_far,
    missing_colon,
    too_deep,
)


def read(
    text: str | bytes, file: str, limits: Limits = LIMITS
) -> tuple[Node | None, list[Diagnostic]]:
    """The root node, and every problem of the file in the order of their places.

    The node is None if the file is empty, breaks the syntax or exceeds a limit. After any other
    problem reading goes on: the likely meaning replaces the part that was refused, and a node
    that lost content has ``whole`` False.
    """
    reader = _Reader(file, limits)
    try:
        root = reader.read_root(text)
    except _StopError:
        root = None
    return root, sort_diagnostics(reader.problems)


class _StopError(Exception):
    """Reading cannot continue; the reason is among the problems."""


class _Open:
    """A collection that is still being read; its entries are checked at its end."""

    __slots__ = ("awaits_key", "flow", "key", "node", "raw")

    def __init__(self, node: Sequence | Mapping, flow: bool) -> None:
        self.node = node
        self.flow = flow
        self.awaits_key = isinstance(node, Mapping)
        self.key: Node
        self.raw: list[tuple[Node, Node]] = []

    def attach(self, node: Node) -> None:
        """Adds a child; in a mapping, keys and values alternate."""
        if isinstance(self.node, Sequence):
            self.node.items.append(node)
            return
        if self.awaits_key:
            self.key = node
        else:
            self.raw.append((self.key, node))
        self.awaits_key = not self.awaits_key


_NODES_AT_ONCE: Final = 1000
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Reader:
    """Reads one file and collects its problems."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.problems: list[Diagnostic] = []
        self.lines: list[str] = []
        self.open: list[_Open] = []

    def report(self, wrong: Wrong, place: Place, *related: Related) -> None:
        """Collects a problem; stops if there are too many."""
        if len(self.problems) == self.limits.problems:
            message = f"the file has more than {self.limits.problems} problems"
            self.stop(Wrong("too-large", message, "fix the first ones"), place)
        self.problems.append(wrong.at(place, related))

    def stop(self, wrong: Wrong, place: Place, *related: Related) -> NoReturn:
        """Collects a problem and ends reading."""
        self.problems.append(wrong.at(place, related))
        raise _StopError

    def place(self, line: int, column: int, end: int = -1) -> Place:
        """A place from the parser's line and columns, which count from 0."""
        return Place(self.file, line + 1, column + 1, end + 1)

    def line(self, number: int) -> str:
        """The text of a line, numbered from 1; empty beyond the last."""
        return self.lines[number - 1] if number <= len(self.lines) else ""

    # --- the text -----------------------------------------------------------------------

    def read_root(self, source: str | bytes) -> Node | None:
        """Reads the file and returns its root node."""
        text = self.decode(source)
        self.lines = text.split("\n")
        try:
            root = self.build_tree(text)
        except yaml.MarkedYAMLError as error:
            for unfinished in reversed(self.open):
                self.finish(unfinished, None)
            self.stop(*describe_error(error, self))
        if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
            wrong = Wrong("syntax", "the file is empty", "start with 'convcalc: 1'")
            self.stop(wrong, self.place(0, 0))
        return root

    def decode(self, source: str | bytes) -> str:
        """The text of a file; stops if it is too large or contains a forbidden character."""
        size, most = len(source), self.limits.bytes
        if isinstance(source, str) and size <= most and not source.isascii():
            size = len(source.encode(errors="replace"))
        if size > most:
            message = f"the file has {size:,} bytes, and at most {most:,} are read"
            advice = "move blocks into imported files"
            self.stop(Wrong("too-large", message, advice), self.place(0, 0))
        if isinstance(source, bytes):
            source = self.decode_utf8(source)
        text = source.removeprefix("\ufeff")
        if (position := find_forbidden(text)) >= 0:
            message = f"the character U+{ord(text[position]):04X} is not allowed"
            self.stop(Wrong("syntax", message, "remove it"), self.place_after(text[:position]))
        return text

    def decode_utf8(self, source: bytes) -> str:
        try:
            return source.decode()
        except UnicodeDecodeError as error:
            message = f"the byte 0x{source[error.start]:02x} is not UTF-8"
            wrong = Wrong("syntax", message, "save the file as UTF-8")
            self.stop(wrong, self.place_after(source[: error.start].decode()))

    def place_after(self, before: str) -> Place:
        """The place that follows the given beginning of the file."""
        before = before.removeprefix("\ufeff")
        return self.place(before.count("\n"), len(before) - before.rfind("\n") - 1)

    # --- the tree -----------------------------------------------------------------------

    def build_tree(self, text: str) -> Node | None:
        """Builds the tree from events and returns its root; stops at the first limit."""
        root: Node | None = None
        opened, nodes = self.open, 0
        for event in yaml.parse(text, _LOADER):
            kind = type(event)
            if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.finish(opened.pop(), event.end_mark)
            elif kind is yaml.DocumentStartEvent:
                self.begin_document(event, root)
            elif isinstance(event, yaml.NodeEvent):
                node = self.build_node(event, kind)
                root = root or node
                nodes += 1
                if not nodes % _NODES_AT_ONCE:
                    spend_on_nodes(_NODES_AT_ONCE)
                if nodes > self.limits.nodes:
                    message = f"the file has more than {self.limits.nodes:,} nodes"
                    self.stop(Wrong("too-large", message, REPEAT), node.place)
                if len(opened) > self.limits.depth:
                    self.stop(too_deep(self.limits.depth), node.place)
        spend_on_nodes(nodes % _NODES_AT_ONCE, len(text))
        return root

    def build_node(self, event: Any, kind: type) -> Node:
        """Makes the node that an event begins and attaches it to its parent."""
        mark, end = event.start_mark, event.end_mark
        parent = self.open[-1] if self.open else None
        place = Place(self.file, mark.line + 1, mark.column + 1)
        node: Node
        if kind is yaml.ScalarEvent:
            if end.line == mark.line:
                place = Place(self.file, mark.line + 1, mark.column + 1, end.column + 1)
            is_key = parent is not None and parent.awaits_key
            text = event.value
            if end.line > mark.line and not event.style:
                text = self.first_item(text, mark.line, end.line)
            node = self.build_scalar(text, event.style, place, is_key)
        elif kind is yaml.AliasEvent:
            node = self.refuse_alias(event.anchor, place)
        else:
            node = Mapping(place) if kind is yaml.MappingStartEvent else Sequence(place)
        if parent is not None:
            parent.attach(node)
        if kind is not yaml.AliasEvent:
            if event.anchor or event.tag:
                self.refuse_properties(place)
                node.whole = not event.tag
            if not isinstance(node, Scalar):
                self.open.append(_Open(node, bool(event.flow_style)))
        return node

    def begin_document(self, event: Any, root: Node | None) -> None:
        """Checks the start of a document: there may be only one, without directives."""
        place = self.place(event.start_mark.line, event.start_mark.column)
        if root is not None:
            wrong = Wrong("unsupported-yaml", "a second document starts here", _ONE_DOCUMENT)
            self.stop(wrong, place)
        if event.version or event.tags:
            wrong = Wrong("unsupported-yaml", "directives are not supported", "remove the line")
            self.report(wrong, place)

    def build_scalar(self, text: str, style: str, place: Place, is_key: bool) -> Scalar:
        if style:
            if style == '"' and (position := find_forbidden(text)) >= 0:
                message = f"the escape of U+{ord(text[position]):04X} is not allowed"
                self.report(Wrong("syntax", message, "remove it"), place)
            return Scalar(text, text, False, place)
        if is_key:
            return Scalar(text, text, True, place)
        value, wrong = resolve_scalar(text)
        if wrong:
            self.report(wrong, place)
        return Scalar(value, text, True, place)

    def first_item(self, text: str, first: int, last: int) -> str:
        """The text of a scalar of several lines up to a line that was meant to be an item."""
        for number in range(first + 1, last + 1):
            line = self.line(number + 1)
            if line.lstrip().startswith("- ") and self.line(first + 1).lstrip().startswith("- "):
                column = len(line) - len(line.lstrip())
                wrong = indented_too_far(line, self.lines[: first + 1])
                self.report(wrong, self.place(number, column))
                return text.partition(" - ")[0]
        return text

    def refuse_alias(self, name: str, place: Place) -> Scalar:
        """Reports an alias; returns a scalar that stands in for it."""
        place = place._replace(end=place.column + 1 + len(name))
        message = f"the alias '*{name}' is not supported"
        self.report(Wrong("unsupported-yaml", message, REPEAT), place)
        alias = Scalar(name, name, True, place)
        alias.whole = False
        return alias

    def refuse_properties(self, place: Place) -> None:
        """Reports the anchor and the tag in front of a node."""
        column = place.column - 1
        line = self.line(place.line)
        for word in line[column : column + 200].split()[:2]:
            kind = {"&": "anchor", "!": "tag"}.get(word[0])
            if kind is None:
                return
            column = line.index(word, column)
            where = self.place(place.line - 1, column, column + len(word))
            advice = "remove it" if kind == "tag" else REPEAT
            message = f"the {kind} '{word}' is not supported"
            self.report(Wrong("unsupported-yaml", message, advice), where)

    # --- the end of a collection --------------------------------------------------------

    def finish(self, opened: _Open, end: Any) -> None:
        """Checks the entries and sets the end's place; ``end`` is None on a syntax error."""
        node, flow = opened.node, opened.flow
        before = len(self.problems)
        if isinstance(node, Sequence):
            if flow and end:
                node.items = self.rejoin_items(node.items)
            last = node.items[-1] if node.items else None
        else:
            self.fill(node, self.rejoin_entries(opened.raw) if flow and end else opened.raw)
            last = opened.raw[-1][1] if opened.raw else None
        node.whole = node.whole and len(self.problems) == before
        file, line, column, *_ = node.place
        if flow:
            if end and end.line == line - 1:
                node.place = Place(file, line, column, end.column + 1)
        elif last and last.place.line == line:
            node.place = Place(file, line, column, last.place.end)

    def fill(self, node: Mapping, entries: list[tuple[Node, Node]]) -> None:
        """Adds the entries whose keys are valid and new; reports the others."""
        for key, value in entries:
            if wrong := _bad_key(key):
                self.report(wrong, key.place)
            elif isinstance(key, Scalar):
                if (first := node.keys.get(key.text)) and self.is_below("layers"):
                    self.report(NO_LIST, node.entries[0][0].place)
                elif first:
                    wrong = Wrong("duplicate-key", f"duplicate key '{key.text}'", _ONE_KEY)
                    self.report(wrong, key.place, Related(first.place, "first here"))
                else:
                    node.add(key, value)

    def is_below(self, key: str) -> bool:
        """Whether the collection that has ended stands under this key."""
        above = self.open[-1] if self.open else None
        if above is None or not isinstance(above.node, Mapping) or not above.awaits_key:
            return False
        return bool(above.raw) and isinstance(above.key, Scalar) and above.key.text == key

    def rejoin_entries(self, raw: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
        """The entries of a flow mapping; an expression that was split at its commas is rejoined."""
        entries: list[tuple[Node, Node]] = []
        missing, split = 0, False  # number of brackets that the last value leaves open
        for key, value in raw:
            if not isinstance(key, Scalar) or not self.lacks_colon(key, value):
                entries.append((key, value))
                missing, split = _unclosed(value), False
            elif missing > 0:
                split = split or self.rejoin(entries[-1][1])
                missing += _unclosed(key)
            else:
                self.report(missing_colon(key.text), key.place)
        return entries

    def rejoin_items(self, raw: list[Node]) -> list[Node]:
        """The items of a flow sequence; an expression that was split at its commas is rejoined."""
        items: list[Node] = []
        missing, split = 0, False
        for item in raw:
            if missing > 0 and isinstance(item, Scalar):
                split = split or self.rejoin(items[-1])
                missing += _unclosed(item)
            else:
                items.append(item)
                missing, split = _unclosed(item), False
        return items

    def lacks_colon(self, key: Scalar, value: Node) -> bool:
        """Whether a flow entry is a lone word instead of a key and its value."""
        empty = isinstance(value, Scalar) and value.plain and not value.text
        if not empty or key.place.end < 1:
            return False
        return _COLON.match(self.line(key.place.line), key.place.end - 1) is None

    def rejoin(self, node: Node) -> bool:
        """Restores the whole text of a split value and reports it; returns True."""
        assert isinstance(node, Scalar)  # nothing else is unclosed
        file, line, column, *_ = node.place
        text = expression_at(self.line(line), column - 1)
        node.value = node.text = text
        node.place = Place(file, line, column, column + len(text))
        if text[:1] == "(" and text[-1:] == ")":
            return True  # a tuple, which is not an expression
        advice = "quote the expression" + (f': "{text}"' if _unclosed(node) == 0 else "")
        message = f"the commas of '{text}' split it into several entries"
        self.report(Wrong("syntax", message, advice), node.place)
        return True


_COLON: Final = re.compile(r"\s*:")
_ONE_DOCUMENT: Final = "keep one network per file"
_ONE_KEY: Final = "keep one of the two"


def _bad_key(key: Node) -> Wrong | None:
    if not isinstance(key, Scalar):
        kind = "list" if isinstance(key, Sequence) else "mapping"
        return Wrong("wrong-type", f"a {kind} cannot be a key", "write a word before the colon")
    if key.plain and key.text == "<<":
        return Wrong("unsupported-yaml", "the merge key '<<' is not supported", REPEAT)
    if key.plain and WORDS.get(key.text, key) is None:
        return Wrong("wrong-type", "a key cannot be null", "write a word before the colon")
    return None


def _unclosed(node: Node) -> int:
    """The number of parentheses that a plain scalar leaves open."""
    if not isinstance(node, Scalar) or not node.plain:
        return 0
    return node.text.count("(") - node.text.count(")")
