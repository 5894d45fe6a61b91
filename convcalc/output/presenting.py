"""Results of the Python interface as text, HTML and JSON, and for rich.

:mod:`convcalc.model.quantities.presented` asks for these functions by their names. A result is
shown as the command line shows it; all text goes through the gate for text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from rich.console import Console, ConsoleOptions
from rich.text import Text

from convcalc.analysis.agreement.agreement import Agreement
from convcalc.analysis.agreement.to_json import agreement_payload
from convcalc.analysis.comparison.compare import Difference
from convcalc.analysis.comparison.to_json import difference_payload
from convcalc.analysis.receptive_field.study import Study
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.rows import rows
from convcalc.analysis.report.to_json import layer_payload, report_payload
from convcalc.checking.outcome import Outcome
from convcalc.diagnostics.visible import exact_json, fence, visible
from convcalc.model.graph.network import Network
from convcalc.output.cells import clean_facts
from convcalc.output.columns import COLUMNS, DEFAULT, with_extra_columns
from convcalc.output.table import Fact, Style, Table, render
from convcalc.output.views.network import report_table

MOST_ROWS = 60  # of a table in a notebook
_BOX = "font-family:monospace;white-space:pre-wrap;overflow-x:auto;line-height:1.3"
_BOX_WIDTH = 100  # characters


class _Way(NamedTuple):
    """How results of one class are shown: as text, and in JSON types if they have such a form."""

    text: Callable[[Any, Style], str]
    payload: Callable[[Any], dict[str, Any]] | None = None


# --- what results ask for ------------------------------------------------------------------------


def text(result: Any, width: int | None = None) -> str:
    """Return what the command line prints, without colour."""
    return fence(_way(result).text(result, Style(width=width)))


def html(result: Any) -> str:
    """Return a small HTML table, or preformatted text, in the colours of the page around it."""
    if isinstance(result, Report):
        table = _report_table(result)
        more = len(table.rows) - MOST_ROWS
        if more > 0:
            fact = Fact("rows", f"{more:,} more; to_text() and to_pandas() hold all of them")
            table = table._replace(rows=table.rows[:MOST_ROWS], footer=(fact, *table.footer))
        return render("html", table, None, Style())
    shown = escape(text(result, _BOX_WIDTH)).encode("ascii", "xmlcharrefreplace").decode()
    return f'<pre class="convcalc" style="{_BOX}">{shown}</pre>'


def rich_lines(result: Any, console: Console, options: ConsoleOptions) -> Iterable[Text]:
    """Yield what the command line prints, line by line, at the width and colours of a console."""
    color = console.color_system is not None and not console.no_color
    plain = not (options.encoding or "utf-8").lower().startswith("utf")
    style = Style(color=color, width=options.max_width, ascii=plain or options.ascii_only)
    shown = fence(_way(result).text(result, style), colored=color)
    for line in shown.split("\n"):
        yield Text.from_ansi(line, overflow="fold")


def payload(result: Any) -> dict[str, Any]:
    """Return a result in JSON types, with the keys of the command's ``-f json``."""
    way = _way(result)
    assert way.payload is not None, type(result)
    return way.payload(result)


def json_text(result: Any, indent: int | None) -> str:
    """Return a result as JSON, in ASCII."""
    return exact_json(payload(result), indent)


# --- classes of results --------------------------------------------------------------------------


def _report_table(report: Report) -> Table:
    columns = with_extra_columns(report, [COLUMNS[key] for key in DEFAULT])
    if report.roofline is not None:
        from convcalc.output.bound_columns import BOUND_COLUMNS
        from convcalc.output.bound_columns import DEFAULT as OF_DEVICE

        columns += [BOUND_COLUMNS[key] for key in OF_DEVICE]
    return report_table(report, columns, rows(report, 1))


def _report_text(report: Report, style: Style) -> str:
    return render("table", _report_table(report), None, style)


def _network_text(network: Network, _style: Style) -> str:
    lines = [visible(repr(network)[1:-1])]
    lines += [f"input {visible(name)}: {shape}" for name, shape in network.inputs.items()]
    made = {name: network.shape(number) for name, number in network.outputs.items()}
    lines += [f"output {visible(name)}: {shape}" for name, shape in made.items()]
    if network.problems:
        lines.append(f"problems: {len(network.problems):,}; see network.problems")
    return "\n".join([*lines, "convcalc.analyse(network) has its numbers"])


def _difference_text(found: Difference, style: Style) -> str:
    from convcalc.output.views.differences import text as shown
    from convcalc.output.views.layer_differences import View

    if found.is_same:
        return f"{visible(found.title)}\nnothing changed"
    return shown([found], View(0), "table", style)


def _study_text(study: Study, style: Style) -> str:
    from convcalc.output.lines import fact_lines
    from convcalc.output.views.receptive_field import receptive_field_facts

    return "\n".join(fact_lines(clean_facts(receptive_field_facts(study), style), style.width))


def _study_payload(study: Study) -> dict[str, Any]:
    from convcalc.output.views.receptive_field_data import study_payload

    return study_payload(study)


def _agreement_text(found: Agreement, style: Style) -> str:
    from convcalc.output.views.agreement import text as shown

    return shown(found, (visible(found.old.name), visible(found.new.name)), "table", style)


def _outcome_text(found: Outcome, style: Style) -> str:
    return _findings(found, "full", colored=style.color)


def _outcome_payload(found: Outcome) -> dict[str, Any]:
    from json import loads

    payload: dict[str, Any] = loads(_findings(found, "json"))
    return payload


def _findings(found: Outcome, form: str, *, colored: bool = False) -> str:
    from convcalc.output.findings.base import View, chunks

    return "\n".join(chunks(form, found.files, View(False, False, colored, False)))


def _sweep_text(found: Any, style: Style) -> str:
    from convcalc.output.views.sweep import sweep_text, sweep_title

    network, plan, tally = found.presented()
    return sweep_text("table", sweep_title(visible(network), plan), {}, tally, style)


def _sweep_payload(found: Any) -> dict[str, Any]:
    from convcalc.output.views.sweep import about_sweep, sweep_payload

    network, plan, tally = found.presented()
    return sweep_payload(about_sweep(network, plan, (), {}), plan, tally, tally.shown)


_WAYS: Mapping[type, _Way] = {
    Report: _Way(_report_text, report_payload),
    Network: _Way(_network_text),
    LayerReport: _Way(lambda layer, _: repr(layer), layer_payload),
    Difference: _Way(_difference_text, difference_payload),
    Study: _Way(_study_text, _study_payload),
    Agreement: _Way(_agreement_text, agreement_payload),
    Outcome: _Way(_outcome_text, _outcome_payload),
}


def _way(result: Any) -> _Way:
    kinds: Sequence[type] = type(result).__mro__
    return next((_WAYS[kind] for kind in kinds if kind in _WAYS), _SWEEP)


# The way of sweeps, whose class is not imported here, since numpy comes with it.
_SWEEP = _Way(_sweep_text, _sweep_payload)
