"""What the playground asks of convcalc, answered as JSON.

It runs in Pyodide, in a worker of the browser, without typer and rich; ``worker.ts`` calls it. The
text is that of one file, FILE; every text of an answer has passed the gate for text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from json import dumps
from pathlib import Path
from typing import Any

import convcalc
from convcalc.analysis.analyse import analyse
from convcalc.analysis.conventions import convention_names
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.rows import AnyRow, rows
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.visible import visible
from convcalc.importing.opening import open_source
from convcalc.language.head.head import BASE
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.project import opened
from convcalc.language.sources.shipped import shipped_files
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network
from convcalc.model.quantities.sizes_text import Sizes, given_sizes
from convcalc.output.cells import grid, plain_rows
from convcalc.output.columns import COLUMNS, with_extra_columns
from convcalc.output.table import Style, Table
from convcalc.output.topics import folder, topics
from convcalc.output.views.network import report_table

FILE = "network.convcalc.yaml"
SHOWN = ("path", "operator", "output", "kernel_size", "params", "macs", "receptive_field", "jump")
MOST_ROWS = 2000
# Warnings that the numbers are those of another input than was meant.
ABOUT_INPUT = frozenset({"batch-in-input", "channels-last-input", "declared-size-kept"})
PATTERN = re.compile(r"^## (.+?)$|^```yaml\n# (\S+)\.convcalc\.yaml\n(.*?)^```$", re.M | re.S)

_last: list[Network] = []  # the network that was analysed last, of which fields are drawn


# --- networks ------------------------------------------------------------------------------------


def analysis(
    text: str, variant: str = "", sizes: str = "", convention: str = "", depth: int = 1
) -> str:
    """The table of a file's network and its problems; ``depth`` 0 expands all blocks."""
    _last.clear()
    answer: dict[str, Any] = {"error": None, "problems": [], "table": None, "names": {}}
    with convcalc.limits(), opened("", allow_outside=False):
        try:
            source = open_source(Target(FILE, text=text))
            answer |= _declared(source)
            given = None if not sizes.strip() else _given(sizes)
            network = source.network(variant if variant in answer["variants"] else None, given)
            report = analyse(network, convention=convention)
            answer["problems"] = [
                _problem(each)
                for each in network.problems
                if each.severity == "error" or each.name in ABOUT_INPUT
            ]
            if report.layers or not report.problems:
                answer["table"] = _table(report, depth)
            _last.append(network)
        except convcalc.Error as error:
            answer["error"] = _error(error)
    return dumps(answer)


def _given(text: str) -> Any:
    """``3x64x64``, or ``left=3x64x64 right=1x64x64``."""
    words = text.split()
    if not any("=" in word for word in words):
        return given_sizes(text)
    named: dict[str, Sizes | str] = {}
    for word in words:
        name, _, value = word.partition("=")
        named[name] = value
    return given_sizes(named)


def _declared(source: Any) -> dict[str, Any]:
    """What the file declares: its variants, and the names that completion offers."""
    document = source.document if isinstance(source, NetworkSource) else None
    if document is None:
        return {"variants": [], "base": BASE, "names": None}
    unit = document.unit
    blocks = {name: list(block.params) for name, block in unit.blocks.items()}
    for alias, other in unit.imports.items():
        for name, block in (other.blocks if other else {}).items():
            blocks[f"{alias}.{name}"] = list(block.params)
    names = {"blocks": blocks, "params": list(unit.params)}
    return {"variants": list(unit.variants), "base": BASE, "names": names}


def _table(report: Report, depth: int) -> dict[str, Any]:
    """The table that ``convcalc show`` prints, with exact values beside the texts."""
    listed = rows(report, depth or None)
    cut = len(listed) - MOST_ROWS
    shown = listed[:MOST_ROWS]
    columns = with_extra_columns(report, [COLUMNS[key] for key in SHOWN])
    table = report_table(report, columns, shown)
    texts = grid(table, Style())
    exact = _exact(table)
    return {
        "title": texts.title,
        "columns": [
            {"key": column.key, "title": title, "right": column.align == "right"}
            for column, title in zip(columns, texts.header, strict=True)
        ],
        "rows": [
            {"path": row.path, "cells": cells, "exact": values, "place": _own_place(row)}
            for row, cells, values in zip(shown, texts.rows, exact, strict=True)
        ],
        "more": max(cut, 0),
        "outputs": texts.outputs,
        "totals": {
            "cells": texts.totals,
            "exact": next(_exact(table._replace(rows=[table.totals]))),
        },
        "footer": list(map(str, texts.footer)),
    }


def _exact(table: Table) -> Iterator[list[str]]:
    lines = plain_rows(table, Style(exact=True))
    next(lines)  # the keys
    return lines


def _own_place(row: AnyRow) -> list[int] | None:
    """Line and column of a layer that stands in the file itself."""
    if not isinstance(row, LayerReport) or row.source.file != FILE:
        return None
    return [row.source.line, row.source.column]


# --- problems ------------------------------------------------------------------------------------


def findings(text: str) -> str:
    """What ``convcalc check`` finds in all variants of the file."""
    Path(FILE).write_text(text, "utf-8")
    try:
        found = convcalc.check(FILE, isolated=True)
    except convcalc.Error as error:
        return dumps({"error": _error(error), "problems": [], "budgets": None})
    verdicts = found.verdicts
    budgets = {"passed": sum(each.passed for each in verdicts), "all": len(verdicts)}
    return dumps(
        {"error": None, "problems": list(map(_problem, found.findings)), "budgets": budgets}
    )


def _problem(found: Diagnostic) -> dict[str, Any]:
    return {
        "severity": found.severity,
        "code": found.code,
        "name": found.name,
        "message": visible(found.message),
        "help": visible(found.help),
        "within": visible(found.within),
        "measured": visible(found.measured),
        "notes": list(map(visible, found.notes)),
        **_placed(found.place),
        "related": [{**_placed(each.place), "note": visible(each.note)} for each in found.related],
    }


def _placed(place: Place) -> dict[str, Any]:
    """Line and column count from 1, in code points; 0 in another file."""
    own = place.file == FILE
    shown = f"{place.line}:{place.column}" if own else visible(str(place))
    line, column, end = (place.line, place.column, place.end) if own else (0, 0, 0)
    return {"line": line, "column": column, "end": end, "where": shown}


def _error(error: convcalc.Error) -> dict[str, str]:
    return {"message": visible(error.message), "help": visible(error.help)}


# --- receptive fields ----------------------------------------------------------------------------


def field(path: str) -> str:
    """The picture of what a layer sees, and the same in words; of the output by default."""
    from convcalc.analysis.receptive_field.study import study
    from convcalc.output.views.cone import cone_svg
    from convcalc.output.views.receptive_field import receptive_field_facts

    if not _last:
        return dumps({"error": {"message": "there is no network", "help": ""}})
    with convcalc.limits():
        try:
            found = study(_last[0], path)
            lines = [visible(str(fact)) for fact in receptive_field_facts(found)]
            return dumps({"error": None, "svg": cone_svg(found), "lines": lines})
        except convcalc.Error as error:
            return dumps({"error": _error(error)})


# --- what the page offers ------------------------------------------------------------------------


def choices() -> str:
    """The conventions, the patterns of the book and the built-in networks."""
    names = [path.name.partition(".")[0] for path in shipped_files()]
    return dumps(
        {
            "version": convcalc.__version__,
            "conventions": convention_names(),
            "patterns": [[title, text] for title, text in _patterns()],
            "networks": names,
        }
    )


def network_text(name: str) -> str:
    """The text of a built-in network."""
    found = next(path for path in shipped_files() if path.name.partition(".")[0] == name)
    return dumps({"text": found.read_text("utf-8")})


def _patterns() -> Iterator[Sequence[str]]:
    """The networks on the page of patterns, each with the heading above it."""
    text = (folder() / topics()["patterns"].file).read_text("utf-8")
    title = ""
    for heading, _, content in PATTERN.findall(text):
        title = heading or title
        if content:
            yield title, content
