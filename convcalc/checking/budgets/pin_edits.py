"""Writes measured numbers into the text of a network file, under ``expect``.

Only the characters that must change are replaced: comments, order, spacing, quotes and line
endings stay. If a file pins some metrics of a variant, only those are updated; a variant without
an entry gets ``params``, ``macs`` and ``output``, as far as they are known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.analysis.report.report import Report
from convcalc.checking.budgets.pins import by_output, metric_value
from convcalc.errors import Error
from convcalc.language.head.pins import EXPECTED
from convcalc.language.syntax import nodes, reader
from convcalc.language.syntax.scalars import WORDS
from convcalc.model.quantities.unknown import UNKNOWN, known

NEW = ("params", "macs", "output")  # of a variant that has no entry
BOM = "\ufeff"
_WORD = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


class Refused(Error):
    """Raised if a number cannot be pinned, or not without changing something else."""


class Pin(NamedTuple):
    """A variant, its report, and the values that the file pins for it, by metric."""

    name: str
    report: Report
    pinned: Mapping[str, Any]


class _Edit(NamedTuple):
    """Replaces the characters from ``start`` to ``end`` by ``text``."""

    start: int
    end: int
    text: str


def pinned_text(text: str, pins: Sequence[Pin]) -> str:
    """Return the text of a file with the measured numbers in place of the pinned ones.

    ``text`` must be free of problems. Raises Refused if a number is unknown, or if it cannot be
    rewritten without changing something else.
    """
    mark, body = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    root, _ = reader.read(body, "")
    if not isinstance(root, nodes.Mapping):
        raise Refused("the file is not a mapping")
    edits = sorted(_File(body, root).edits(pins), key=lambda edit: edit.start)
    for start, end, new in reversed(edits):  # from the end, so that offsets stay true
        body = body[:start] + new + body[end:]
    return mark + body


# --- numbers -------------------------------------------------------------------------------------


def known_value(metric: str, report: Report) -> Any:
    """Return a metric as ``expect`` writes it: a number or a list with one per axis.

    A mapping by output where outputs differ; UNKNOWN if any part of it is unknown.
    """
    found = metric_value(metric, report)
    if isinstance(found, dict):
        lists = [tuple(each) if isinstance(each, list) else each for each in found.values()]
        return found if known(tuple(lists)) else UNKNOWN
    parts = tuple(found) if isinstance(found, list) else found
    return found if known(parts) else UNKNOWN


def agrees(have: Any, want: Any) -> bool:
    """Whether a measured value equals the pinned one.

    A single number may stand for all axes, a single value for all outputs, and null matches
    everything.
    """
    if isinstance(have, dict) or isinstance(want, dict):
        pairs = want if isinstance(want, dict) else dict.fromkeys(have, want)
        return all(
            agrees(have[name] if isinstance(have, dict) else have, value)
            for name, value in pairs.items()
        )
    if isinstance(have, list):
        wanted = want if isinstance(want, list) else [want] * len(have)
        return len(have) == len(wanted) and all(map(agrees, have, wanted))
    return want is None or have == want or (isinstance(have, Fraction) and float(have) == want)


def _number(value: Any, quoted: bool = False) -> str:
    if isinstance(value, dict):
        parts = (f"{_key(name, quoted)}: {_number(each)}" for name, each in value.items())
        return f"{{{', '.join(parts)}}}"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


# --- places --------------------------------------------------------------------------------------


class _File:
    """The text of a file and its nodes; converts places into offsets."""

    def __init__(self, text: str, root: nodes.Mapping) -> None:
        self.text = text
        self.root = root
        self.starts = [0]
        for line in text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def edits(self, pins: Sequence[Pin]) -> Iterator[_Edit]:
        """Yield the edits that pin all numbers."""
        expect = self.root.get("expect")
        new: list[Pin] = []
        for pin in pins:
            entry = expect.get(pin.name) if isinstance(expect, nodes.Mapping) else None
            if entry is None:
                new.append(pin)
            elif isinstance(entry, nodes.Mapping) and entry.entries:
                yield from self.entry_edits(entry, pin)
            else:
                yield self.fill(entry, _entry(pin, self.is_quoted(self.root)))
        if new:
            yield self.add_entries(expect, new)

    # --- numbers that are pinned already ------------------------------------------------------

    def entry_edits(self, entry: nodes.Mapping, pin: Pin) -> Iterator[_Edit]:
        """Yield edits for the numbers of a variant that differ."""
        for key, node in entry.entries:
            metric = key.text
            if metric not in EXPECTED or metric not in pin.pinned:
                continue
            have = known_value(metric, pin.report)
            if have is UNKNOWN:
                raise Refused(f"{metric} of {pin.name} is unknown")
            if isinstance(node, nodes.Mapping):
                yield from self.output_edits(node, by_output(have, pin.report), pin.pinned[metric])
            elif not agrees(have, pin.pinned[metric]):
                yield from self.value_edits(key, node, have, pin.pinned[metric])

    def output_edits(
        self, node: nodes.Mapping, have: Mapping[str, Any], want: Mapping[str, Any]
    ) -> Iterator[_Edit]:
        """Yield the edits for the outputs whose values differ."""
        for key, value in node.entries:
            if key.text not in have:
                raise Refused(f"'{key.text}' in line {key.place.line} is not an output")
            if not agrees(have[key.text], want[key.text]):
                yield from self.value_edits(key, value, have[key.text], want[key.text])

    def value_edits(
        self, key: nodes.Scalar, node: nodes.Node, have: Any, want: Any
    ) -> Iterator[_Edit]:
        """Yield the edit for one number, or those for the entries of a list that differ."""
        count = len(have) if isinstance(have, list) else -1
        if isinstance(node, nodes.Sequence) and len(node.items) == count:
            for item, now, before in zip(node.items, have, want, strict=True):
                if not agrees(now, before):
                    yield _Edit(self.start(item), self.end(item), str(now))
            return
        if isinstance(node, nodes.Scalar) and isinstance(have, list) and len(set(have)) == 1:
            have = have[0]
        start, end, blank = self.start(node), self.end(node), ""
        if not isinstance(node, nodes.Scalar) and not self.is_flow(node):
            start, blank = self.text.index(":", self.end(key)) + 1, " "
        if "#" in self.text[start:end]:
            raise Refused(f"a comment stands within {key.text} in line {key.place.line}")
        yield _Edit(start, end, blank + _number(have, not key.plain))

    def fill(self, node: nodes.Node, new: str) -> _Edit:
        """Return the edit that replaces an empty entry."""
        start = self.start(node)
        blank = " " if self.text[start - 1] == ":" else ""
        return _Edit(start, self.end(node), blank + new)

    # --- variants that have no entry ----------------------------------------------------------

    def add_entries(self, expect: nodes.Node | None, pins: Sequence[Pin]) -> _Edit:
        """Return the edit that adds entries, with a new ``expect`` at the end if there is none."""
        quoted = self.is_quoted(self.root)
        entries = [f"{_key(pin.name, quoted)}: {_entry(pin, quoted)}" for pin in pins]
        if isinstance(expect, nodes.Mapping) and expect.entries:
            return self.append(expect, entries, _block_entries(expect, pins, self))
        if expect is not None:
            return self.add_first_entries(expect, entries)
        if self.is_flow(self.root):
            name = _key("expect", quoted)
            return self.append(self.root, [f"{name}: {{{', '.join(entries)}}}"])
        margin = " " * (self.root.place.column - 1)
        lines = [f"{margin}expect:", *(f"{margin}  {entry}" for entry in entries)]
        return self.append_lines(lines)

    def append(
        self, mapping: nodes.Mapping, entries: Sequence[str], lines: Sequence[str] = ()
    ) -> _Edit:
        """Return the edit that appends to a mapping: after a comma, or on lines of their own."""
        end = self.end(mapping.entries[-1][1])
        if self.is_flow(mapping):
            return _Edit(end, end, "".join(f", {entry}" for entry in entries))
        return self.insert_lines(end, lines)

    def add_first_entries(self, empty: nodes.Node, entries: Sequence[str]) -> _Edit:
        """Return the edit that fills an ``expect:`` without entries."""
        if self.is_flow(self.root):
            return self.fill(empty, f"{{{', '.join(entries)}}}")
        start, end = self.start(empty), self.end(empty)
        stop = self.line_end(end)
        margin = " " * (self.root.place.column + 1)
        added = "".join(f"{self.newline}{margin}{entry}" for entry in entries)
        rest = self.text[end:stop]  # a comment behind it stays
        start = len(self.text[:start].rstrip(" ")) if start < end else start
        return _Edit(start, stop, rest.rstrip(" ") + added)

    def append_lines(self, lines: Sequence[str]) -> _Edit:
        """Return the edit that appends lines to the file; a missing final newline stays missing."""
        end = len(self.text)
        block = self.newline.join(lines)
        is_ended = self.text.endswith("\n")
        return _Edit(end, end, block + self.newline if is_ended else self.newline + block)

    def insert_lines(self, offset: int, lines: Sequence[str]) -> _Edit:
        """Return the edit that inserts lines below the one that holds ``offset``."""
        end = self.line_end(offset)
        return _Edit(end, end, "".join(self.newline + line for line in lines))

    # --- offsets ------------------------------------------------------------------------------

    def start(self, node: nodes.Node) -> int:
        """Return the offset at which a node begins."""
        return self.starts[node.place.line - 1] + node.place.column - 1

    def end(self, node: nodes.Node) -> int:
        """Return the offset at which a node ends; for a flow collection, after its bracket."""
        if isinstance(node, nodes.Scalar):
            if not node.place.end:
                raise Refused(f"the value in line {node.place.line} takes several lines")
            return self.starts[node.place.line - 1] + node.place.end - 1
        parts = node.items if isinstance(node, nodes.Sequence) else [n for _, n in node.entries]
        last = self.end(parts[-1]) if parts else self.start(node) + 1
        return self.behind_bracket(last) if self.is_flow(node) else last

    def behind_bracket(self, offset: int) -> int:
        """Return the offset after the next bracket; blanks, commas and comments may precede it."""
        found = re.compile(r"(?:[\s,]|(?<=\s)#[^\n]*)*[\]}]").match(self.text, offset)
        if found is None:
            raise Refused("no closing bracket was found")
        return found.end()

    def line_end(self, offset: int) -> int:
        """Return the offset at which the line ends, before its line break."""
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        return end - 1 if self.text[offset:end].endswith("\r") else end

    def is_flow(self, node: nodes.Node) -> bool:
        """Whether a collection is written in brackets."""
        return self.text[self.start(node)] in "[{"

    @staticmethod
    def is_quoted(mapping: nodes.Mapping) -> bool:
        """Whether keys are quoted, as in JSON."""
        return bool(mapping.entries) and not mapping.entries[0][0].plain


# --- new entries ---------------------------------------------------------------------------------


def _metrics(pin: Pin, quoted: bool) -> dict[str, str]:
    values = {metric: known_value(metric, pin.report) for metric in NEW}
    found = {metric: value for metric, value in values.items() if value is not UNKNOWN}
    if not found:
        raise Refused(f"nothing of {pin.name} is known: {', '.join(NEW)}")
    return {metric: _number(value, quoted) for metric, value in found.items()}


def _entry(pin: Pin, quoted: bool) -> str:
    parts = (f"{_key(key, quoted)}: {value}" for key, value in _metrics(pin, quoted).items())
    return f"{{{', '.join(parts)}}}"


def _key(name: str, quoted: bool) -> str:
    """Return a key, in quotes where it needs them."""
    is_plain = _WORD.fullmatch(name) and name not in WORDS and not quoted
    return name if is_plain else json.dumps(name, ensure_ascii=False)


def _block_entries(expect: nodes.Mapping, pins: Sequence[Pin], file: _File) -> list[str]:
    """Return new entries as lines, in the style of the last one."""
    key, last = expect.entries[-1]
    margin = " " * (key.place.column - 1)
    quoted = file.is_quoted(expect)
    inner = ""
    if isinstance(last, nodes.Mapping) and last.entries and not file.is_flow(last):
        inner = " " * (last.entries[0][0].place.column - 1)
    lines: list[str] = []
    for pin in pins:
        name = f"{margin}{_key(pin.name, quoted)}:"
        if inner:
            metrics = _metrics(pin, quoted).items()
            lines += [name, *(f"{inner}{_key(metric, quoted)}: {n}" for metric, n in metrics)]
        else:
            lines.append(f"{name} {_entry(pin, quoted)}")
    return lines
