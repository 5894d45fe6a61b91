"""Reads the files of devices and runtimes; reports every problem at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from convcalc.analysis.devices.device import NUMBERS, Device, DeviceError, Figure
from convcalc.analysis.devices.fusion import CLASSES, Rule, Runtime
from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.suggestion import advise
from convcalc.language.syntax import nodes, reader
from convcalc.model.operators.registry import operator_names
from convcalc.model.quantities.number_text import DTYPES, parse_quantity

VERSION = 1
DEVICE_KEYS = ("convcalc-device", "title", "runtime", "sources", "peak", *NUMBERS)
FIGURE_KEYS = ("value", "source", "note")
RUNTIME_KEYS = ("convcalc-runtime", "title", "source", "folds_norms", "kernels")
RULE_KEYS = ("lead", "then")
LONGEST = 400  # characters of a text, which goes into tables

T = TypeVar("T")


def read_device(content: bytes | str, name: str, file: str) -> Device:
    """The device in a file's content. Raises DeviceError with all its problems."""
    return _read(content, file, lambda reading, root: reading.device(root, name))


def read_runtime(content: bytes | str, name: str, file: str) -> Runtime:
    """The runtime in a file's content. Raises DeviceError with all its problems."""
    return _read(content, file, lambda reading, root: reading.runtime(root, name))


def _read(content: bytes | str, file: str, take: Callable[[_Reader, nodes.Mapping], T]) -> T:
    root, problems = reader.read(content, file)
    reading = _Reader(file, list(problems))
    found = None
    if isinstance(root, nodes.Mapping):
        found = take(reading, root)
    elif not problems:
        reading.problem("wrong-type", "the file is a mapping", root.place if root else None)
    if found is None or reading.problems:
        raise DeviceError(tuple(sort_diagnostics(reading.problems)))
    return found


class _Reader:
    """Reads one file and collects its problems."""

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems

    def problem(self, name: str, message: str, place: Place | None, advice: str = "") -> None:
        """Adds a problem; without a place it is at the beginning of the file."""
        self.problems.append(Diagnostic(name, message, place or Place(self.file, 1, 1), advice))

    # --- devices -------------------------------------------------------------------------------

    def device(self, root: nodes.Mapping, name: str) -> Device:
        """The device that a mapping describes."""
        self.keys(root, DEVICE_KEYS, "at the top")
        self.version(root, "convcalc-device")
        sources = {
            key.text: self.text(node, f"source '{key.text}'")
            for key, node in self.entries(root, "sources")
        }
        peak = {
            key.text: figure
            for key, node in self.entries(root, "peak")
            if self.is_one_of(key, DTYPES, "dtype")
            if (figure := self.figure(node, f"peak.{key.text}", sources))
        }
        numbers = {
            key: self.figure(node, key, sources) for key in NUMBERS if (node := root.get(key))
        }
        title = self.text(root.get("title"), "title") or name
        runtime = self.text(root.get("runtime"), "runtime") or "eager"
        return Device(name, title, self.file, runtime, peak, **numbers)

    def figure(self, node: nodes.Node, what: str, sources: Mapping[str, str]) -> Figure | None:
        """One number: a mapping with its value and its source, without which it does not count."""
        if not isinstance(node, nodes.Mapping):
            advice = f"{what}: {{value: …, source: …}}"
            self.problem("wrong-type", f"{what} needs its value and source", node.place, advice)
            return None
        self.keys(node, FIGURE_KEYS, f"in {what}")
        value, source = node.get("value"), node.get("source")
        if value is None or source is None:
            key = "value" if value is None else "source"
            advice = "a number without a source is left out" if key == "source" else ""
            self.problem("missing-key", f"{what} has no {key}", node.place, advice)
            return None
        number = self.amount(value, what)
        word = self.text(source, f"source of {what}")
        if not word and not getattr(source, "text", "x"):
            self.problem("missing-key", f"{what} has no source", source.place)
        note = self.text(node.get("note"), f"note of {what}")
        return Figure(number, sources.get(word, word), note) if number and word else None

    def amount(self, node: nodes.Node, what: str) -> Fraction | None:
        """A number above 0, with a suffix or not."""
        found = parse_quantity(node.text) if isinstance(node, nodes.Scalar) else None
        if found is None:
            advice = "write for instance 312T, 1555G, 40MiB or 2.5e-6"
            self.problem("wrong-type", f"{what} is not a number", node.place, advice)
        elif found <= 0:
            self.problem("out-of-range", f"{what} is not above 0", node.place)
            return None
        return found

    # --- runtimes ------------------------------------------------------------------------------

    def runtime(self, root: nodes.Mapping, name: str) -> Runtime:
        """The runtime that a mapping describes."""
        self.keys(root, RUNTIME_KEYS, "at the top")
        self.version(root, "convcalc-runtime")
        listed = root.get("kernels")
        if listed is not None and not isinstance(listed, nodes.Sequence):
            self.problem("wrong-type", "'kernels' is a list", listed.place)
        items = listed.items if isinstance(listed, nodes.Sequence) else []
        folds = root.get("folds_norms")
        value = folds.value if isinstance(folds, nodes.Scalar) else None
        if folds is not None and not isinstance(value, bool):
            self.problem("wrong-type", "'folds_norms' is true or false", folds.place)
        return Runtime(
            name,
            self.text(root.get("title"), "title") or name,
            self.file,
            self.text(root.get("source"), "source"),
            tuple(rule for item in items if (rule := self.rule(item))),
            value is True,
        )

    def rule(self, node: nodes.Node) -> Rule | None:
        """One rule: what a kernel may begin with, and what may join it."""
        if not isinstance(node, nodes.Mapping):
            self.problem("wrong-type", "a rule is a mapping", node.place, "{lead: […], then: […]}")
            return None
        self.keys(node, RULE_KEYS, "in a rule")
        if node.get("lead") is None and node.whole:
            self.problem("missing-key", "a rule needs 'lead'", node.place)
        return Rule(self.words(node.get("lead")), self.words(node.get("then")))

    def words(self, node: nodes.Node | None) -> frozenset[str]:
        """Operators and classes of them."""
        items = node.items if isinstance(node, nodes.Sequence) else [node] if node else []
        valid = (*CLASSES, *operator_names())
        return frozenset(
            item.text
            for item in items
            if self.text(item, "a word of a rule")
            if isinstance(item, nodes.Scalar) and self.is_one_of(item, valid, "operator or class")
        )

    # --- parts ---------------------------------------------------------------------------------

    def keys(self, node: nodes.Mapping, valid: Sequence[str], where: str) -> None:
        """Reports unknown keys."""
        for key, _ in node.entries:
            if key.text not in valid:
                advice = advise(key.text, valid, "valid keys:")
                self.problem("unknown-key", f"unknown key '{key.text}' {where}", key.place, advice)

    def version(self, root: nodes.Mapping, key: str) -> None:
        """Reports a missing or unknown version of the format."""
        found = root.get(key)
        if found is None:
            advice = f"begin with '{key}: {VERSION}'"
            self.problem("missing-key", f"the key '{key}' is missing", None, advice)
        elif repr(getattr(found, "value", None)) != repr(VERSION):
            message = "this version of the format is not known"
            self.problem("out-of-range", message, found.place, f"write {VERSION}")

    def entries(self, root: nodes.Mapping, key: str) -> Sequence[tuple[nodes.Scalar, nodes.Node]]:
        """The entries of a mapping; none if it is absent."""
        found = root.get(key)
        if found is None:
            return ()
        if isinstance(found, nodes.Mapping):
            return found.entries
        self.problem("wrong-type", f"'{key}' is a mapping", found.place)
        return ()

    def text(self, node: nodes.Node | None, what: str) -> str:
        """A text; empty if there is none."""
        if node is None:
            return ""
        if not isinstance(node, nodes.Scalar) or node.value is None:
            self.problem("wrong-type", f"{what} is a text", node.place)
            return ""
        if len(node.text) > LONGEST:
            message = f"{what} has {len(node.text):,} characters"
            self.problem("out-of-range", message, node.place, f"at most {LONGEST}")
            return ""
        return node.text

    def is_one_of(
        self, key: nodes.Scalar, valid: Sequence[str] | Mapping[str, int], what: str
    ) -> bool:
        """Whether a word is valid; reports one that is not."""
        if key.text in valid:
            return True
        advice = advise(key.text, valid, "one of:")
        self.problem("unknown-name", f"unknown {what} '{key.text}'", key.place, advice)
        return False
