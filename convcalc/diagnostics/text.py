"""The text of a diagnostic, with the source lines that it points at."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.visible import visible


def full_text(diagnostic: Diagnostic, sources: Mapping[str, str], most: int | None = None) -> str:
    """The diagnostic as text, like a compiler's; ``sources`` maps each file to its contents.

    Of a line of the source at most so many characters are quoted that no line is longer than
    ``most``; see ``painting`` for the others.
    """
    place = diagnostic.place
    related = [r for r in diagnostic.related if r.place.file == place.file]
    width = max(len(str(r.place.line)) for r in [Related(place, ""), *related])
    margin = " " * width
    room = _QUOTED_WIDTH if most is None else min(_QUOTED_WIDTH, max(most - width - 3, _LEAST))
    within = f"   {visible(diagnostic.within)}" if diagnostic.within else ""
    lines = [
        f"{diagnostic.severity}[{diagnostic.code}] {diagnostic.name}: "
        f"{visible(diagnostic.message)}",
        f"{margin}--> {visible(str(place))}{within}",
    ]
    if quoted := _quote(place, "^", diagnostic.measured, width, room, sources):
        lines += [f"{margin} |", *quoted]
    for other in diagnostic.related:
        same_file = other.place.file == place.file
        quoted = _quote(other.place, "-", other.note, width, room, sources) if same_file else []
        lines += quoted or [f"{margin} = {visible(f'{other.place}: {other.note}')}"]
    lines += [f"{margin} = {visible(note)}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"{margin} = help: {visible(diagnostic.help)}")
    return "\n".join(lines)


def _quote(
    place: Place, mark: str, note: str, width: int, room: int, sources: Mapping[str, str]
) -> list[str]:
    """The source line, and a line that marks the place; empty if the file's text is missing.

    A note that does not fit into ``room`` beside the marks is below them.
    """
    text = sources.get(place.file, "").split("\n")
    if not 0 < place.line <= len(text) or place.file not in sources:
        return []
    line = text[place.line - 1].rstrip("\r").replace("\t", " ")
    start = min(place.column, len(line) + 1) - 1
    left = max(0, start + 1 - room // 2) if len(line) > room else 0
    right = left + room
    end = min(max(place.end - 1, start + 1), max(len(line), start + 1), max(right, start + 1))
    before, marked, after = map(visible, (line[left:start], line[start:end], line[end:right]))
    caret = " " * len(before) + mark * max(1, len(marked))
    shown = visible(note)
    margin = f"{' ' * width} |"
    quoted = [f"{place.line:>{width}} | {before}{marked}{after}", f"{margin} {caret}"]
    if room < _QUOTED_WIDTH and len(caret) + 1 + len(shown) > room:
        start = max(0, min(len(before), room - len(shown)))
        return [*quoted, f"{margin} {' ' * start}{shown}"]
    quoted[-1] += f" {shown}" if shown else ""
    return quoted


_QUOTED_WIDTH = 120  # characters of a source line that are quoted at most
_LEAST = 40  # and at least, on a narrow terminal
