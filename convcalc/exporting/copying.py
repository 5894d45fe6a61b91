"""A shipped network as a file of its own: one variant of it, under a new name.

Only what must change is replaced, so that comments and the order of the file stay: the name, the
defaults of the params that the variant sets, the list of variants, and the pins of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from convcalc.errors import Error
from convcalc.language.syntax import nodes, reader

_CLOSING = {"[": "]", "{": "}"}
_ENTRY = re.compile(r"  [^ #]")


class NotCopied(Error):
    """Raised for a file of a form that cannot be copied."""


class _Edit(NamedTuple):
    """Replaces the characters from ``start`` to ``end`` by ``text``."""

    start: int
    end: int
    text: str


def copied_text(text: str, variant: str | None, name: str) -> str:
    """Return the text of a file with a variant of it as the only network, called ``name``.

    ``text`` must be free of problems. Raises NotCopied if it is not written as shipped files are.
    """
    root, _ = reader.read(text, "")
    title = root.get("name") if isinstance(root, nodes.Mapping) else None
    if not isinstance(root, nodes.Mapping) or not isinstance(title, nodes.Scalar):
        raise NotCopied("the file has no name")
    place = _Text(text)
    edits = [place.edit(title, name), *_own_values(root, variant, place)]
    for start, end, new in sorted(edits, reverse=True):  # from the end, so that offsets stay true
        text = text[:start] + new + text[end:]
    return "".join(_lines(text, variant or title.text, name))


def _own_values(root: nodes.Mapping, variant: str | None, place: _Text) -> Iterator[_Edit]:
    """Yield the edits that make the values of a variant the defaults."""
    variants, params = root.get("variants"), root.get("params")
    values = variants.get(variant) if variant and isinstance(variants, nodes.Mapping) else None
    for key, value in values.entries if isinstance(values, nodes.Mapping) else ():
        declared = params.get(key.text) if isinstance(params, nodes.Mapping) else None
        default = declared.get("default") if isinstance(declared, nodes.Mapping) else declared
        if default is None:
            raise NotCopied(f"the variant sets '{key.text}', which is not a param with a default")
        yield place.edit(default, place.slice(value))


class _Text:
    """The text of a file, in which nodes are found by their places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]

    def edit(self, node: nodes.Node, new: str) -> _Edit:
        """Return the edit that replaces a value."""
        return _Edit(*self.span(node), new)

    def slice(self, node: nodes.Node) -> str:
        """Return the characters of a value, on one line."""
        if isinstance(node, nodes.Sequence) and self._is_block(node):
            return f"[{', '.join(map(self.slice, node.items))}]"
        start, end = self.span(node)
        return " ".join(self.text[start:end].split())

    def span(self, node: nodes.Node) -> tuple[int, int]:
        """Return where a value starts and ends."""
        start = self._start(node)
        if isinstance(node, nodes.Sequence) and self._is_block(node):
            return start, self.span(node.items[-1])[1]
        first = self.text[start]
        if first in _CLOSING:
            return start, self._end_of_list(start)
        if first in "\"'":
            return start, self.text.index(first, start + 1) + 1
        if isinstance(node, nodes.Scalar) and self.text.startswith(node.text, start):
            return start, start + len(node.text)
        raise NotCopied(f"the value at line {node.place.line} spans several lines")

    def _start(self, node: nodes.Node) -> int:
        return self.starts[node.place.line - 1] + node.place.column - 1

    def _is_block(self, node: nodes.Sequence) -> bool:
        """Whether a list has an item per line."""
        return self.text[self._start(node)] == "-"

    def _end_of_list(self, start: int) -> int:
        depth = 0
        for at in range(start, len(self.text)):
            depth += self.text[at] in _CLOSING
            depth -= self.text[at] in _CLOSING.values()
            if not depth:
                return at + 1
        raise NotCopied("a list has no end")


def _lines(text: str, kept: str, name: str) -> Iterator[str]:
    """Yield the lines without the variants, and without the pins of other networks."""
    top, is_kept = "", True
    for written in text.splitlines(keepends=True):
        line = written
        if line[:1].isalpha():
            top, is_kept = line.partition(":")[0], True
        if top == "variants" and line[:1] != "#":
            continue
        if top == "expect" and line[:1] == " ":
            if _ENTRY.match(line):
                key = line.strip().partition(":")[0]
                is_kept = key == kept
                line = written.replace(key, name, 1) if is_kept else written
            if not is_kept and not line.lstrip().startswith("#"):
                continue
        yield line
