"""The text of a progress bar; imported when one is drawn."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.theme import Theme

from convcalc.diagnostics.visible import fence

BAR = 24  # characters
USUAL, WIDEST = 80, 400  # characters of the line where the terminal does not say, and at most
# Styles that the fence lets through.
PLAIN: dict[str, Any] = {"markup": False, "style": "none"}
DONE, LEFT = "bold", "dim"


class Line:
    """A line that shows how much is done, since when, and the name of what was done last."""

    def __init__(self, verb: str, total: int | None, began: float, *, colored: bool) -> None:
        self.colored = colored
        self.total = total
        self.screen = Console(
            file=sys.stderr,
            color_system="standard" if colored else None,
            force_terminal=True,
            highlight=False,
            markup=False,
            emoji=False,
            theme=Theme({"progress.elapsed": "none"}),
        )
        self.progress = Progress(
            *_columns(total), console=self.screen, auto_refresh=False, expand=True
        )
        self.task = self.progress.add_task(verb, total=total, name="")
        self.progress.tasks[0].start_time = self.progress.get_time() - (monotonic() - began)

    @property
    def is_possible(self) -> bool:
        """Whether a line can be erased: not on the console of an old Windows."""
        return not self.screen.legacy_windows

    def text(self, done: int, name: str) -> str:
        """The line as it is now, for the terminal as wide as it is now."""
        width = USUAL
        with suppress(OSError, ValueError):
            width = os.get_terminal_size(sys.stderr.fileno()).columns or USUAL
        self.screen.width = max(min(width, WIDEST) - 1, 1)  # so that no terminal breaks the line
        shown = done if self.total is None else min(done, self.total)
        self.progress.update(self.task, completed=shown, name=name)
        with self.screen.capture() as captured:
            self.screen.print(self.progress.get_renderable(), end="")
        first = captured.get().partition("\n")[0]
        return fence(first, colored=self.colored)


def _columns(total: int | None) -> list[ProgressColumn]:
    """The columns, of which the name takes what the others leave."""
    name = TextColumn("{task.fields[name]}", table_column=Column(no_wrap=True, ratio=1), **PLAIN)
    verb = TextColumn("{task.description}", **PLAIN)
    if total is None:
        return [verb, SpinnerColumn("line", style="none"), TimeElapsedColumn(), name]
    bar = BarColumn(BAR, style=LEFT, complete_style=DONE, finished_style=DONE)
    count = TextColumn("{task.completed:,}/{task.total:,}", **PLAIN)
    return [verb, bar, count, TimeElapsedColumn(), name]
