"""Read a saved JSON report: what ``convcalc show … -f json -o old.json`` wrote.

The inverse of :mod:`convcalc.analysis.report.to_json`. A file holds one report, or a list of them
with a network each. Nothing in it is trusted: every value is checked, and an error says where it
is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from convcalc.analysis.report.report import (
    EXACT,
    SCHEMA,
    ChannelClass,
    LayerReport,
    LowerBounds,
    Memory,
    OutputReport,
    ReceptiveField,
    Report,
    ToolConvention,
    ToolNumber,
    Totals,
)
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import advise
from convcalc.language.sources.target import TargetError
from convcalc.model.graph.network import Group
from convcalc.model.graph.paths import Paths
from convcalc.model.operators.contract import KINDS, Term
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN

ENDING = ".json"
MOST_VALUES = 1_200_000  # of a file, which take up to 250 bytes each
T = TypeVar("T")
S = TypeVar("S")


def load_report(content: bytes, file: str, name: str | None = None) -> Report:
    """Load the report in a file's content; ``name`` selects one of several by its network.

    Raises TargetError if the content is not a report, if it holds none of that name, or if it
    holds several and no name is given.
    """
    try:
        reports = [_report(each) for each in _as_list(_parse(content))]
    except Wrong as error:
        advice = "save one by: convcalc show … -f json -o old.json"
        raise TargetError(f"{file} is not a report of convcalc: {error}", advice) from None
    by_name = {report.network: report for report in reports}
    if name is None and len(reports) == 1:
        return reports[0]
    if name is None:
        raise TargetError(
            f"{file} holds {len(reports)} reports",
            f"name one of them, {file}::{next(iter(by_name), 'NAME')}",
        )
    if name not in by_name:
        advice = advise(name, by_name, "there are:")
        raise TargetError(f"{file} holds no report of '{name}'", advice)
    return by_name[name]


class Wrong(Exception):
    """A value is not what a report must have at that path."""


class _Value:
    """A JSON value with its path, written as ``convcalc get`` takes it."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def wrong(self, wanted: str) -> Wrong:
        return Wrong(f"{self.path or 'it'} is not {wanted}")

    def of(self, kind: type[T], wanted: str) -> T:
        """The value if it has that type, else raise Wrong; true and false are not numbers."""
        if not isinstance(self.value, kind) or (isinstance(self.value, bool) and kind is not bool):
            raise self.wrong(wanted)
        return self.value

    def __getitem__(self, key: str) -> _Value:
        found = self.of(dict, "an object")
        path = f"{self.path}.{key}".lstrip(".")
        if key not in found:
            raise Wrong(f"{path} is missing")
        return _Value(found[key], path)

    def newer(self, key: str, read: Callable[[_Value], T], other: S) -> T | S:
        """Return what is read of a key; ``other`` in reports from before it was added."""
        return read(self[key]) if key in self.of(dict, "an object") else other

    def items(self) -> Iterator[tuple[str, _Value]]:
        """The entries of an object."""
        for key, value in self.of(dict, "an object").items():
            yield key, _Value(value, f"{self.path}.{key}")

    def list_of(self, read: Callable[[_Value], T]) -> tuple[T, ...]:
        """Read each entry of a list."""
        found = self.of(list, "a list")
        return tuple(read(_Value(value, f"{self.path}[{i}]")) for i, value in enumerate(found))

    def object_of(self, read: Callable[[_Value], T]) -> dict[str, T]:
        """Read each value of an object, by key."""
        return {key: read(value) for key, value in self.items()}

    def optional(self, read: Callable[[_Value], T], other: S) -> T | S:
        """The value, or ``other`` for null."""
        return other if self.value is None else read(self)


def _parse(content: bytes) -> Any:
    import json

    if sum(map(content.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise Wrong(f"it holds more than {MOST_VALUES:,} values")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"it is not JSON ({error})") from None


def _reject_constant(word: str) -> None:
    raise Wrong(f"{word} is not a number")


def _as_list(found: Any) -> Iterator[_Value]:
    if not isinstance(found, list):
        yield _Value(found)
        return
    for index, value in enumerate(found):
        yield _Value(value, f"[{index}]")


# --- values --------------------------------------------------------------------------------------


def _text(value: _Value) -> str:
    return value.of(str, "a text")


def _flag(value: _Value) -> bool:
    return value.of(bool, "true or false")


def _whole(value: _Value) -> int:
    if value.of(int, "a whole number") < 0:
        raise value.wrong("zero or more")
    return int(value.value)


def _count(value: _Value) -> int:
    """A whole number of at least 0, or UNKNOWN for null."""
    return value.optional(_whole, UNKNOWN)


def _kind(value: _Value) -> str:
    if _text(value) not in KINDS:
        raise value.wrong(f"one of {', '.join(KINDS)}")
    return str(value.value)


def _sizes(value: _Value) -> tuple[int, ...]:
    return value.list_of(_count)


def _shape(value: _Value) -> Shape:
    sizes = _sizes(value)
    if len(sizes) < 2:
        raise value.wrong("a shape: batch, channels, and spatial sizes")
    return Shape(sizes[0], sizes[1], sizes[2:])


def _fraction(value: _Value) -> Fraction:
    text = _text(value)
    if not re.fullmatch(r"-?\d{1,40}(/[1-9]\d{0,40})?", text, re.ASCII):
        raise value.wrong("a fraction such as 1/2")
    return Fraction(text)


def _fractions(value: _Value) -> tuple[Fraction, ...]:
    unknown: Any = UNKNOWN
    return value.list_of(lambda item: item.optional(_fraction, unknown))


# --- parts of a report ---------------------------------------------------------------------------


def _report(value: _Value) -> Report:
    if value["schema"].value != SCHEMA:
        raise value["schema"].wrong(SCHEMA)
    field = value["receptive_field"]
    is_local = field.value is not None
    outputs = value["outputs"].object_of(_shape)
    layers = value["layers"].list_of(_layer)
    return Report(
        network=_text(value["network"]),
        variant=value["variant"].optional(_text, "") or None,
        description=_text(value["description"]),
        source=_text(value["source"]),
        inputs=value["inputs"].object_of(_shape),
        outputs=outputs,
        counted=value["convention"]["counted"].list_of(_kind),
        totals=_totals(value["totals"]),
        receptive_field=_field(field) if is_local else None,
        global_from=field["global_from"].optional(_text, "") if is_local else "",
        layers=layers,
        problems=value["problems"].list_of(_problem),
        skipped=_whole(value["skipped"]),
        convention=_tool(value["convention"]),
        per_output=value["per_output"].object_of(_output)
        if "per_output" in value.of(dict, "an object")
        else _outputs_by_path(outputs, layers),
    )


def _output(value: _Value) -> OutputReport:
    fields = value["receptive_fields"]
    first = {name: field["global_from"].optional(_text, "") for name, field in fields.items()}
    return OutputReport(
        value["path"].optional(_text, ""),
        value["shape"].optional(_shape, None),
        fields.object_of(_field),
        {name: path for name, path in first.items() if path},
    )


def _outputs_by_path(
    outputs: Mapping[str, Shape], layers: tuple[LayerReport, ...]
) -> dict[str, OutputReport]:
    """The outputs of a report that is older than ``per_output``: they have the names of layers."""
    paths = Paths(layers, ())
    found = {name: paths.find(name) for name in outputs}
    return {
        name: OutputReport(name, outputs[name])
        if part is None
        else OutputReport(
            layers[part.output].path, outputs[name], layers[part.output].receptive_fields
        )
        for name, part in found.items()
    }


def _tool(value: _Value) -> ToolConvention | None:
    """The other tool whose numbers the report holds; None if it holds convcalc's alone."""
    if not value["numbers"].of(list, "a list"):
        return None
    return ToolConvention(
        _text(value["name"]),
        _text(value["tool"]),
        value["numbers"].list_of(
            lambda each: ToolNumber(*(_text(each[key]) for key in ToolNumber._fields))
        ),
        value["uncounted"].list_of(_text),
        _flag(value["per_sample"]),
    )


_OF_TRAINING = ("kept", "gradients", "optimizer_states")


def _totals(value: _Value) -> Totals:
    return Totals(
        layers=_whole(value["layers"]),
        memory=_memory(value["memory"]),
        unknown=value["unknown"].list_of(_text),
        at_least=value.newer("at_least", _bounds, EXACT),
        **_numbers(value),
    )


def _bounds(value: _Value) -> LowerBounds:
    """The lower bounds of sums that something is missing from."""
    given = value.of(dict, "an object")
    return LowerBounds(
        {key: _whole(value[count.json]) for key, count in COUNTS.items() if count.json in given},
        value["convention"].object_of(_whole),
        value["fused"].object_of(_whole),
    )


def _memory(value: _Value) -> Memory:
    """Bytes; a report from before training was counted has none of its parts."""
    given = value.of(dict, "an object")
    more = {key: _count(value[key]) for key in _OF_TRAINING if key in given}
    return Memory(
        _text(value["dtype"]),
        _count(value["weights"]),
        _count(value["activations_peak"]),
        **more,
        options=value["options"].list_of(_text) if "options" in given else (),
    )


def _numbers(value: _Value) -> dict[str, Any]:
    """The counts, and the numbers of another tool or of folded batch norms.

    A count that is newer than the report is unknown.
    """
    given = value.of(dict, "an object")
    return {
        "counts": {
            key: _count(value[count.json]) if count.json in given else UNKNOWN
            for key, count in COUNTS.items()
        },
        "convention": value["convention"].object_of(_count),
        "fused": value["fused"].object_of(_count),
    }


def _layer(value: _Value) -> LayerReport:
    return LayerReport(
        path=_text(value["path"]),
        operator=_text(value["operator"]),
        groups=value["blocks"].list_of(
            lambda each: Group(_text(each["path"]), _text(each["block"]))
        ),
        fields=_mapping(value["fields"]),
        inputs=value["inputs"].list_of(_shape),
        output=_shape(value["output"]),
        weights=value["weights"].object_of(_sizes),
        terms=value["terms"].list_of(_term),
        receptive_fields=value["receptive_fields"].object_of(_field),
        source=_place(value["source"]),
        declared=_flag(value["declared"]),
        shares=value["shares"].optional(_text, ""),
        own=value["own"].list_of(_text) if "own" in value.of(dict, "an object") else (),
        note=_text(value["note"]),
        facts=_mapping(value["facts"]) or None,
        **_numbers(value),
    )


def _mapping(value: _Value) -> Mapping[str, Any]:
    found: Mapping[str, Any] = value.of(dict, "an object")
    return found


def _term(value: _Value) -> Term:
    return Term(_text(value["name"]), _kind(value["kind"]), _count(value["count"]))


def _field(value: _Value) -> ReceptiveField:
    return ReceptiveField(
        _sizes(value["size"]),
        _sizes(value["size_min"]),
        _fractions(value["jump"]),
        _fractions(value["center"]),
        _flag(value["global"]),
        _flag(value["unbounded"]),
        value["unknown"].optional(_text, ""),
        coverage=value["coverage"].optional(_fractions, None),
        holes=value["holes"].optional(_sizes, None),
        global_axes=value.newer("global_axes", _flags, ()),
        is_partly_global=value.newer("partly_global", _flag, False),
        channels=value.newer("channels", lambda each: each.list_of(_channel_class), ()),
    )


def _flags(value: _Value) -> tuple[bool, ...]:
    return value.list_of(_flag)


def _channel_class(value: _Value) -> ChannelClass:
    return ChannelClass(
        value["channels"].list_of(_range), value["receptive_field"].optional(_field, None)
    )


def _range(value: _Value) -> range:
    numbers = value.list_of(_whole)
    if len(numbers) != 3 or not numbers[2] or numbers[1] < numbers[0]:
        raise value.wrong("a range: first, last, step")
    first, last, step = numbers
    return range(first, last + 1, step)


def _place(value: _Value) -> Place:
    return Place(_text(value["file"]), _whole(value["line"]), _whole(value["column"]))


def _problem(value: _Value) -> Diagnostic:
    texts = (_text(value[key]) for key in ("name", "message", "help", "severity"))
    name, message, advice, severity = texts
    return Diagnostic(name, message, _place(value), advice, severity=severity)
