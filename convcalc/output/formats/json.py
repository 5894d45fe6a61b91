"""Writes the payload of a report as JSON.

It is ASCII with one layer per line, so that it survives every pipe and diffs well. The keys are in
:mod:`convcalc.analysis.report.to_json`, their schema is in :mod:`convcalc.output.schemas.report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics.visible import exact_json as _dump

if TYPE_CHECKING:
    from convcalc.output.table import Style, Table


class Line(str):
    """An object of a list that is JSON on one line already."""

    __slots__ = ()


def line(item: Any) -> Line:
    """Return a value on one line."""
    return Line("".join(_line(item)))


def fragments(_table: Table | None, payload: Any, _style: Style) -> Iterator[str]:
    """Yield the payload with one key per line, and one line per object of a list.

    An iterator stands for a list of objects that are made as they are written, as a value of the
    payload or of an object in a list.
    """
    if not isinstance(payload, Mapping):
        yield from _value(payload, "")
        return
    before = "{\n"
    for key, value in payload.items():
        yield f"{before} {_dump(key)}: "
        yield from _value(value, " ")
        before = ",\n"
    yield "\n}"


def _value(value: Any, margin: str) -> Iterator[str]:
    written = _streamed(value)
    if isinstance(value, list) and any(isinstance(item, Mapping | Line) for item in value):
        written = map(_line, value)
    if written is None:
        yield _dump(value)
    else:
        yield from _listed(written, f"[\n{margin} ", f",\n{margin} ", f"\n{margin}]")


def _streamed(value: Any) -> Iterator[Iterable[str]] | None:
    """The items of an iterator, each as fragments; None for any other value."""
    return ((_dump(item),) for item in value) if isinstance(value, Iterator) else None


def _listed(items: Iterable[Iterable[str]], start: str, between: str, end: str) -> Iterator[str]:
    """Yield the items of a list; an empty one has no room inside."""
    before = start
    for item in items:
        yield before
        yield from item
        before = between
    yield "[]" if before is start else end


def _line(item: Any) -> Iterator[str]:
    """Yield a value on one line."""
    if isinstance(item, Line):
        yield item
        return
    if not isinstance(item, Mapping) or not any(isinstance(v, Iterator) for v in item.values()):
        yield _dump(item)
        return
    before = "{"
    for key, value in item.items():
        yield f"{before}{_dump(key)}: "
        written = _streamed(value)
        yield from (_dump(value),) if written is None else _listed(written, "[", ", ", "]")
        before = ", "
    yield "}"
