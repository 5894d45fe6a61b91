"""Explanations as text.

Each number has its name on the left and on the right its formula in words, the formula with
numbers, and the result. Long lines are wrapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from textwrap import wrap
from typing import Any, NamedTuple

from convcalc.analysis.explanation import LayerExplanation
from convcalc.analysis.explanation.worked import Worked
from convcalc.diagnostics.diagnostic import Place
from convcalc.language.expand.origins import Origin
from convcalc.model.graph.network import parts_of
from convcalc.model.quantities.number_text import count_text, fraction_text
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import clean
from convcalc.output.table import Style
from convcalc.output.views.layer_card import field_text

INDENT = "  "
NARROWEST = 24  # characters that a formula gets at least


class Line(NamedTuple):
    """One line of an explanation: the name, indented by ``depth``, and pieces of text.

    Pieces are kept whole if they fit a line; the last one is the result.
    """

    depth: int
    label: str
    pieces: tuple[str, ...]


# --- text --------------------------------------------------------------------------------------


def layer_text(explanation: LayerExplanation, folder: str, style: Style) -> str:
    """Return the whole explanation; places are written relative to ``folder``."""
    lines = [
        _bold(line, style) for line in _fill_lines([clean(title(explanation), style)], style.width)
    ]
    if where := _where(explanation, folder):
        lines += _fill_lines([clean(where, style)], style.width)
    parts = [
        ("fields", _in_columns(list(_field_lines(explanation.fields, folder)))),
        *((section.title, worked_lines(section.lines)) for section in explanation.sections),
    ]
    for heading, found in parts:
        if found:
            lines += ["", _bold(clean(heading, style), style), *listing(found, style)]
    return "\n".join(lines)


def listing(lines: Sequence[Line], style: Style) -> list[str]:
    """Return the lines as text, with the names padded to the longest."""
    lines = [line._replace(label=clean(line.label, style)) for line in lines]
    width = max(len(INDENT * line.depth + line.label) for line in lines) + 2 * len(INDENT)
    return [text for line in lines for text in _lay_out(line, width, style)]


def _lay_out(line: Line, margin: int, style: Style) -> Iterator[str]:
    """Yield the text lines of one line, with as many pieces side by side as fit."""
    room = None if style.width is None else max(style.width - margin, NARROWEST)
    left = INDENT * (line.depth + 1) + line.label
    for text in _fill_lines([clean(piece, style) for piece in line.pieces], room):
        yield f"{left:<{margin}}{text}".rstrip()
        left = ""


def _fill_lines(pieces: Sequence[str], room: int | None) -> list[str]:
    """Join pieces to lines of at most ``room`` characters; a longer piece breaks at blanks."""
    if room is None:
        return [" ".join(pieces)]
    lines = [""]
    for piece in pieces:
        if len(f"{lines[-1]} {piece}") <= room or not lines[-1]:
            lines[-1] = f"{lines[-1]} {piece}".lstrip()
        else:
            lines.append(piece)
    return [
        part
        for line in lines
        for part in wrap(line, room, subsequent_indent=INDENT, break_on_hyphens=False)
    ]


def title(explanation: LayerExplanation) -> str:
    """Return the title: ``stem.conv · conv · 3×224×224 → 64×112×112``."""
    names = dict.fromkeys([explanation.path, explanation.operator])
    inputs = " and ".join(str(shape) for _, shape in explanation.sources)
    return f"{' · '.join(names)} · {inputs} → {explanation.output}"


def _in_code(form: str) -> str:
    """Say what a layer is in code, or its parts."""
    return " and ".join(f"{name} a {each}" for name, each in parts_of(form).items()) or f"a {form}"


def _where(explanation: LayerExplanation, folder: str) -> str:
    """Return the place of the layer and what it reads; empty for a layer without a file."""
    if explanation.place.file.startswith("<"):
        return ""
    groups = [f"{group.kind} {group.path}" for group in explanation.groups[-1:]]
    sources = ", ".join(name for name, _ in explanation.sources)
    form = [f"in code {_in_code(explanation.form)}"] * bool(explanation.form)
    return ", ".join([place_text(explanation.place, folder), *groups, f"reads {sources}", *form])


def _bold(text: str, style: Style) -> str:
    return f"\033[1m{text}\033[0m" if style.color else text


# --- lines -------------------------------------------------------------------------------------


def _field_lines(origins: Iterable[Origin], folder: str, depth: int = 0) -> Iterator[Line]:
    """Yield a line per field, and below it lines for the names in its expression."""
    for origin in origins:
        if origin.value is None and not origin.text:
            continue
        yield Line(depth, origin.name, (value_text(origin), origin_text(origin, folder)))
        yield from _field_lines(origin.parts, folder, depth + 1)


def value_text(origin: Origin) -> str:
    """Return the value of a field or name; a list as the file writes it."""
    return origin.text if isinstance(origin.value, list) else field_text(origin.value)


def _in_columns(lines: Sequence[Line]) -> list[Line]:
    """Merge value and origin into one piece, with the values padded to the longest."""
    width = max((len(line.pieces[0]) for line in lines), default=0)
    return [
        line._replace(pieces=(f"{line.pieces[0]:<{width}}  {line.pieces[1]}",)) for line in lines
    ]


def origin_text(origin: Origin, folder: str) -> str:
    """Return where a value comes from: ``k//2, given, conv_bn.convcalc.yaml:7``."""
    own = "" if origin.text == str(origin.value) or not origin.parts else origin.text
    place = place_text(origin.place, folder) if origin.place else ""
    return ", ".join(filter(None, (own, origin.how, place)))


def place_text(place: Place, folder: str) -> str:
    """Return file and line, relative to ``folder``; empty for a place outside of files."""
    if place.file.startswith("<"):
        return ""
    file = place.file.removeprefix(folder)
    return f"{file}: {place.element}" if place.element else f"{file}:{place.line}"


def _worked_lines(lines: Iterable[Worked], depth: int) -> Iterator[Line]:
    """Yield a line per formula; axes with the same numbers share one."""
    for _, alike in groupby(lines, lambda line: line[1:7] if line.words else line):
        first, *more = alike
        label = ", ".join(line.label for line in (first, *more))
        yield Line(depth, label, pieces(first))
        for line in (first, *more):
            yield from _worked_lines(line.where, depth + 1)


def worked_lines(lines: Iterable[Worked]) -> list[Line]:
    """Return the lines of formulas, each followed by the formulas of its numbers."""
    return list(_worked_lines(lines, 0))


def pieces(line: Worked) -> tuple[str, ...]:
    """Return words, numbers and result of a formula, without repetitions."""
    result = result_text(line.result) + (f" ({line.kind})" if line.kind else "")
    if not line.words:
        return (f"{result}, {line.meaning}" if line.meaning else result,)
    texts = list(dict.fromkeys([line.words, line.numbers]))
    if texts[-1] in (str(line.result), result_text(line.result)):
        texts.pop()
    first, *more = [*texts, result]
    return (first, *(f"= {text}" for text in more))


def result_text(value: Any) -> str:
    """Return the exact text of a result."""
    if isinstance(value, Fraction):
        return fraction_text(value)
    return count_text(value, exact=True) if isinstance(value, int) or not known(value) else value
