"""Draws a page of the book for the terminal: Markdown by rich, as wide as the terminal allows."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.default_styles import DEFAULT_STYLES
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.segment import Segment
from rich.table import Table
from rich.theme import Theme

from convcalc.output.table import Style

WIDEST = 100  # longer lines are hard to read
_CODE_INDENT = "    "
_HEIGHT = 1000  # rich ignores a width without a height where TERM is dumb
# A link, or code within a line, in which nothing is a link.
_LINK = re.compile(
    r"(?<!!)\[([^\]\[]*(?:\[[^\]\[]*\][^\]\[]*)*)\]\(([^()\s]+)\)|(?<!`)`[^`\n]+`(?!`)"
)
_FENCE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`[^`\n]+(?:\n[^`\n]+)?`(?!`)")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)


class _LeftHeading(Heading):
    """A heading at the left edge, as headings of manual pages are."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold")
        yield self.text


class _PlainCode(CodeBlock):
    """Code that can be copied: indented, and never wrapped.

    What does not fit is indented less, and a remark behind it stands before it.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = str(self.text).rstrip().split("\n")
        room = options.max_width - len(_CODE_INDENT)
        lines = [piece for line in lines for piece in _without_remark(line, room)]
        spare = max(0, options.max_width - max(map(cell_len, lines)))
        for line in lines:
            yield Segment(f"{_CODE_INDENT[:spare]}{line}".rstrip())
            yield Segment.line()


def _without_remark(line: str, room: int) -> list[str]:
    """Return a line of code that is too long in two lines, the first its remark."""
    code, sign, remark = line.rpartition("  # ")
    if cell_len(line) <= room or not code.strip():
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return [f"{indent}{sign.strip()} {remark}", code.rstrip()]


class _WholeTable(TableElement):
    """A table that breaks long words, and cuts none off."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for piece in super().__rich_console__(console, options):
            if isinstance(piece, Table):
                for column in piece.columns:
                    column.overflow = "fold"
            yield piece


class _Page(Markdown):
    elements = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _PlainCode,
        "code_block": _PlainCode,
        "table_open": _WholeTable,
    }


def page_text(markdown: str, style: Style, links: Callable[[str], str] = str) -> str:
    """The page as lines for a terminal; ``links`` turns the target of a link into what to read.

    A link whose target becomes empty is shown as its text alone.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=min(style.width or WIDEST, WIDEST),
        height=_HEIGHT,
        force_terminal=style.color,
        color_system="standard" if style.color else None,
        highlight=False,
        legacy_windows=False,
        theme=_LOOKS,
        _environ=_NOTHING,
    )
    text = _with_targets(markdown, links, quotes=not style.color)
    console.print(_Page(text, hyperlinks=False), crop=False)
    return "\n".join(map(str.rstrip, out.getvalue().strip("\n").splitlines()))


_NOTHING: Mapping[str, Any] = {}
# Bold is the only look of a page: the fence lets few codes pass (convcalc/diagnostics/visible.py).
_LOOKS = Theme(
    {
        name: "bold" if name in ("markdown.code", "markdown.strong") else "none"
        for name in DEFAULT_STYLES
        if name.startswith("markdown.")
    }
)


def _with_targets(markdown: str, links: Callable[[str], str], quotes: bool) -> str:
    """The text with the target of each link behind its words, outside of blocks of code.

    ``quotes`` keeps the backticks of code within lines, which would not stand out otherwise.
    """

    def shown(match: re.Match[str]) -> str:
        if match[2] is None:
            return match[0]
        target = links(match[2])
        return f"{match[1]} ({target})" if target and target not in match[1] else match[1]

    pieces = _FENCE.split(_COMMENT.sub("", markdown))
    return "".join(
        piece if piece.startswith("```") else _quoted(_LINK.sub(shown, piece), quotes)
        for piece in pieces
    )


def _quoted(text: str, quotes: bool) -> str:
    return _CODE.sub(r"`` \g<0> ``", text) if quotes else text
