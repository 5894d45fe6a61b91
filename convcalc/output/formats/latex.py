r"""Writes a LaTeX ``tabular`` with the rules of booktabs, the only package it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from convcalc.output.cells import grid
from convcalc.output.table import Style, Table, joined

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "→": r"$\rightarrow$",
        "–": "--",
        "…": r"\ldots{}",
        "\ufffd": "?",
    }
)


def fragments(table: Table, _payload: Any, style: Style) -> Iterator[str]:
    """Yield the title as a comment, the table, and the footer as small lines below."""
    lines = _lines(table, style)
    if style.ascii:
        lines = (line.encode("ascii", "replace").decode() for line in lines)
    return joined(lines)


def _lines(table: Table, style: Style) -> Iterator[str]:
    cells = grid(table, style._replace(ascii=False))
    spec = "".join("r" if column.align == "right" else "l" for column in table.columns)
    if cells.title:
        yield f"% {cells.title}"
    yield "% needs \\usepackage{booktabs}"
    yield f"\\begin{{tabular}}{{{spec}}}"
    yield from (r"\toprule", _row(cells.header), r"\midrule")
    yield from map(_row, cells.rows)
    if cells.outputs:
        yield from (r"\midrule", *map(_row, cells.outputs))
    if cells.totals is not None:
        yield from (r"\midrule", _row(cells.totals))
    yield from (r"\bottomrule", r"\end{tabular}")
    yield from (
        f"\\par\\noindent{{\\footnotesize {escape(str(fact))}\\par}}" for fact in cells.footer
    )


def escape(plain: str) -> str:
    """Escape a text so that LaTeX prints it literally."""
    return plain.translate(_SPECIAL)


def _row(cells: Sequence[str]) -> str:
    r"""Return one row; ``{}`` keeps ``[`` and ``*`` from being arguments of the ``\\`` before, and
    ``::`` from being taken for a command by a CI service.
    """
    line = " & ".join(map(escape, cells))
    return f"{'{}' if line.lstrip().startswith(('[', '*', '::')) else ''}{line} \\\\"
