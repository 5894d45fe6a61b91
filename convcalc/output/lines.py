"""Lines of text for a terminal: wrapped where it is narrow, facts with their names in a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from convcalc.output.table import Fact

# Where a text may be wrapped, the preferred pattern first. A number keeps its unit.
IN_PATHS = (r"(?<=\.)",)
IN_TEXTS = (r"(?<=, )", r"(?<=\D )", r"(?<=\D )|(?<=[^\W\d]\.)(?=[^\W\d])|(?<=\]\.)")
IN_LINES = (r"(?<= [·|] )", r"(?<=\D )")

NARROWEST = 16  # characters per line that a wrapped text keeps at least
_INDENT = "  "  # of a line that continues


def _cells(text: str) -> int:
    """The columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # not where nothing is wrapped: that has a price at each start

    return cell_len(text)


def fold(text: str, width: int, breaks: Sequence[str]) -> list[str]:
    """Wrap a text to lines of at most ``width``, at the first pattern whose pieces all fit."""
    found = (re.split(pattern, text) for pattern in breaks)
    fitting = (parts for parts in found if all(_cells(part.rstrip()) <= width for part in parts))
    from rich.cells import chop_cells

    lines = [""]
    for part in next(fitting, re.split(breaks[-1], text)):
        if lines[-1] and _cells(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [piece for line in lines for piece in chop_cells(line.rstrip(), width)]


def fact_lines(facts: Sequence[Fact], width: int | None) -> list[str]:
    """Return facts as lines, their names in one column and their texts in another.

    Texts are wrapped where the terminal is narrow, between items if possible.
    """
    room = max((_cells(fact.name) for fact in facts), default=0)
    if width is not None and room > max(width // 3, NARROWEST):
        room = 0  # a long name stands on the line of its text
    return [line for fact in facts for line in _fact_lines(fact, room, width)]


def _fact_lines(fact: Fact, room: int, width: int | None) -> list[str]:
    if not fact.name or not room:
        return break_line(str(fact), width)
    name = fact.name + " " * (room - _cells(fact.name) + len(_INDENT))
    if width is None:
        return [name + fact.text]
    margin = _cells(name)
    first, *more = fold(fact.text, max(width - margin, NARROWEST), IN_LINES) or [""]
    return [name + first, *(" " * margin + piece for piece in more)]


def break_line(line: str, width: int | None) -> list[str]:
    """Wrap a line; further lines are indented."""
    if width is None or _cells(line) <= width:
        return [line]
    first, *more = fold(line, max(width - len(_INDENT), NARROWEST), IN_LINES)
    return [first, *(_INDENT + piece for piece in more)]


def page_lines(text: str, width: int | None) -> str:
    """Return a page of convcalc's own with its paragraphs filled again, if a line is too long.

    Lines that are indented are formulas or examples: only those that are too long are wrapped.
    """
    if width is None or all(_cells(line) <= width for line in text.split("\n")):
        return text
    blocks = re.split(r"(?m)(^(?: .*|)$\n?)", text)
    return "".join(_block(block, max(width, 2 * NARROWEST)) for block in blocks).rstrip("\n")


def _block(block: str, width: int) -> str:
    """Return a paragraph or a single line with blanks before it, wrapped."""
    bare = block.strip()
    if not bare:
        return block
    indent = block[: len(block) - len(block.lstrip(" "))]
    whole = bare if indent else " ".join(bare.split("\n"))
    if indent and _cells(block.rstrip("\n")) <= width:
        return block
    after = indent + _INDENT if indent else ""
    filled = wrap(
        whole,
        width,
        initial_indent=indent,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(filled) + "\n" * block.endswith("\n")
