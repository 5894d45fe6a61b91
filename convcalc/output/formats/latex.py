r"""Writes a LaTeX ``tabular`` with the rules of booktabs, the only package it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.output.cells import grid
from convcalc.output.table import Style, Table

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


def text(table: Table, _payload: Any, style: Style) -> str:
    """Return the title as a comment, the table, and the footer as small lines below."""
    cells = grid(table, style._replace(ascii=False))
    spec = "".join("r" if column.align == "right" else "l" for column in table.columns)
    body = [_row(row) for row in cells.rows]
    parts = [r"\midrule", *map(_row, cells.outputs)] if cells.outputs else []
    foot = [] if cells.totals is None else [r"\midrule", _row(cells.totals)]
    notes = [f"\\par\\noindent{{\\footnotesize {escape(line)}\\par}}" for line in cells.footer]
    lines = [
        *([f"% {cells.title}"] if cells.title else []),
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{spec}}}",
        *(r"\toprule", _row(cells.header), r"\midrule", *body, *parts, *foot, r"\bottomrule"),
        r"\end{tabular}",
        *notes,
    ]
    written = "\n".join(lines)
    return written.encode("ascii", "replace").decode() if style.ascii else written


def escape(plain: str) -> str:
    """Escape a text so that LaTeX prints it literally."""
    return plain.translate(_SPECIAL)


def _row(cells: Sequence[str]) -> str:
    r"""Return one row; ``{}`` keeps ``[`` and ``*`` from being arguments of the ``\\`` before, and
    ``::`` from being taken for a command by a CI service.
    """
    line = " & ".join(map(escape, cells))
    return f"{'{}' if line.lstrip().startswith(('[', '*', '::')) else ''}{line} \\\\"
