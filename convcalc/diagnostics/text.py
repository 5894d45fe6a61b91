"""The text of a diagnostic, with the source lines that it points at."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.visible import visible


def full_text(diagnostic: Diagnostic, sources: Mapping[str, str]) -> str:
    """The diagnostic as text, like a compiler's; ``sources`` maps each file to its contents."""
    place = diagnostic.place
    related = [r for r in diagnostic.related if r.place.file == place.file]
    width = max(len(str(r.place.line)) for r in [Related(place, ""), *related])
    margin = " " * width
    within = f"   {visible(diagnostic.within)}" if diagnostic.within else ""
    lines = [
        f"{diagnostic.severity}[{diagnostic.code}] {diagnostic.name}: "
        f"{visible(diagnostic.message)}",
        f"{margin}--> {visible(str(place))}{within}",
    ]
    if quoted := _quote(place, "^", diagnostic.measured, width, sources):
        lines += [f"{margin} |", *quoted]
    for other in diagnostic.related:
        same_file = other.place.file == place.file
        quoted = _quote(other.place, "-", other.note, width, sources) if same_file else []
        lines += quoted or [f"{margin} = {visible(f'{other.place}: {other.note}')}"]
    lines += [f"{margin} = {visible(note)}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"{margin} = help: {visible(diagnostic.help)}")
    return "\n".join(lines)


def _quote(place: Place, mark: str, note: str, width: int, sources: Mapping[str, str]) -> list[str]:
    """The source line, and a line that marks the place; empty if the file's text is missing."""
    text = sources.get(place.file, "").split("\n")
    if not 0 < place.line <= len(text) or place.file not in sources:
        return []
    line = text[place.line - 1].rstrip("\r").replace("\t", " ")
    start = min(place.column, len(line) + 1) - 1
    left = max(0, start + 1 - _QUOTED_WIDTH // 2) if len(line) > _QUOTED_WIDTH else 0
    right = left + _QUOTED_WIDTH
    end = min(max(place.end - 1, start + 1), max(len(line), start + 1), max(right, start + 1))
    before, marked, after = map(visible, (line[left:start], line[start:end], line[end:right]))
    caret = " " * len(before) + mark * max(1, len(marked)) + (f" {visible(note)}" if note else "")
    return [
        f"{place.line:>{width}} | {before}{marked}{after}",
        f"{' ' * width} | {caret}",
    ]


_QUOTED_WIDTH = 120  # characters of a source line that are quoted at most
