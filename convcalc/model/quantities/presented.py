"""Results as notebooks, terminals and other programs show them.

A result knows one line about itself, its ``repr``. Tables, HTML, JSON and data frames are made by
``output/presenting.py`` and ``output/frames.py``, in a room above. They are found by name when they
are asked for, so that nothing here depends on them and no command imports them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from convcalc.diagnostics.visible import visible

LONGEST_NAME = 60  # characters of a name in a repr
LISTED = 3  # names in a repr


def short(text: str, most: int = LONGEST_NAME) -> str:
    """A name from a file for one line: control characters as escapes, the middle left out."""
    text = visible(text, most)
    return text if len(text) <= 2 * most else f"{text[:most]}..."


def listed(texts: list[str]) -> str:
    """The first few of some texts, and how many more there are."""
    more = [f"and {len(texts) - LISTED:,} more"] if len(texts) > LISTED else []
    return ", ".join([*map(short, texts[:LISTED]), *more])


def number_of(count: int, what: str) -> str:
    """``1 layer``, ``1,204 layers``."""
    return f"{count:,} {what}{'s' * (count != 1)}"


class Shown:
    """The views of a result in notebooks and terminals.

    Jupyter shows a small HTML table, ``rich.print`` what the command line prints.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        """A small HTML table; every text from a file is escaped."""
        return str(_presenting().html(self))

    def __rich_console__(self, console: Any, options: Any) -> Any:
        """Return what the command line prints, at the width of the console; for ``rich``."""
        return _presenting().rich_lines(self, console, options)

    def to_text(self, width: int | None = None) -> str:
        """Return what the command line prints, without colour.

        Columns that do not fit into ``width`` characters are left out and named; None is unlimited.
        """
        return str(_presenting().text(self, width))


class Saved:
    """A result that can be written as JSON, with the keys of the command's ``-f json``."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The result in JSON types, with the keys of the command's ``-f json``.

        Integers are exact, bytes are bytes, an unknown number is None, shapes are lists with the
        batch first, and fractions are texts such as ``"7/2"``.
        """
        found: dict[str, Any] = _presenting().payload(self)
        return found

    def to_json(self, indent: int | None = 2) -> str:
        """The text of :meth:`to_dict` as ASCII JSON, as the command's ``-f json`` writes it."""
        return str(_presenting().json_text(self, indent))


class Tabular:
    """A result with one row per layer, for pandas and polars."""

    __slots__ = ()

    def to_pandas(self, depth: int | None = None) -> Any:
        """A ``pandas.DataFrame`` with one row per layer, indexed by ``path``.

        Its columns are those of ``convcalc list columns``: counts as nullable integers (``Int64``,
        or exact Python integers if one exceeds 64 bits), bytes in bytes, missing where unknown;
        shapes as tuples without the batch unless it exceeds 1. With ``depth`` 1, 2, … layers are
        summed up into the blocks of that level. Raises MissingPackage if pandas is not installed.
        """
        return _frames().to_pandas(self, depth)

    def to_polars(self, depth: int | None = None) -> Any:
        """A ``polars.DataFrame`` with the columns of :meth:`to_pandas`, ``path`` the first.

        Shapes are lists of integers. Raises MissingPackage if polars is not installed.
        """
        return _frames().to_polars(self, depth)


def _presenting() -> Any:
    return import_module("convcalc.output.presenting")


def _frames() -> Any:
    return import_module("convcalc.output.frames")
