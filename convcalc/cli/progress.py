"""A progress bar for what takes longer than a second, on a terminal at which a person sits.

It is one line of stderr, drawn by a thread, and removed while anything else is written and at the
end. Results stay what they are: a bar that has not been drawn costs no import.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

from convcalc.cli.console import is_colored, shown_bars
from convcalc.diagnostics.visible import visible

if TYPE_CHECKING:
    from convcalc.cli.console import Settings

FIRST, EACH = 1.0, 0.2  # seconds until the bar is drawn, and from then on
LONGEST = 200  # characters of a name
STDIN = "-"  # at which a person may be typing
ERASE = "\r\x1b[2K"  # the line of the cursor


@contextmanager
def progress(
    verb: str, total: int | None, settings: Settings, name: str = ""
) -> Iterator[Callable[..., None]]:
    """Shows how far a loop is; yields what it calls with the name of each thing that is done, and
    with the number of things if it is not one.

    ``verb`` is what is done, such as ``checking``. Without a ``total`` only time is shown, beside
    ``name``. The thread starts at the first thing that is done, when worker processes are forked
    already, or at once if there is no ``total``.
    """
    if name == STDIN or not is_wanted(settings):
        yield _nothing
        return
    colored = is_colored(settings.color, sys.stderr)
    bar = Bar(verb, total, visible(name, LONGEST), colored=colored)
    shown_bars.append(bar)
    try:
        if total is None:
            bar.start()
        yield bar.step
    finally:
        bar.end()
        shown_bars.remove(bar)


def _nothing(_name: str, _count: int = 1) -> None:
    """Shows no progress."""


def is_wanted(settings: Settings) -> bool:
    """Whether a person waits at a terminal, and nothing else may have its screen.

    What reads stdout through a pipe may be a pager.
    """
    if settings.quiet or sys.stderr is None or sys.stdout is None:
        return False
    if os.environ.get("CI", "") not in ("", "0", "false") or os.environ.get("TERM") == "dumb":
        return False
    with suppress(OSError, ValueError):
        if not sys.stderr.isatty():
            return False
        kind = os.fstat(sys.stdout.fileno()).st_mode
        return not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind))
    return False


class Bar:
    """The line, and the thread that draws it."""

    def __init__(self, verb: str, total: int | None, name: str, *, colored: bool) -> None:
        from threading import Event, Lock

        self.verb, self.total, self.name, self.colored = verb, total, name, colored
        self.done = 0
        self.began = monotonic()
        self.ended = Event()
        self.lock = Lock()
        self.is_drawn = self.is_started = False

    def start(self) -> None:
        """Starts the thread; the bar is there a second after it was made."""
        from threading import Thread

        self.is_started = True
        with suppress(RuntimeError):  # no more threads: then there is no bar
            Thread(target=self._run, daemon=True).start()

    def step(self, name: str, count: int = 1) -> None:
        """Counts one more thing as done, or several."""
        self.done, self.name = self.done + count, visible(name, LONGEST)
        if not self.is_started:
            self.start()

    def end(self) -> None:
        """Ends the thread, and leaves no trace on the screen."""
        self.ended.set()
        with self.hidden():
            pass

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Holds the bar off the screen, where something is written."""
        with self.lock:
            if self.is_drawn:
                self.is_drawn = False
                _write(ERASE)
            yield

    def _run(self) -> None:
        """Draws until the end; whatever goes wrong, the command goes on without a bar."""
        if not self.ended.wait(max(0.0, self.began + FIRST - monotonic())):
            with suppress(Exception):
                self._draw()

    def _draw(self) -> None:
        """Draws until the end, or until nothing can be written."""
        from convcalc.cli.progress_line import Line

        line = Line(self.verb, self.total, self.began, colored=self.colored)
        while line.is_possible and not self.ended.is_set():
            text = line.text(self.done, self.name)
            with self.lock:
                if self.ended.is_set():
                    return
                self.is_drawn = _write(f"{ERASE}{text}\r")  # where an echoed ^C wraps nothing
                if not self.is_drawn:
                    return
            self.ended.wait(EACH)


def _write(text: str) -> bool:
    """Writes to the terminal; returns whether that was possible."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return False
    return True
