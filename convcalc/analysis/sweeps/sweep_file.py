"""Reads files of sweeps, ``sweep: 1``; every problem is reported at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, TypeVar

from convcalc.analysis.sweeps.conditions import Condition
from convcalc.analysis.sweeps.metrics import METRICS, require_metrics
from convcalc.analysis.sweeps.pareto import objectives
from convcalc.analysis.sweeps.space import Factor, SpaceError
from convcalc.analysis.sweeps.words import INPUT, listed, span
from convcalc.analysis.sweeps.words import factor as factor_of
from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import UnknownName, advise
from convcalc.language.syntax import nodes, reader
from convcalc.model.quantities.number_text import parse_quantity

T = TypeVar("T")

VERSION = 1
ENDINGS = (".sweep.yaml", ".sweep.yml")
KEYS = (
    *("sweep", "target", "over", "where", "metrics", "pareto", "by", "top", "sample", "seed"),
    *("variant", "batch", "dtype", "count"),
)
RANGE = ("from", "to", "step")
ALL = "all"
_EXAMPLE = "over: {input: {from: 96, to: 320, step: 32}}"


class SweepFile(NamedTuple):
    """The content of a file of a sweep; what it leaves out is empty.

    ``places`` are those of what is swept, by name, ``target_place`` that of the target.
    """

    target: str
    target_place: Place
    factors: tuple[Factor, ...] = ()
    places: Mapping[str, Place] = {}
    where: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    pareto: tuple[str, ...] = ()
    by: str = ""
    top: str = ""
    sample: str = ""
    seed: str = ""
    variant: str = ""
    batch: int = 1
    dtype: str = ""
    counted: str = ""
    text: str = ""


def read_sweep(content: bytes, file: str) -> tuple[SweepFile | None, list[Diagnostic]]:
    """The sweep of a file's content, None if it has a problem, and all its problems in order."""
    root, problems = reader.read(content, file)
    reading = _Reader(file, list(problems))
    found = None if root is None else reading.sweep(root)
    if found is None or reading.problems:
        return None, sort_diagnostics(reading.problems)
    return found._replace(text=content.decode()), []


def _judged(judge: Callable[[str], Any], text: str) -> str:
    """A text that is not refused."""
    judge(text)
    return text


class _Reader:
    """Reads one file and collects its problems."""

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems

    def add(self, name: str, message: str, place: Place, advice: str = "") -> None:
        self.problems.append(Diagnostic(name, message, place, advice))

    def sweep(self, root: nodes.Node) -> SweepFile | None:
        """Return what the file says."""
        if not isinstance(root, nodes.Mapping):
            self.add("wrong-type", "a file of a sweep is a mapping", root.place, _EXAMPLE)
            return None
        for key, _ in root.entries:
            if key.text not in KEYS:
                advice = advise(key.text, KEYS, "valid keys:")
                self.add("unknown-key", f"unknown key '{key.text}'", key.place, advice)
        self._require_version(root)
        target, place = self._target(root)
        factors = self._factors(root)
        own = [factor.name for factor in factors]
        known = [*own, *METRICS]
        return SweepFile(
            target,
            place,
            tuple(factors),
            {name: key.place for name, key in self._over_keys(root).items()},
            self._each(root, "where", lambda text: Condition(text, known)),
            self._each(root, "metrics", lambda text: require_metrics([text])),
            self._each(root, "pareto", lambda text: objectives([text], known)),
            "".join(self._each(root, "by", lambda text: objectives([text], known))),
            self._number(root, "top", 1, also=ALL),
            self._number(root, "sample", 1),
            self._number(root, "seed", 0),
            self._text(root, "variant"),
            int(self._number(root, "batch", 1) or 1),
            self._text(root, "dtype"),
            ",".join(self._each(root, "count", lambda _: None)),
        )

    def _require_version(self, root: nodes.Mapping) -> None:
        version = root.get("sweep")
        if version is None:
            advice = f"begin with 'sweep: {VERSION}'"
            self.add("missing-key", "the key 'sweep' is missing", Place(self.file, 1, 1), advice)
        elif repr(getattr(version, "value", None)) != repr(VERSION):
            message = "this version of the format is not known"
            self.add("out-of-range", message, version.place, f"write {VERSION}")

    def _target(self, root: nodes.Mapping) -> tuple[str, Place]:
        found = root.get("target")
        if isinstance(found, nodes.Scalar) and found.text:
            return found.text, found.place
        place = Place(self.file, 1, 1) if found is None else found.place
        self.add("missing-key", "a sweep needs a target", place, "target: resnet50")
        return "", place

    # --- what is swept --------------------------------------------------------------------------

    @staticmethod
    def _over_keys(root: nodes.Mapping) -> dict[str, nodes.Scalar]:
        over = root.get("over")
        return over.keys if isinstance(over, nodes.Mapping) else {}

    def _factors(self, root: nodes.Mapping) -> list[Factor]:
        over = root.get("over")
        if not isinstance(over, nodes.Mapping) or not over.entries:
            place = Place(self.file, 1, 1) if over is None else over.place
            self.add("missing-key", "'over' says what is swept", place, _EXAMPLE)
            return []
        found = []
        for key, node in over.entries:
            factor = self._tried(node.place, partial(self._factor, key.text, node))
            if factor is not None:
                found.append(factor)
        return found

    def _factor(self, name: str, node: nodes.Node) -> Factor:
        if isinstance(node, nodes.Scalar):
            return listed(name, [self._value(node, name)])
        if isinstance(node, nodes.Sequence):
            return listed(name, [self._value(item, name) for item in node.items])
        if "product" in node.keys:
            return self._product(name, node)
        for key, _ in node.entries:
            if key.text not in RANGE:
                advice = advise(key.text, (*RANGE, "product"), "valid keys:")
                raise rejected("unknown-key", f"unknown key '{key.text}'", key.place, advice)
        if "from" not in node.keys or "to" not in node.keys:
            advice = "{from: 96, to: 320, step: 32}"
            raise rejected("missing-key", "a range has 'from' and 'to'", node.place, advice)
        first, last, step = (self._quantity(node.get(key)) for key in RANGE)
        values = span(first, last, step, name)
        if name == INPUT and (isinstance(values[0], float) or values[0] < 1):
            raise rejected("out-of-range", "sizes are whole, from 1 on", node.place)
        return listed(name, values)

    def _product(self, name: str, node: nodes.Mapping) -> Factor:
        product = node.get("product")
        if len(node.entries) > 1 or not isinstance(product, nodes.Sequence) or not product.items:
            advice = "{product: [[1, 2, 3], [2, 4], [2, 6]]}"
            raise rejected("wrong-type", "a product is a list of lists", node.place, advice)
        parts = []
        for item in product.items:
            choices = item.items if isinstance(item, nodes.Sequence) else [item]
            values = [self._value(each, f"{name}[]") for each in choices]
            parts.append(tuple(listed(f"{name}[]", values).parts[0]))
        return Factor(name, tuple(parts), True)

    def _value(self, node: nodes.Node, name: str) -> Any:
        """A number, a word, true or false, or a list of these."""
        if isinstance(node, nodes.Sequence):
            return [self._value(item, f"{name}[]") for item in node.items]
        if not isinstance(node, nodes.Scalar) or node.value is None:
            raise rejected("wrong-type", "a value is expected", node.place)
        if isinstance(node.value, str):
            return self._size(node) if name == INPUT else node.text
        if name == INPUT and (type(node.value) is not int or node.value < 1):
            raise rejected("out-of-range", "sizes are whole, from 1 on", node.place)
        return node.value

    def _size(self, node: nodes.Scalar) -> Any:
        """An input, such as 3x224x224."""
        try:
            return factor_of(f"{INPUT}={node.text}").parts[0][0]
        except SpaceError as error:
            raise rejected("wrong-type", error.message, node.place, error.help) from None

    def _quantity(self, node: nodes.Node | None) -> Fraction:
        if node is None:  # only the step may be left out
            return Fraction(1)
        found = parse_quantity(node.text) if isinstance(node, nodes.Scalar) else None
        if found is None:
            raise rejected("wrong-type", "a number is expected", node.place)
        return found

    # --- other keys -----------------------------------------------------------------------------

    def _each(self, root: nodes.Mapping, key: str, judge: Callable[[str], Any]) -> tuple[str, ...]:
        """The texts under a key, one or a list of them, that are not refused."""
        node = root.get(key)
        if node is None:
            return ()
        items: Sequence[nodes.Node] = node.items if isinstance(node, nodes.Sequence) else [node]
        found = []
        for item in items:
            if not isinstance(item, nodes.Scalar) or item.value is None:
                self.add("wrong-type", f"'{key}' is a text or a list of texts", item.place)
                continue
            if self._tried(item.place, partial(_judged, judge, item.text)) is not None:
                found.append(item.text)
        return tuple(found)

    def _tried(self, place: Place, attempt: Callable[[], T]) -> T | None:
        """The result of an attempt; None after a problem, which is reported."""
        try:
            return attempt()
        except Rejected as error:
            self.problems += error.diagnostics
        except UnknownName as error:
            self.add("unknown-name", error.message, place, error.help)
        except SpaceError as error:
            self.add(error.rule, error.message, place, error.help)
        return None

    def _number(self, root: nodes.Mapping, key: str, least: int, also: str = "") -> str:
        """The text of a whole number under a key; empty if there is none."""
        node = root.get(key)
        if node is None:
            return ""
        value = getattr(node, "value", None)
        if (also and value == also) or (type(value) is int and least <= value < 10**18):
            return str(value)
        message = f"'{key}' is a whole number from {least}" + f", or '{also}'" * bool(also)
        self.add("wrong-type", message, node.place)
        return ""

    def _text(self, root: nodes.Mapping, key: str) -> str:
        node = root.get(key)
        if node is None:
            return ""
        if isinstance(node, nodes.Scalar) and node.value is not None:
            return node.text
        self.add("wrong-type", f"'{key}' is a text", node.place)
        return ""
