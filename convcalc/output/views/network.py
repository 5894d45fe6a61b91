"""The table of a report, with its title, its totals, and a footer that says what was counted.

The lines are plain text with the characters ``×``, ``·`` and ``→``; the formats clean and
escape them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.analysis.report.report import PARAMS, ReceptiveField, Report, Totals
from convcalc.analysis.report.rows import AnyRow, Row, output_rows, target_row
from convcalc.model.operators.contract import KINDS
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import (
    UNKNOWN_WORD,
    at_least_text,
    count_text,
    memory_text,
)
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import axes_text, receptive_field_text
from convcalc.output.columns import Column
from convcalc.output.table import Table

TRAINING = "training"  # the memory option
LISTED = 5  # items that a line names before it counts the rest


def report_table(
    report: Report,
    columns: Sequence[Column],
    rows: Sequence[AnyRow],
    *,
    exact: bool = False,
    unfolded: str = "",
) -> Table:
    """Return the table of one report."""
    return Table(
        report_title(report),
        tuple(columns),
        rows,
        totals_row(report),
        report_footer(report, exact),
        outputs=output_rows(report),
        unfolded=unfolded,
    )


def report_title(report: Report) -> str:
    """Return ``resnet50 · 3×224×224 → 1000``, with the batch if it is not 1."""
    outputs = {name: each.shape for name, each in report.per_output.items()} or report.outputs
    batch = next((shape.batch for shape in report.inputs.values()), 1)
    sizes = " → ".join(filter(None, (_shapes_text(report.inputs), _shapes_text(outputs))))
    return " · ".join(filter(None, (report.network, sizes, f"batch {batch}" * (batch != 1))))


def _shapes_text(named: Mapping[str, Shape | None]) -> str:
    """Return shapes with their names; a single one without, unless it could not be computed."""
    if len(named) == 1 and None not in named.values():
        return str(next(iter(named.values())))
    return ", ".join(f"{name} {shape or UNKNOWN_WORD}" for name, shape in named.items())


def totals_row(report: Report) -> Row:
    """Return the row of totals, marked as incomplete if layers are missing."""
    count = report.totals.layers
    return target_row(report)._replace(
        outputs=(),  # which have rows of their own
        path="total" if report.complete else "total (incomplete)",
        operator=f"{count} layer{'s' * (count != 1)}",
    )


def report_footer(report: Report, exact: bool = False) -> list[str]:
    """Return the lines below the table."""
    lines = (
        _sums_line(report, exact),
        _counting_line(report, exact),
        *convention_lines(report, exact),
        _fusing_line(report, exact),
        *_bound_lines(report, exact),
        *_receptive_field_lines(report),
        _list_line(
            "declared, not computed", [each.path for each in report.layers if each.declared]
        ),
        _unknown_line(report),
        incomplete_line(report),
        _warnings_line(report),
    )
    return [line for line in lines if line]


def _sums_line(report: Report, exact: bool) -> str:
    totals = report.totals
    frozen = totals.params - totals.trainable
    learned = f"{count_text(frozen, exact=exact)} frozen" if frozen else "all trainable"
    if not known(frozen):
        learned = f"{_total_text(totals, 'trainable', exact)} trainable"
    items = (
        f"{_total_text(totals, 'params', exact)} params "
        f"({learned}; buffers {_total_text(totals, 'buffers', exact)})",
        _total_text(totals, "macs", exact, "MAC"),
        f"activations {_total_text(totals, 'activations', exact)}",
        _memory_text(report, exact),
    )
    return " · ".join(items)


def _total_text(totals: Totals, key: str, exact: bool, unit: str = "") -> str:
    """Return a count of the network, or what it is at least if something is missing from it."""
    text = _sum_text(totals.counts[key], totals.at_least.counts.get(key), exact, unit)
    return f"{COUNTS[key].title} {text}" if text == UNKNOWN_WORD and unit else text


def _sum_text(amount: int, least: int | None, exact: bool, unit: str = "") -> str:
    if least is None or not (least or known(amount)):
        return count_text(amount, unit, exact=exact)
    return at_least_text(count_text(least, unit, exact=exact))


def _memory_text(report: Report, exact: bool) -> str:
    """Return the parts of the memory, and under which assumptions it is counted."""
    memory = report.totals.memory
    parts = [(memory.weights, "weights")]
    if TRAINING in memory.options:
        kept = memory_text(memory.kept, exact=exact)
        parts += [(memory.gradients, "gradients"), (memory.optimizer_states, "optimizer")]
        parts = [part for part in parts if not known(part[0]) or part[0] or part[1] == "weights"]
        parts.append((memory.activations_peak, f"activations peak, {kept} of it kept"))
    else:
        parts.append((memory.activations_peak, "activations peak"))
    texts = " + ".join(
        f"{at_least_text(text) if report.skipped and known(size) else text} {what}"
        for size, what in parts
        if (text := memory_text(size, exact=exact))
    )
    return f"memory {texts} ({', '.join((memory.dtype, *memory.options))})"


def _counting_line(report: Report, exact: bool) -> str:
    """Return the line on the kinds of work in MACs and FLOPs, and the work in neither."""
    flops = _total_text(report.totals, "flops", exact, "FLOP")
    amount = "" if flops.endswith(UNKNOWN_WORD) else f" {flops}"
    amount = amount if not amount or amount.startswith(" ≥") else f" ={amount}"
    items = [f"MACs: {' + '.join(report.counted)}", f"FLOPs = 2 × MACs{amount}"]
    rest = [
        f"{kind} {_work_text(report, kind, exact)}" for kind in KINDS if kind not in report.counted
    ]
    if rest:
        items.append(f"not in MACs: {', '.join(rest)}")
    return " · ".join(items)


def convention_lines(report: Report, exact: bool = False) -> list[str]:
    """Return the lines with another tool's totals, units, and operators it does not count."""
    tool = report.convention
    if tool is None or not report.layers:
        return []
    counts, bounds = report.totals.convention, report.totals.at_least.convention
    texts = {key: _sum_text(counts[key], bounds.get(key), exact) for key in counts}
    items = [f"{texts[number.key]} {number.title} ({number.unit})" for number in tool.numbers]
    items.append(f"{texts[PARAMS]} params")
    sample = ", of one sample" if tool.per_sample else ""
    found = [f"{tool.name} ({tool.tool}{sample}): {' · '.join(items)}"]
    if tool.uncounted:
        found.append(f"not counted by {tool.name}: {', '.join(tool.uncounted)}")
    return found


def convention_line(report: Report) -> list[str]:
    """Return the line that names the tool of a table of networks, with its units."""
    tool = report.convention
    if tool is None:
        return []
    units = ", ".join(f"{number.title} in {number.unit}" for number in tool.numbers)
    sample = ", of one sample" if tool.per_sample else ""
    return [f"{tool.name} ({tool.tool}{sample}): {units}"]


def device_line(report: Report) -> list[str]:
    """Return the line that names the device of a table of networks; none without one."""
    if report.roofline is None:
        return []
    from convcalc.output.views.bounds import device_text, missing_lines

    return [device_text(report.roofline), *missing_lines(report.roofline)]


def _fusing_line(report: Report, exact: bool) -> str:
    """Return the line of totals with batch norms folded; empty without them."""
    fused = report.totals.fused
    if not fused:
        return ""
    bounds = report.totals.at_least.fused
    items = [
        f"{_sum_text(fused[key], bounds.get(key), exact)} {key}"
        for key in ("params", "elementwise")
    ]
    gone = report.totals.params - fused["params"]
    if known(gone):  # the constants of frozen norms are not params, the bias that takes them up is
        items[0] += f" ({count_text(abs(gone), exact=exact)} {'more' if gone < 0 else 'less'})"
    return (
        f"batch norms folded: {items[0]} · "
        f"{_sum_text(fused['macs'], bounds.get('macs'), exact, 'MAC')} · {items[1]}"
    )


def _bound_lines(report: Report, exact: bool) -> list[str]:
    """Return the lines on bounds on a device; none without one."""
    if report.roofline is None:
        return []
    from convcalc.output.views.bounds import bound_lines

    return bound_lines(report, exact)


def _work_text(report: Report, kind: str, exact: bool) -> str:
    terms = (term for layer in report.layers for term in layer.terms)
    amounts = [term.amount for term in terms if term.kind == kind]
    whole, least = sum(amounts), sum(filter(known, amounts))
    return _sum_text(whole, least if report.skipped or not known(whole) else None, exact)


def _receptive_field_lines(report: Report) -> list[str]:
    """Return the line on the receptive field at the output; one for all that see alike."""
    if len(report.per_output) < 2:
        text = _receptive_field_text(report.receptive_field, report.global_from)
        return [f"receptive field {text}"] if text else []
    alike: dict[str, list[str]] = {}
    for name, output in report.per_output.items():
        text = _receptive_field_text(output.receptive_field, output.first_global)
        text = text if output.shape is not None else "unknown: it could not be computed"
        alike.setdefault(text, []).append(name)
    lines = [
        f"receptive field of {_names(names, report)}: {text or 'no input with spatial axes'}"
        for text, names in alike.items()
    ]
    return lines if set(alike) != {""} else []


def _names(names: Sequence[str], report: Report) -> str:
    """Return the names of some outputs, the first few of them."""
    if len(names) == len(report.per_output):
        return "both outputs" if len(names) == 2 else f"all {len(names)} outputs"
    more = [f"and {len(names) - LISTED} more"] if len(names) > LISTED else []
    return ", ".join([*names[:LISTED], *more])


def _receptive_field_text(field: ReceptiveField | None, global_from: str) -> str:
    """Return the receptive field of an output in words; empty without one."""
    if field is None or not field.size:
        return ""
    source = f"global from {global_from}" if global_from else ""
    if not known(field.size):
        reason = f": {field.reason}" if field.reason else ""
        local = "" if source and not field.reason else f"unknown{reason}"
    else:
        local = f"{receptive_field_text(field.replace(is_global=False))}"
        local += f" at jump {axes_text(field.jump)}"
    return ", ".join(filter(None, (local, source)))


def _unknown_line(report: Report) -> str:
    """Return the line of counts that are unknown, with the reason if there is a common one."""
    entries = [entry.rpartition(": ") for entry in report.totals.unknown]
    if all(known(shape.dims) for shape in report.inputs.values()):
        return _list_line("unknown", [f"{what} of {path}" for path, _, what in entries])
    counts = sorted({what for _, _, what in entries})
    reason = "unknown, because the size of an input is not given"
    return f"{reason}: {', '.join(counts)}" if counts else ""


def _list_line(what: str, items: Sequence[str]) -> str:
    """Return a line that names the first few items and counts the rest."""
    if not items:
        return ""
    more = [f"and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return f"{what}: {'; '.join([*items[:LISTED], *more])}"


def incomplete_line(report: Report) -> str:
    """Return the line that says how many layers were skipped; empty if none were."""
    if report.complete:
        return ""
    if not report.skipped:
        return "incomplete: the numbers of a layer with an error may be wrong"
    skipped = f"{report.skipped} layers were" if report.skipped != 1 else "1 layer was"
    return f"incomplete: {skipped} skipped; the totals are at least what the others add up to"


def _warnings_line(report: Report) -> str:
    """Return the line that counts the warnings; empty if there are none."""
    if not report.complete:
        return ""
    warnings = sum(problem.severity != "error" for problem in report.problems)
    return f"{warnings} warning{'s' * (warnings != 1)}, see convcalc check" if warnings else ""
