"""What every command takes: output format, file, colour, quiet; and where text goes.

A value comes from a flag (before or after the command's name), else from the environment,
else from the default.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from convcalc.errors import Error

if TYPE_CHECKING:
    from convcalc.output.table import Style

CLEAN, FINDINGS, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130
COLORS = ("auto", "always", "never")
_ASCII = str.maketrans({"×": "x", "…": "...", "–": "-", "—": "-", "·": "*", "→": "->"})


class Failure(Error):
    """The command cannot run: wrong usage or a file that cannot be read or written."""


class Settings:
    """The values of the options that every command has."""

    __slots__ = ("color", "output_file", "output_format", "quiet")

    def __init__(self) -> None:
        self.output_format = ""
        self.output_file = environment("OUTPUT_FILE")
        self.color = environment("COLOR") or "auto"
        self.quiet = environment("QUIET") not in ("", "0", "false")

    def update(self, output_format: str, output_file: str, color: str, quiet: bool) -> None:
        """Flags that were given; those after the command's name come last and win."""
        self.output_format = output_format or self.output_format
        self.output_file = output_file or self.output_file
        self.color = color or self.color
        self.quiet = quiet or self.quiet

    def format(self, formats: Sequence[str]) -> str:
        """The output format of a command; the first of ``formats`` is its default.

        A format in the environment is meant for the commands that have it.
        """
        if self.output_format:
            return choose(self.output_format, formats, "output format")
        wanted = environment("OUTPUT_FORMAT")
        return wanted if wanted in formats else formats[0]

    def style(self, *, exact: bool = False) -> Style:
        """How a table looks at the place where it will be shown."""
        from convcalc.output.table import Style

        out = None if self._is_file else sys.stdout
        return Style(
            exact=exact,
            color=_is_colored(choose(self.color, COLORS, "--color"), out),
            width=_width(out),
            ascii=out is not None and not _can_encode(out, "×…─━"),
        )

    def write(self, text: str) -> None:
        """A result: to the output file, else to stdout."""
        if self._is_file:
            write_file(self.output_file, text + "\n")
        else:
            _print(text)

    def write_all(self, pieces: Iterable[str]) -> None:
        """A result in pieces, each as soon as it is there; into a file all at once."""
        if self._is_file:
            self.write("\n".join(pieces))
        else:
            for piece in pieces:
                _print(piece)

    def write_nothing(self) -> None:
        """An empty result: nothing on stdout, and no old one in the output file."""
        if self._is_file:
            write_file(self.output_file, "")

    @property
    def _is_file(self) -> bool:
        return self.output_file not in ("", "-")

    def note(self, text: str) -> None:
        """A remark beside the result, on stderr; not if quiet."""
        if not self.quiet:
            say(text)


def environment(name: str) -> str:
    """The variable ``CONVCALC_<name>``; empty if it is not set."""
    return os.environ.get(f"CONVCALC_{name}", "")


def choose(word: str, valid: Iterable[str], what: str) -> str:
    """``word`` if it is valid; else a failure that says what would be."""
    valid = tuple(valid)
    if word in valid:
        return word
    from convcalc.diagnostics.suggestion import advise

    message = f"{what} is '{word}', but must be one of: {', '.join(valid)}"
    raise Failure(message, advise(word, valid))


# --- where text goes -----------------------------------------------------------------------------


def write_file(path: str, text: str) -> None:
    """Writes a text file."""
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - start-up
            file.write(text)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None


def say(text: str) -> None:
    """A message on stderr."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(_make_encodable(sys.stderr, text) + "\n")
        except BrokenPipeError:
            _silence(sys.stderr)


def _print(text: str) -> None:
    """To stdout; a reader that has seen enough (``| head``) is no error."""
    if sys.stdout is None:
        raise Failure("standard output is closed")
    try:
        sys.stdout.write(_make_encodable(sys.stdout, text) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        raise Failure(f"cannot write the result: {error.strerror}") from None


def _silence(stream: TextIO) -> None:
    """What is still buffered would fail once more when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _make_encodable(stream: TextIO, text: str) -> str:
    """The text with other characters for those that the stream cannot take."""
    if _can_encode(stream, text):
        return text
    encoding = stream.encoding or "utf-8"
    return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)


def _is_colored(choice: str, out: TextIO | None) -> bool:
    """By flag, else NO_COLOR, else FORCE_COLOR, else by the terminal (https://no-color.org)."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return out is not None and out.isatty() and os.environ.get("TERM") != "dumb"


def _width(out: TextIO | None) -> int | None:
    """The columns of the terminal; None where there is none, so that nothing is cut."""
    columns = os.environ.get("COLUMNS", "")
    if out is None:
        return None
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(out.fileno()).columns or None
    except (OSError, ValueError):
        return None
