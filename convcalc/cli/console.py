"""The options of every command (output format, file, colour, quiet), and writing of text.

A value comes from a flag (before or after the command's name), else from the environment,
else from the default.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, TextIO

from convcalc.diagnostics.visible import fence, visible
from convcalc.diagnostics.work import LIMITS, Work
from convcalc.errors import Error
from convcalc.language.sources.gate import advice, reason
from convcalc.language.sources.project import Project, project, upward

if TYPE_CHECKING:
    from convcalc.diagnostics.diagnostic import Diagnostic
    from convcalc.output.table import Style

CLEAN, FINDINGS, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130
PIECE = 200_000  # characters of a long result that are written at once
LONGEST_LINE = 10_000  # characters of a line of a message, which may hold several long texts
MOST_KEPT = 400_000  # characters of a result that may be kept
WIDEST = 10_000  # characters of a line, whatever COLUMNS says
OWN, SHARED = "convcalc.toml", "pyproject.toml"
COLORS = ("auto", "always", "never")
_ASCII = str.maketrans(
    {"×": "x", "…": "...", "–": "-", "—": "-", "·": "*", "→": "->"} | dict.fromkeys("▏▎▍▌▋▊▉█", "#")
)


class Failure(Error):
    """The command cannot run: wrong usage or a file that cannot be read or written."""


class Settings:
    """The values of the options that every command has."""

    __slots__ = (
        "allow_outside",
        "color",
        "limits",
        "output_file",
        "output_format",
        "quiet",
        "remarks",
        "root",
        "written",
    )

    def __init__(self) -> None:
        self.output_format = ""
        self.output_file = environment("OUTPUT_FILE")
        self.color = environment("COLOR") or "auto"
        self._tell_screen()
        self.quiet = environment("QUIET") not in ("", "0", "false")
        self.root = environment("ROOT")
        self.allow_outside = False
        self.limits = environment("LIMIT")
        self.written: list[str] | None = None  # the pieces of the result, if they are to be kept
        self.remarks: list[str] = []  # what was said besides

    def update(
        self,
        output_format: str,
        output_file: str,
        color: str,
        quiet: bool,
        root: str = "",
        allow_outside: bool = False,
        limit: str = "",
    ) -> None:
        """Applies flags; later calls win, as the flags after the command's name do."""
        self.output_format = output_format or self.output_format
        self.output_file = output_file or self.output_file
        self.color = color or self.color
        self._tell_screen()
        self.quiet = quiet or self.quiet
        self.root = root or self.root
        self.allow_outside = allow_outside or self.allow_outside
        self.limits = limit or self.limits

    def _tell_screen(self) -> None:
        """Messages to stderr have colours as results have."""
        _screen.color = self.color if self.color in COLORS else COLORS[0]

    def work(self) -> Work:
        """The budget of work of the command, with the limits that are set: ``layers=10,work=9``."""
        allowed = {}
        for word in filter(None, self.limits.split(",")):
            name, _, number = map(str.strip, word.partition("="))
            choose(name, LIMITS, "--limit")
            if not (number.isdecimal() and number.isascii() and int(number[:20]) > 0):
                raise Failure(f"--limit {name} is '{number}', which is not a number from 1 on")
            allowed[name] = int(number[:20])
        return Work(allowed=allowed)

    def project(self) -> Project:
        """Return the project, outside of which no file is read; raises Failure if --root is not a
        folder.
        """
        if self.root and not os.path.isdir(self.root):  # noqa: PTH112 - a word, not yet a path
            raise Failure(f"--root {self.root} is not a folder", "name the folder of the project")
        try:
            return Project(self.root, allow_outside=self.allow_outside)
        except OSError as error:
            raise Failure(f"--root {self.root} cannot be found: {reason(error)}") from None

    def format(self, formats: Sequence[str]) -> str:
        """The output format of a command; the first of ``formats`` is its default.

        A format from the environment is ignored by commands that do not have it.
        """
        if self.output_format:
            return choose(self.output_format, formats, "output format")
        wanted = environment("OUTPUT_FORMAT")
        return wanted if wanted in formats else formats[0]

    def style(self, *, exact: bool = False) -> Style:
        """The style of tables for the place where the result goes."""
        from convcalc.output.table import Style

        out = self._stream
        return Style(
            exact=exact,
            color=self.is_colored,
            width=_width(out),
            ascii=out is not None and not _can_encode(out, "×…─━"),
            quiet=self.quiet,
        )

    def write(self, text: str, *, returns: bool = False) -> None:
        """Writes a result to the output file, or else to stdout.

        ``returns`` says that its lines may end in a carriage return.
        """
        self.write_all((text,), returns=returns)

    def write_all(
        self, pieces: Iterable[str], *, commands: bool = False, returns: bool = False
    ) -> None:
        """Writes a result in pieces, each as soon as it is ready; into a file all at once.

        ``commands`` says that it holds annotations for GitHub.
        """
        own = {"colored": self.is_colored, "commands": commands, "returns": returns}
        shown = (fence(piece, **own) for piece in self._recorded(pieces, "\n"))
        if self._is_file:
            write_file(self.output_file, "\n".join(shown) + "\n")
        else:
            for piece in shown:
                _print(piece + "\n")

    def write_fragments(self, fragments: Iterable[str]) -> None:
        """Writes a result that comes in fragments, each the continuation of the one before.

        A fragment ends where a line does, or within a line of JSON before a bracket or a comma.
        Nothing more is made when the pipe that reads it is closed; a file is written all at once.
        """
        colored = self.is_colored
        gathered = self._recorded(_gathered(fragments))
        shown = (fence(text, colored=colored) for text in gathered)
        if self._is_file:
            write_file(self.output_file, shown)
        elif not all(map(_print, shown)):
            self.written = None  # nobody reads on, so the rest is missing

    def _recorded(self, pieces: Iterable[str], end: str = "") -> Iterator[str]:
        """The pieces, recorded with their ends if they are to be kept and not too large."""
        for piece in pieces:
            yield piece
            if self.written is not None:
                self.written.append(piece + end)
                if sum(map(len, self.written)) > MOST_KEPT:
                    self.written = None

    def write_nothing(self) -> None:
        """Writes an empty result: nothing to stdout; an output file is emptied."""
        if self._is_file:
            write_file(self.output_file, "")

    @property
    def is_colored(self) -> bool:
        """Whether results have colours."""
        return is_colored(choose(self.color, COLORS, "--color"), self._stream)

    @property
    def _stream(self) -> TextIO | None:
        return None if self._is_file else sys.stdout

    @property
    def _is_file(self) -> bool:
        return self.output_file not in ("", "-")

    def note(self, *lines: str) -> None:
        """Writes lines of a remark to stderr, unless quiet."""
        self.remarks += lines
        if not self.quiet:
            say(*lines)


def environment(name: str) -> str:
    """The variable ``CONVCALC_<name>``; empty if it is not set."""
    return os.environ.get(f"CONVCALC_{name}", "")


def settings_files() -> Iterator[str]:
    """The files that may have the settings of the current folder, the closest first.

    Only their presence is looked at; a shared one may have none.
    """
    if is_set("ISOLATED"):
        return
    if named := environment("CONFIG"):
        yield named
        return
    here = project()
    with suppress(OSError):  # the current folder may be gone
        for folder in upward(here.start):
            for name in (OWN, SHARED):
                path = f"{folder.rstrip(os.sep)}{os.sep}{name}"
                if os.path.isfile(path):  # noqa: PTH113 - at every start
                    yield path
            if here.is_top(folder):
                return


def is_set(name: str) -> bool:
    """Whether the variable ``CONVCALC_<name>`` switches something on."""
    return environment(name) not in ("", "0", "false")


def choose(word: str, valid: Iterable[str], what: str) -> str:
    """``word`` if it is valid; otherwise raises Failure, which lists the valid words."""
    valid = tuple(valid)
    if word in valid:
        return word
    from convcalc.diagnostics.suggestion import advise

    message = f"{what} is '{word}', but must be one of: {', '.join(valid)}"
    raise Failure(message, advise(word, valid))


# --- where text goes -----------------------------------------------------------------------------


def write_file(path: str, content: str | bytes | Iterable[str | bytes]) -> None:
    """Writes a file, of text, of bytes, or of fragments of either as they are made; raises Failure
    if that is not possible."""
    from convcalc.language.sources import atomic_write

    pieces = (content,) if isinstance(content, str | bytes) else content
    encoded = (
        piece.encode("utf-8", "backslashreplace") if isinstance(piece, str) else piece
        for piece in pieces
    )
    try:
        atomic_write.write_file(path, encoded)
    except OSError as error:
        raise unwritable(path, error) from None


def append_file(path: str, text: str) -> None:
    """Appends to a text file; raises Failure if that is not possible."""
    from convcalc.language.sources import atomic_write

    try:
        atomic_write.append_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str, error: OSError) -> Failure:
    """The error for a file that cannot be written."""
    return Failure(f"cannot write {path}: {reason(error)}", advice(error))


def beside_progress() -> Any:
    """Holds a progress bar off the screen where something is written; see ``cli/progress.py``."""
    return shown_bars[-1].hidden() if shown_bars else nullcontext()


shown_bars: list[Any] = []  # the progress bar, if there is one


def say(*lines: str) -> None:
    """Writes lines of a message to stderr; a line break within one is shown as an escape.

    Where that fails, nobody can be told: the exit code says what happened.
    """
    _say([visible(line, LONGEST_LINE) for line in lines])


def say_diagnostic(found: Diagnostic, sources: Mapping[str, str]) -> None:
    """Writes a diagnostic to stderr, with the lines of the sources that it points at."""
    from convcalc.diagnostics.text import full_text

    text = full_text(found, sources, _screen_width())
    _say([visible(line, LONGEST_LINE) for line in text.split("\n")])


def _say(lines: Sequence[str]) -> None:
    if sys.stderr is None:
        return
    color = is_colored(_screen.color, sys.stderr)
    width = _screen_width()
    if color or width is not None:
        from convcalc.diagnostics.painting import lines_for_terminal

        lines = lines_for_terminal(lines, width, color=color)
    text = fence("\n".join(lines), colored=color)
    try:
        with beside_progress():
            sys.stderr.write(_make_encodable(sys.stderr, text) + "\n")
            sys.stderr.flush()
    except (OSError, ValueError):
        _silence(sys.stderr)


class _Screen:
    """Whether messages are to have colours."""

    color = "auto"


_screen = _Screen()


def _screen_width() -> int | None:
    """The width of the terminal for messages; None if they go elsewhere."""
    return _width(sys.stderr) if is_terminal(sys.stderr) else None


def is_terminal(stream: TextIO | None) -> bool:
    """Whether what is written to a stream appears on a terminal; not if it is closed."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def print_text(text: str) -> None:
    """Writes a page of convcalc's own, such as help, to stdout."""
    _print(fence(text) + "\n")


def _gathered(fragments: Iterable[str]) -> Iterator[str]:
    """The fragments and a newline at the end, joined to texts of some size."""
    held: list[str] = []
    size = 0
    for fragment in fragments:
        held.append(fragment)
        size += len(fragment)
        if size > PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join([*held, "\n"])


def _print(text: str) -> bool:
    """Writes to stdout what is behind the fence; a closed pipe (``| head``) is not an error.

    Returns whether anybody reads on.
    """
    if sys.stdout is None:
        raise Failure("cannot write the result: standard output is closed")
    try:
        with beside_progress():
            sys.stdout.write(_make_encodable(sys.stdout, text))
            sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        return False
    except OSError as error:
        _silence(sys.stdout)
        raise Failure(f"cannot write the result: {reason(error)}") from None
    except ValueError as error:  # an encoding that is none for text
        raise Failure(f"cannot write the result: {error}") from None
    return True


def _silence(stream: TextIO) -> None:
    """Redirects a stream to nowhere; flushing its buffer at exit would fail again."""
    with suppress(OSError, ValueError):  # a stream without a file, or no file is left to open
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeError:
        return False
    return True


def _make_encodable(stream: TextIO, text: str) -> str:
    """The text with replacements for characters that the stream cannot encode."""
    if _can_encode(stream, text):
        return text
    encoding = stream.encoding or "utf-8"
    with suppress(UnicodeError):  # a codec that knows no replacements
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode()


def is_colored(choice: str, out: TextIO | None) -> bool:
    """Whether to use colour: by flag, NO_COLOR, FORCE_COLOR, or the terminal, in that order.

    See https://no-color.org.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return out is not None and out.isatty() and os.environ.get("TERM") != "dumb"


def _width(out: TextIO | None) -> int | None:
    """The width of the terminal in characters; None, for no limit, without a terminal."""
    columns = os.environ.get("COLUMNS", "")
    if out is None:
        return None
    if columns.isdecimal() and columns.isascii() and (digits := columns.lstrip("0")):
        return int(digits) if len(digits) < len(str(WIDEST)) else WIDEST
    try:
        return min(os.get_terminal_size(out.fileno()).columns, WIDEST) or None
    except (OSError, ValueError):
        return None
