"""Reads assertions from the nodes of a file; reports every problem at its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import UnknownName, advise, use
from convcalc.language.assertions.vocabulary import (
    ANYWHERE,
    BESIDE,
    CHANGES,
    ENDS,
    METRICS,
    MISSING,
    PARTS,
    Assertion,
    Bound,
    Budget,
    Compare,
)
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import free_names, value_of
from convcalc.model.operators.values import format_value
from convcalc.model.quantities.assumptions import assumptions
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import DTYPES, parse_quantity, parse_seconds

Report = Callable[[Diagnostic], None]


class Assertions:
    """Reads assertions; ``scope`` holds the params that their expressions may use."""

    def __init__(self, scope: Mapping[str, Any], report: Report) -> None:
        self.scope = scope
        self.report = report

    def read_budget(self, node: nodes.Mapping, place: Place) -> Budget:
        """Reads the ``budgets`` of a network file: metrics, and the keys in BESIDE."""
        entries = [entry for entry in node.entries if entry[0].text not in BESIDE]
        compare = self.compare(node.get("compare"))
        found = self.metrics(entries, BESIDE)
        self.require_base(found, compare)
        return Budget("", place, tuple(found), compare, locked=self.flag(node, "locked"))

    def flag(self, node: nodes.Mapping, key: str) -> bool:
        """Reads true or false under a key; false if absent, or after a problem."""
        found = node.get(key)
        value = found.value if isinstance(found, nodes.Scalar) else None
        if found is not None and not isinstance(value, bool):
            self.report(Diagnostic("wrong-type", f"'{key}' must be true or false", found.place))
        return value is True

    def metrics(
        self, entries: Iterable[tuple[nodes.Scalar, nodes.Node]], more: tuple[str, ...] = ()
    ) -> list[Assertion]:
        """Reads the assertions of each metric, one or a list; ``more`` are other valid keys."""
        found: list[Assertion] = []
        for key, node in entries:
            if key.text not in METRICS:
                self.unknown(key, [*METRICS, *more], f"unknown metric '{key.text}'")
            elif key.text == "shapes":
                found += self.read_each(self.shape, self.mapping(node, key.text))
            else:
                parts = node.items if isinstance(node, nodes.Sequence) else [node]
                found += self.read_each(self.read_assertion, [(key, part) for part in parts])
        return found

    def read_each(
        self,
        read: Callable[[nodes.Scalar, nodes.Node], Assertion],
        entries: Iterable[tuple[nodes.Scalar, nodes.Node]],
    ) -> list[Assertion]:
        """Reads every entry; returns the valid assertions and reports the problems of others."""
        found = []
        for key, node in entries:
            try:
                found.append(read(key, node))
            except Rejected as error:
                for problem in error.diagnostics:
                    self.report(problem)
        return found

    # --- one assertion ------------------------------------------------------------------------

    def read_assertion(self, key: nodes.Scalar, node: nodes.Node) -> Assertion:
        """Reads one assertion, ``{max: 5M, at: head}``: bounds, and what they apply to."""
        metric = METRICS[key.text]
        if not isinstance(node, nodes.Mapping):
            example = "{equals: [1000]}" if metric.kind == "shape" else "{max: …}"
            message = f"'{key.text}' needs its bounds in a mapping"
            raise rejected("wrong-type", message, node.place, f"{key.text}: {example}")
        valid = (*metric.bounds, *metric.keys, *ANYWHERE)
        for each in node.entries:
            if each[0].text not in valid:
                self.unknown(each[0], valid, f"unknown key '{each[0].text}' in '{key.text}'")
        given = {name: node.get(name) for name in metric.bounds}
        bounds = [self.bound(name, n, key.text) for name, n in given.items() if n is not None]
        if not bounds and all(name in valid for name in node.keys):
            listed = ", ".join(metric.bounds)
            raise rejected(
                "missing-key", f"'{key.text}' has no bound", key.place, f"one of: {listed}"
            )
        _require_order(bounds)
        words = {name: self.word(node.get(name), name) for name in metric.keys if node.get(name)}
        message = self.text(node.get("message"))
        if key.text == "share" and "of" not in words:
            raise rejected("missing-key", "a share needs 'of', the path of a part", key.place)
        if key.text == "time_bound" and "device" not in words:
            advice = "device: a100; see 'convcalc list devices'"
            raise rejected("missing-key", "a time bound needs 'device'", key.place, advice)
        place = key.place
        words["counted"] = str(words.pop("metric", "params"))
        words |= {"message": message, "is_typed": "dtype" in words}
        return Assertion(key.text, tuple(bounds), place, **words)

    def shape(self, key: nodes.Scalar, node: nodes.Node) -> Assertion:
        """Reads ``"layer[1]": [512, 28, 28]``, the output shape of an inner layer."""
        bound = self.bound("equals", node, "output")
        return Assertion("output", (bound,), key.place, at=key.text)

    def bound(self, kind: str, node: nodes.Node, name: str) -> Bound:
        """Reads a bound in the form of its metric: a number, one per axis, or a shape."""
        metric = METRICS[name].kind
        text = _written(node)
        if kind in CHANGES:
            amount = self.number(node, name)
            relative = text.endswith("%") or metric == "ratio"
            _require(amount >= 0, f"{kind} is below 0", node)
            return Bound(kind, amount, node.place, text, relative)
        read = {"axes": self.axes, "shape": self.dims}.get(metric)
        if read is not None:
            return Bound(kind, read(node, name), node.place, text)
        value = self.number(node, name)
        _require(value >= 0, f"{kind} is below 0", node)
        if metric == "seconds":
            if text.endswith("%"):
                raise self.not_a_time(node)
            return Bound(kind, value, node.place, text)
        if metric == "ratio":
            _require(value <= 1, f"a share is at most 1, or 100%, not {text}", node)
        else:
            whole = value.denominator == 1
            _require(whole, f"{kind} is {text}, but {name} is a whole number", node)
        return Bound(kind, value if metric == "ratio" else int(value), node.place, text)

    def number(self, node: nodes.Node, name: str) -> Fraction:
        """Reads an exact number: with a suffix, or an expression."""
        if METRICS[name].kind == "seconds":
            return self.seconds(node)
        if isinstance(node, nodes.Scalar) and not isinstance(node.value, bool):
            found = parse_quantity(node.text)
            if found is not None:
                if METRICS[name].kind != "bytes" and node.text.endswith("B"):
                    raise rejected("wrong-type", f"{name} is not measured in bytes", node.place)
                return found
        value = self.value(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{format_value(value)} is given where a number is expected"
            advice = "write for instance 5M, 12MiB or 20%"
            raise rejected("wrong-type", message, node.place, advice)
        return Fraction(value)

    def seconds(self, node: nodes.Node) -> Fraction:
        """Reads a time with its unit, or a percentage of another one."""
        if isinstance(node, nodes.Scalar) and not isinstance(node.value, bool):
            found = parse_seconds(node.text)
            if found is None and node.text.endswith("%"):
                found = parse_quantity(node.text)
            if found is not None:
                return found
        raise self.not_a_time(node)

    def not_a_time(self, node: nodes.Node) -> Rejected:
        """The problem of a bound that is not a time."""
        message = f"{_written(node)} is given where a time is expected"
        return rejected("wrong-type", message, node.place, "write for instance 250us, 2ms or 0.1s")

    def axes(self, node: nodes.Node, name: str) -> tuple[Fraction, ...]:
        """One number for all axes, or a list with one for each."""
        if isinstance(node, nodes.Sequence):
            return tuple(self.number(item, name) for item in node.items)
        return (self.number(node, name),)

    def dims(self, node: nodes.Node, name: str) -> tuple[int | None, ...]:
        """Reads a shape: channels and sizes without the batch, None where null allows any size."""
        value = self.value(node)
        sizes = value if isinstance(value, list) else [value]
        if not 1 <= len(sizes) <= 4:
            raise rejected("wrong-type", f"a shape has 1 to 4 sizes, not {len(sizes)}", node.place)
        for size in sizes:
            if size is not None and (isinstance(size, bool) or size != size // 1 or size < 1):
                raise rejected("wrong-type", f"{format_value(size)} is not a size", node.place)
        return tuple(None if size is None else int(size) for size in sizes)

    def value(self, node: nodes.Node) -> Any:
        """The value of an expression, a number or list of numbers; Rejected for unknown names."""
        for name, where in free_names(node).items():
            if name not in self.scope:
                message = f"unknown name '{name}'"
                raise rejected("unknown-name", message, where.place, advise(name, self.scope))
        value = value_of(node, self.scope)
        flat = value if isinstance(value, list) else [value]
        if any(isinstance(item, list | str) for item in flat):
            raise rejected("wrong-type", f"{format_value(value)} is not a number", node.place)
        return value

    # --- what stands beside the bounds ----------------------------------------------------------

    def word(self, node: nodes.Node | None, name: str) -> Any:
        """Reads the value of a key such as ``at``, ``dtype`` or ``batch``."""
        assert node is not None
        choices = _CHOICES.get(name)
        if name == "batch":
            value = self.value(node)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise rejected("wrong-type", "batch must be an integer from 1", node.place)
            return value
        if name == "options":
            return self.memory_options(node)
        text = self.text(node)
        if choices and text not in choices:
            message = f"{name} is {text}, but must be one of: {', '.join(choices)}"
            raise rejected("wrong-type", message, node.place, advise(text, choices))
        return text

    def memory_options(self, node: nodes.Node) -> tuple[str, ...]:
        """Reads one word or a list of them; Rejected where they make no sense."""
        items = node.items if isinstance(node, nodes.Sequence) else [node]
        words = tuple(map(self.text, items))
        try:
            assumptions(words)
        except UnknownName as error:
            raise rejected("wrong-type", error.message, node.place, error.help) from None
        return words

    def text(self, node: nodes.Node | None) -> str:
        """The text of a node; empty if there is no node."""
        if node is None:
            return ""
        if not isinstance(node, nodes.Scalar) or node.value is None:
            raise rejected("wrong-type", "a text is expected", node.place)
        return node.text

    def compare(self, node: nodes.Node | None) -> Compare | None:
        """Reads ``{base: origin/main, missing: pass}``; None if absent, or after a problem."""
        if node is None:
            return None
        try:
            return self._compare(node)
        except Rejected as error:
            for problem in error.diagnostics:
                self.report(problem)
            return None

    def _compare(self, node: nodes.Node) -> Compare:
        if not isinstance(node, nodes.Mapping) or node.get("base") is None:
            advice = "compare: {base: origin/main}, or the file of a saved report"
            raise rejected("missing-key", "'compare' needs a base", node.place, advice)
        for key, _ in node.entries:
            if key.text not in ("base", "missing"):
                self.unknown(key, ("base", "missing"), f"unknown key '{key.text}' in 'compare'")
        base, missing = node.get("base"), node.get("missing")
        word = self.text(missing) or "fail"
        if missing is not None and word not in MISSING:
            message = f"missing is {word}, but must be one of: {', '.join(MISSING)}"
            raise rejected("wrong-type", message, missing.place)
        assert base is not None
        return Compare(self.text(base), base.place, word)

    def require_base(self, found: Iterable[Assertion], compare: Compare | None) -> None:
        """Reports bounds on changes if there is no ``compare`` to say what changed."""
        if compare is not None:
            return
        for assertion in found:
            for bound in assertion.bounds:
                if bound.kind in CHANGES:
                    advice = "add 'compare: {base: origin/main}', or the file of a saved report"
                    message = f"'{bound.kind}' has nothing to compare with"
                    self.report(Diagnostic("missing-key", message, bound.place, advice))

    def mapping(self, node: nodes.Node | None, key: str) -> list[tuple[nodes.Scalar, nodes.Node]]:
        """The entries of a mapping; none, after reporting it, for any other node."""
        if isinstance(node, nodes.Mapping):
            return node.entries
        if node is not None:
            self.report(Diagnostic("wrong-type", f"'{key}' must be a mapping", node.place))
        return []

    def unknown(self, key: nodes.Scalar, valid: Iterable[str], message: str) -> None:
        """Reports an unknown key and suggests a similar valid one."""
        valid = list(valid)
        long = "receptive_field"
        is_short = key.text == "rf" and long in valid
        advice = use(long) if is_short else advise(key.text, valid, "valid keys:")
        self.report(Diagnostic("unknown-key", message, key.place, advice))


_CHOICES: Mapping[str, Collection[str]] = {
    "dtype": DTYPES,
    "part": PARTS,
    "metric": COUNTS,
    "end": ENDS,
}


def _require(holds: bool, message: str, node: nodes.Node) -> None:
    if not holds:
        raise rejected("out-of-range", message, node.place)


def _require_order(bounds: list[Bound]) -> None:
    """Rejects limits that contradict each other."""
    found = {bound.kind: bound for bound in bounds}
    low, high, warn = (found.get(kind) for kind in ("min", "max", "warn"))
    pairs = [(low, high, "min is above max")]
    pairs += [(warn, high, "warn is above max")] if high else [(low, warn, "warn is below min")]
    for first, second, message in pairs:
        if first and second and _exceeds(first.value, second.value):
            raise rejected("out-of-range", message, first.place)


def _exceeds(first: Any, second: Any) -> bool:
    if not isinstance(first, tuple):
        return bool(first > second)
    return len(first) == len(second) and any(a > b for a, b in zip(first, second, strict=True))


def _written(node: nodes.Node) -> str:
    """The text of a bound."""
    if isinstance(node, nodes.Scalar):
        return node.text
    if isinstance(node, nodes.Sequence):
        return f"[{', '.join(map(_written, node.items))}]"
    return "{…}"
