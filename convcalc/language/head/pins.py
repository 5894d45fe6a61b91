"""The numbers that a file pins under ``expect``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current
from convcalc.language.head.head import Head
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import suffixed_number, value_of
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.record import Record

AT_OUTPUTS = ("output", "receptive_field", "jump")  # metrics that every output has
EXPECTED = (*COUNTS, "layers", *AT_OUTPUTS)


class Pins(Record):
    """The numbers that a file pins, by variant and metric, the place of each, and the problems."""

    numbers: dict[str, dict[str, Any]]
    places: dict[tuple[str, str], Place]
    problems: tuple[Diagnostic, ...] = ()


def read_pins(head: Head) -> tuple[Pins, bool]:
    """The numbers under ``expect``; and whether they are those of all variants, as none of them
    uses a param."""
    before = len(head.units.problems)
    pins = _read(head)
    if any(map(_uses_names, _pinned_nodes(head))):
        return pins, False
    return pins.replace(problems=tuple(head.units.problems[before:])), True


def _pinned_nodes(head: Head) -> Iterator[nodes.Node]:
    """Every node of a pinned number."""
    for _, pinned in getattr(head.root.get("expect"), "entries", ()):
        yield from (node for _, node in getattr(pinned, "entries", ()))


def _read(head: Head) -> Pins:
    """Reads the numbers pinned under ``expect``, by variant and metric."""
    pins = Pins({}, {})
    for key, node in head.units.entries(head.root.get("expect"), "expect"):
        if key.text != head.name and key.text not in head.unit.variants:
            names = [head.name, *head.unit.variants]
            advice = advise(key.text, names, "variants:")
            message = f"expect names '{key.text}', which is not a variant"
            head.problem("unknown-name", message, key.place, advice)
            continue
        pins.numbers[key.text] = {}
        for metric, value in head.units.entries(node, f"expect of {key.text}"):
            current().spend(4, "pinned numbers")
            if metric.text not in EXPECTED:
                advice = advise(metric.text, EXPECTED, "one of:")
                message = f"unknown metric '{metric.text}'"
                head.problem("unknown-key", message, metric.place, advice)
                continue
            pins.places[key.text, metric.text] = value.place
            try:
                pins.numbers[key.text][metric.text] = _metric(head, metric.text, value)
            except Rejected as error:
                head.report(*error.diagnostics)
    return pins


def _metric(head: Head, metric: str, node: nodes.Node) -> Any:
    """The pinned value of a metric; a mapping by output for what every output has."""
    if not isinstance(node, nodes.Mapping) or metric not in AT_OUTPUTS:
        return _value(head, node)
    return {key.text: _value(head, value) for key, value in node.entries}


def _value(head: Head, node: nodes.Node) -> Any:
    """A pinned number, or a list of them."""
    if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        number = suffixed_number(node.text)
        if number is not None:
            return number
    return value_of(node, head.unit.scope)


def _uses_names(node: nodes.Node) -> bool:
    """Whether the value of a node may depend on params."""
    if isinstance(node, nodes.Mapping):
        return any(_uses_names(value) for _, value in node.entries)
    if isinstance(node, nodes.Sequence):
        return any(map(_uses_names, node.items))
    return isinstance(node.value, str) and suffixed_number(node.text) is None
