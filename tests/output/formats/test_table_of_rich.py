"""The table on the terminal is, byte for byte, what ``rich.table`` makes of the same cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.box import Box
from rich.table import Table as RichTable
from rich.text import Text
from shipped import BASES, report

from convcalc.analysis.report.rows import rows
from convcalc.model.quantities.number_text import UNKNOWN_WORD
from convcalc.output.columns import COLUMNS, Column
from convcalc.output.formats import terminal
from convcalc.output.formats.layout import Layout
from convcalc.output.table import Fact, Style, Table
from convcalc.output.views.network import report_table

BOX = "    \n    \n {0}{0} \n    \n {0}{0} \n {0}{0} \n    \n    \n"
STYLES = [
    Style(color=color, width=width, ascii=ascii_)
    for color, width, ascii_ in product((False, True), (None, 30, 52, 80, 160), (False, True))
]


def draw(table: Table, rows: Iterable[Sequence[str]], layout: Layout, style: Style) -> RichTable:
    """The table as rich draws it."""
    texts = list(zip(*rows, strict=True))
    drawn = RichTable(
        box=Box(BOX.format("-" if style.ascii else "─"), ascii=style.ascii),
        show_edge=False,
        show_footer=table.totals is not None,
        padding=0,
    )
    cells = [
        [cell(text, table.columns[index], width) for text in texts[index]]
        for index, width in zip(layout.shown, layout.widths, strict=True)
    ]
    for column, width in zip(cells, layout.widths, strict=True):
        gap = layout.gap - 1 if column is not cells[-1] else 0  # the box adds one
        foot = column.pop() if table.totals is not None else ""
        drawn.add_column(column[0], foot, width=width + gap, no_wrap=True, footer_style="bold")
    for index, row in enumerate(zip(*(column[1:] for column in cells), strict=True), 1):
        drawn.add_row(*row, end_section=bool(table.outputs) and index == len(table.rows))
    return drawn


def cell(text: str, column: Any, width: int) -> Text:
    bare = " ".join(text.split())
    quiet = {"0", "0 %", "0 B", "–", "-"}
    look = "dim" if bare in quiet else "yellow" if bare == UNKNOWN_WORD else ""
    room = width - terminal.cell_len(text)
    if room < 0:
        breaks = terminal.IN_TEXTS if column.folds else terminal.IN_PATHS
        return Text("\n".join(terminal.fold(text, width, breaks)), look)
    return Text(" " * room + text if column.align == "right" else text, look)


def both(table: Table, style: Style, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What is printed, and what rich would print."""
    ours = "".join(terminal.fragments(table, None, style))
    with monkeypatch.context() as patch:
        patch.setattr(terminal, "Drawn", draw)
        return ours, "".join(terminal.fragments(table, None, style))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", BASES)
def test_networks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(name)
    chosen = [COLUMNS[key] for key in ("path", "operator", "output", "params", "macs")]
    for columns, depth in ((chosen, 1), (tuple(COLUMNS.values()), 2)):
        table = report_table(found, columns, rows(found, depth)[:40])
        for style in STYLES[:: 1 if depth == 1 else 3]:
            ours, theirs = both(table, style, monkeypatch)
            assert ours == theirs, style


TEXTS = st.text("ab .,·|0–日本👩", max_size=30) | st.sampled_from(["0", "–", "unknown", "0 %", ""])


@given(
    titles=st.lists(TEXTS.filter(bool), min_size=1, max_size=4),
    values=st.lists(st.lists(TEXTS, min_size=4, max_size=4), max_size=4),
    totals=st.none() | st.lists(TEXTS, min_size=4, max_size=4),
    outputs=st.lists(st.lists(TEXTS, min_size=4, max_size=4), max_size=2),
    folds=st.booleans(),
    style=st.sampled_from(STYLES),
)
def test_any_texts(
    titles: list[str],
    values: list[list[str]],
    totals: list[str] | None,
    outputs: list[list[str]],
    folds: bool,
    style: Style,
) -> None:
    columns = tuple(
        Column(
            f"c{number}", title, itemgetter(number), align="right" if number % 2 else "left"
        )._replace(folds=folds and number == 0, priority=number)
        for number, title in enumerate(titles)
    )
    table = Table("title", columns, values, totals, [Fact("a", "footer")], outputs=outputs)
    with pytest.MonkeyPatch.context() as patch:
        ours, theirs = both(table, style, patch)
    assert ours == theirs
