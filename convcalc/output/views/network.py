"""The table of a report, with its title, its totals, and a footer that says what was counted.

The lines are plain text with the characters ``×``, ``·`` and ``→``; the formats clean and
escape them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.analysis.report.report import PARAMS, ReceptiveField, Report, Totals
from convcalc.analysis.report.rows import AnyRow, Row, output_rows, target_row
from convcalc.model.operators.contract import KINDS
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
from convcalc.output.table import Fact, Table

TRAINING = "training"  # the memory option
_NO_AXES = "no input with spatial axes"
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


def report_footer(report: Report, exact: bool = False) -> list[Fact]:
    """Return the facts below the table."""
    return [
        *_sums(report, exact),
        Fact("memory", _memory_text(report, exact)),
        *convention_facts(report, exact),
        *_fusing(report, exact),
        *_bounds(report, exact),
        *_receptive_fields(report),
        *_list("declared", [each.path for each in report.layers if each.declared]),
        *_unknown(report),
        *incomplete(report),
        *_warnings(report),
    ]


def _sums(report: Report, exact: bool) -> Iterator[Fact]:
    """Yield the totals, what the MACs and FLOPs are, and the work in neither."""
    totals = report.totals
    frozen = totals.params - totals.trainable
    learned = f"{count_text(frozen, exact=exact)} frozen" if frozen else "all trainable"
    if not known(frozen):
        learned = f"{_total_text(totals, 'trainable', exact)} trainable"
    buffers = _total_text(totals, "buffers", exact)
    yield Fact("params", f"{_total_text(totals, 'params', exact)}, {learned}; buffers {buffers}")
    yield Fact("MACs", f"{_total_text(totals, 'macs', exact)}, {' + '.join(report.counted)}")
    yield Fact("FLOPs", f"{_total_text(totals, 'flops', exact)}, 2 × MACs")
    rest = [
        f"{kind} {_work_text(report, kind, exact)}" for kind in KINDS if kind not in report.counted
    ]
    if rest:
        yield Fact("not in MACs", ", ".join(rest))
    yield Fact("activations", _total_text(totals, "activations", exact))


def _total_text(totals: Totals, key: str, exact: bool) -> str:
    """Return a count of the network, or what it is at least if something is missing from it."""
    return _sum_text(totals.counts[key], totals.at_least.counts.get(key), exact)


def _sum_text(amount: int, least: int | None, exact: bool) -> str:
    if least is None or not (least or known(amount)):
        return count_text(amount, exact=exact)
    return at_least_text(count_text(least, exact=exact))


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
        f"{at_least_text(text) if report.is_lower_bound and known(size) else text} {what}"
        for size, what in parts
        if (text := memory_text(size, exact=exact))
    )
    return f"{texts} ({', '.join((memory.dtype, *memory.options))})"


def convention_facts(report: Report, exact: bool = False) -> list[Fact]:
    """Return another tool's totals, units, and operators it does not count."""
    tool = report.convention
    if tool is None or not report.layers:
        return []
    counts, bounds = report.totals.convention, report.totals.at_least.convention
    texts = {key: _sum_text(counts[key], bounds.get(key), exact) for key in counts}
    items = [f"{texts[number.key]} {number.title} ({number.unit})" for number in tool.numbers]
    items.append(f"{texts[PARAMS]} params")
    sample = ", of one sample" if tool.per_sample else ""
    found = [Fact(tool.name, f"{', '.join(items)}, as {tool.tool} counts{sample}")]
    if tool.uncounted:
        found.append(Fact(f"not in {tool.name}", ", ".join(tool.uncounted)))
    return found


def several_footer(report: Report) -> list[Fact]:
    """Return the facts below a table of networks, of which one report is given: what is counted."""
    found = [Fact("MACs", " + ".join(report.counted)), Fact("FLOPs", "2 × MACs")]
    tool = report.convention
    if tool is not None:
        units = ", ".join(f"{number.title} in {number.unit}" for number in tool.numbers)
        sample = ", of one sample" if tool.per_sample else ""
        found.append(Fact(tool.name, f"{units}, as {tool.tool} counts{sample}"))
    return [*found, *_device(report)]


def _device(report: Report) -> Iterator[Fact]:
    """Yield the facts that name the device of a table of networks; none without one."""
    if report.roofline is not None:
        from convcalc.output.views.bounds import device_fact, missing_facts

        yield device_fact(report.roofline)
        yield from missing_facts(report.roofline)


def _fusing(report: Report, exact: bool) -> Iterator[Fact]:
    """Yield the totals with batch norms folded, if the report has them."""
    fused = report.totals.fused
    if not fused:
        return
    bounds = report.totals.at_least.fused
    params, macs, elementwise = (
        _sum_text(fused[key], bounds.get(key), exact) for key in ("params", "macs", "elementwise")
    )
    gone = report.totals.params - fused["params"]
    if known(gone):  # the constants of frozen norms are not params, the bias that takes them up is
        params += f" ({count_text(abs(gone), exact=exact)} {'more' if gone < 0 else 'less'})"
    yield Fact("batch norms folded", f"params {params}, MACs {macs}, elementwise {elementwise}")


def _bounds(report: Report, exact: bool) -> Iterator[Fact]:
    """Yield the bounds on a device; nothing without one."""
    if report.roofline is not None:
        from convcalc.output.views.bounds import bound_facts

        yield from bound_facts(report, exact)


def _work_text(report: Report, kind: str, exact: bool) -> str:
    terms = (term for layer in report.layers for term in layer.terms)
    amounts = [term.amount for term in terms if term.kind == kind]
    whole, least = sum(amounts), sum(filter(known, amounts))
    return _sum_text(whole, least if report.is_lower_bound or not known(whole) else None, exact)


def _receptive_fields(report: Report) -> list[Fact]:
    """Return the receptive field at the output; one for all outputs that see alike."""
    if len(report.per_output) < 2:
        text = _receptive_field_text(report.receptive_field, report.global_from)
        return [Fact("receptive field", text)] if text else []
    alike: dict[str, list[str]] = {}
    for name, output in report.per_output.items():
        text = _receptive_field_text(output.receptive_field, output.first_global)
        text = text if output.shape is not None else "unknown: it could not be computed"
        alike.setdefault(text, []).append(name)
    if set(alike) == {""}:
        return []
    return [
        Fact("receptive field", f"of {_names(names, report)}: {text or _NO_AXES}")
        for text, names in alike.items()
    ]


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


def _unknown(report: Report) -> list[Fact]:
    """Return which counts are unknown, with the reason if there is a common one."""
    entries = [entry.rpartition(": ") for entry in report.totals.unknown]
    if all(known(shape.dims) for shape in report.inputs.values()):
        return _list("unknown", [f"{what} of {path}" for path, _, what in entries])
    counts = ", ".join(sorted({what for _, _, what in entries}))
    reason = "because the size of an input is not given"
    return [Fact("unknown", f"{counts}, {reason}")] if counts else []


def _list(what: str, items: Sequence[str]) -> list[Fact]:
    """Return a fact that names the first few items and counts the rest."""
    if not items:
        return []
    more = [f"and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return [Fact(what, "; ".join([*items[:LISTED], *more]))]


def incomplete(report: Report) -> list[Fact]:
    """Return how many layers were skipped, if some were."""
    if report.complete:
        return []
    skipped = f"{report.skipped} layers were" if report.skipped != 1 else "1 layer was"
    if report.is_lower_bound:
        text = f"{skipped} skipped; the totals are at least what the others add up to"
        return [Fact("incomplete", text)]
    wrong = "the numbers of a layer with an error may be wrong"
    if report.recovered:
        first, *more = report.recovered
        others = f" and {len(more)} more" if more else ""
        wrong = f"the numbers of {first}{others}, and of what reads them, may be wrong"
    return [Fact("incomplete", f"{skipped} skipped; {wrong}" if report.skipped else wrong)]


def _warnings(report: Report) -> list[Fact]:
    """Return the number of warnings, if there are any."""
    warnings = sum(problem.severity != "error" for problem in report.problems)
    if not (warnings and report.complete):
        return []
    return [Fact("warnings", f"{warnings}, see convcalc check")]
