"""The text of a diagnostic, with the source lines that it points at."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related


def full_text(diagnostic: Diagnostic, sources: Mapping[str, str]) -> str:
    """The diagnostic as text, like a compiler's; ``sources`` maps each file to its contents."""
    place = diagnostic.place
    related = [r for r in diagnostic.related if r.place.file == place.file]
    width = max(len(str(r.place.line)) for r in [Related(place, ""), *related])
    margin = " " * width
    within = f"   {diagnostic.within}" if diagnostic.within else ""
    lines = [
        f"{diagnostic.severity}[{diagnostic.code}] {diagnostic.name}: {diagnostic.message}",
        f"{margin}--> {place}{within}",
    ]
    if quoted := _quote(place, "^", diagnostic.measured, width, sources):
        lines += [f"{margin} |", *quoted]
    for other in diagnostic.related:
        same_file = other.place.file == place.file
        quoted = _quote(other.place, "-", other.note, width, sources) if same_file else []
        lines += quoted or [f"{margin} = {other.place}: {other.note}"]
    lines += [f"{margin} = {note}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"{margin} = help: {diagnostic.help}")
    return "\n".join(lines)


def _quote(place: Place, mark: str, note: str, width: int, sources: Mapping[str, str]) -> list[str]:
    """The source line, and a line that marks the place; empty if the file's text is missing."""
    text = sources.get(place.file, "").split("\n")
    if not 0 < place.line <= len(text) or place.file not in sources:
        return []
    line = text[place.line - 1].rstrip("\r")
    # A tab and a control character take one column each, so that the mark lines up.
    start = min(place.column, len(line) + 1)
    length = max(1, min(place.end or start + 1, len(line) + 1) - start)
    if len(line) > _QUOTED_WIDTH:
        left = max(0, start - _QUOTED_WIDTH // 2)
        line, start = line[left : left + _QUOTED_WIDTH], start - left
        length = min(length, _QUOTED_WIDTH)
    shown = "".join(c if c.isprintable() else " " for c in line)
    caret = " " * (start - 1) + mark * length + (f" {note}" if note else "")
    return [f"{place.line:>{width}} | {shown}", f"{' ' * width} | {caret}"]


_QUOTED_WIDTH = 120  # characters of a source line that are quoted at most
