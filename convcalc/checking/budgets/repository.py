"""Reads ``convcalc.budgets.yaml``, the budgets for the networks of a repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.language.assertions.reading import Assertions
from convcalc.language.assertions.vocabulary import Budget, Named
from convcalc.language.syntax import document_limits, nodes, reader

VERSION = 1
TOP = ("convcalc-budgets", "budgets")
KEYS = ("name", "models", "variants", "inputs", "message", "assert", "rules", "compare", "locked")
SEVERITIES = ("error", "warning", "ignore")


def read_budgets(
    content: bytes | str, file: str, limits: document_limits.Limits = document_limits.LIMITS
) -> tuple[list[Budget], list[Diagnostic]]:
    """Return the budgets in a file's content, and all its problems in order."""
    root, problems = reader.read(content, file, limits)
    reading = _Reader(file, list(problems))
    found = [] if root is None else reading.budgets(root)
    return found, sort_diagnostics(reading.problems)


class _Reader:
    """Reads one budget file and collects its problems."""

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems
        self.assertions = Assertions({}, problems.append)

    def add_problem(self, name: str, message: str, place: Place, advice: str = "") -> None:
        self.problems.append(Diagnostic(name, message, place, advice))

    def budgets(self, root: nodes.Node) -> list[Budget]:
        """Return the budgets of a file, without those that cannot be read."""
        if not isinstance(root, nodes.Mapping):
            self.add_problem(
                "wrong-type", "a file of budgets must be a mapping", root.place, _EXAMPLE
            )
            return []
        self.check_keys(root, TOP, "at the top")
        version = root.get("convcalc-budgets")
        if version is None:
            place = Place(self.file, 1, 1)
            message = "the key 'convcalc-budgets' is missing"
            self.add_problem(
                "missing-key", message, place, f"begin with 'convcalc-budgets: {VERSION}'"
            )
        elif repr(getattr(version, "value", None)) != repr(VERSION):
            message = "this version of the format is not known"
            self.add_problem("out-of-range", message, version.place, f"write {VERSION}")
        listed = root.get("budgets")
        if not isinstance(listed, nodes.Sequence):
            place = listed.place if listed else Place(self.file, 1, 1)
            self.add_problem("missing-key", "'budgets' needs a list", place, _EXAMPLE)
            return []
        found = [self.budget(node) for node in listed.items]
        self.require_names(found)
        return [budget for budget in found if budget is not None]

    def require_names(self, found: Sequence[Budget | None]) -> None:
        """Report budgets with the same name, which messages could not tell apart."""
        seen: set[str] = set()
        for budget in found:
            if budget and budget.name in seen:
                message = f"duplicate budget '{budget.name}'"
                self.add_problem("duplicate-id", message, budget.place, "name them differently")
            seen.add(budget.name if budget else "")

    def check_keys(self, node: nodes.Mapping, valid: Sequence[str], where: str) -> None:
        """Report unknown keys: a misspelt one would have no effect."""
        for key, _ in node.entries:
            if key.text not in valid:
                advice = advise(key.text, valid, "valid keys:")
                message = f"unknown key '{key.text}' {where}"
                self.add_problem("unknown-key", message, key.place, advice)

    def budget(self, node: nodes.Node) -> Budget | None:
        """Return one budget; None if the node is not a mapping."""
        if not isinstance(node, nodes.Mapping):
            self.add_problem("wrong-type", "a budget must be a mapping", node.place, _EXAMPLE)
            return None
        self.check_keys(node, KEYS, "in a budget")
        name = self.text(node, "name")
        if not name:
            self.add_problem("missing-key", "a budget needs a name", node.place)
        models = self.names(node, "models")
        if not models and node.whole:
            advice = 'models: ["models/**/*.convcalc.yaml"]'
            self.add_problem("missing-key", f"budget '{name}' names no models", node.place, advice)
        compare = self.assertions.compare(node.get("compare"))
        entries = self.assertions.mapping(node.get("assert"), "assert")
        asserted = self.assertions.metrics(entries)
        self.assertions.require_base(asserted, compare)
        rules = self.rules(node)
        if node.whole and not node.keys.keys() & {"assert", "rules"}:
            self.add_problem(
                "missing-key", f"budget '{name}' demands nothing", node.place, "assert: …"
            )
        variants = self.names(node, "variants")
        return Budget(
            name,
            node.keys["name"].place if "name" in node.keys else node.place,
            tuple(asserted),
            compare,
            self.text(node, "message"),
            models,
            () if [each.text for each in variants] == ["all"] else variants,
            tuple(self.inputs(node)),
            rules,
            self.assertions.flag(node, "locked"),
        )

    # --- values -------------------------------------------------------------------------------

    def text(self, node: nodes.Mapping, key: str) -> str:
        """Return the text under a key; empty if there is none."""
        found = node.get(key)
        if found is None or (isinstance(found, nodes.Scalar) and found.value is not None):
            return "" if found is None else found.text
        self.add_problem("wrong-type", f"'{key}' must be a text", found.place)
        return ""

    def names(self, node: nodes.Mapping, key: str) -> tuple[Named, ...]:
        """Return the names under a key: one text or a list of them."""
        found = node.get(key)
        if found is None:
            return ()
        parts = found.items if isinstance(found, nodes.Sequence) else [found]
        names = []
        for part in parts:
            if isinstance(part, nodes.Scalar) and part.value is not None:
                names.append(Named(part.text, part.place))
            else:
                self.add_problem("wrong-type", f"'{key}' must be a list of texts", part.place)
        return tuple(names)

    def rules(self, node: nodes.Mapping) -> dict[str, str]:
        """Return the severities that the budget sets, by code of the rule."""
        found: dict[str, str] = {}
        for key, value in self.assertions.mapping(node.get("rules"), "rules"):
            word = getattr(value, "text", "")
            if isinstance(getattr(value, "value", ""), bool) and word not in ("true", "false"):
                continue  # 'off' and the like are refused where YAML is read
            word = {"warn": "warning"}.get(word, word)
            if key.text not in RULES:
                advice = advise(key.text, RULES, "'convcalc list rules' shows them all")
                self.add_problem("unknown-name", f"unknown rule '{key.text}'", key.place, advice)
            elif word not in SEVERITIES:
                message = f"{key.text} must be one of: {', '.join(SEVERITIES)}"
                self.add_problem("wrong-type", message, value.place)
            else:
                found[key.text] = word
        return found

    def inputs(self, node: nodes.Mapping) -> list[tuple[Any, Named]]:
        """Return the inputs to check at: ``3x224x224``, ``[3, 224, 224]``, or a mapping by name."""
        found = node.get("inputs")
        if found is None:
            return []
        several = isinstance(found, nodes.Sequence) and not _is_shape(found)
        parts = found.items if several and isinstance(found, nodes.Sequence) else [found]
        shapes = []
        for part in parts:
            try:
                shapes.append((_parse_input(part), Named(_shape_text(part), part.place)))
            except Rejected as error:
                self.problems += error.diagnostics
        return shapes


_EXAMPLE = "budgets: [{name: …, models: […], assert: {params: {max: …}}}]"
_SHAPE = re.compile(r"\d{1,9}(?:[x×](?:\d{1,9}|\?)){0,3}", re.ASCII)


def _is_shape(node: nodes.Sequence) -> bool:
    """Whether a list holds the sizes of one shape, rather than shapes."""
    return all(isinstance(i, nodes.Scalar) and not isinstance(i.value, str) for i in node.items)


def _parse_input(node: nodes.Node) -> Any:
    """Return a shape, or shapes by the names of the inputs; raises Rejected."""
    if isinstance(node, nodes.Mapping):
        return {key.text: _parse_sizes(value) for key, value in node.entries}
    return _parse_sizes(node)


def _parse_sizes(node: nodes.Node) -> list[int | None]:
    """Return channels and spatial sizes, None where unknown; raises Rejected."""
    if isinstance(node, nodes.Sequence):
        values: list[Any] = [getattr(item, "value", "") for item in node.items]
        if values and all(v is None or (type(v) is int and 0 < v < 10**9) for v in values):
            return values
    elif isinstance(node, nodes.Scalar) and _SHAPE.fullmatch(node.text):
        words = re.split("[x×]", node.text)
        if all(word == "?" or int(word) > 0 for word in words):
            return [None if word == "?" else int(word) for word in words]
    raise rejected("wrong-type", "a shape is expected", node.place, "for instance 3x224x224")


def _shape_text(node: nodes.Node) -> str:
    """Return a shape as messages show it: ``3×224×224``."""
    if isinstance(node, nodes.Mapping):
        return " ".join(f"{key.text} {_shape_text(value)}" for key, value in node.entries)
    sizes = _parse_sizes(node)
    return "×".join("?" if size is None else str(size) for size in sizes)
