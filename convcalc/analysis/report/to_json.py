"""A report in JSON's types: the public interface, whose keys never change their meaning
within a ``schema`` version.

Exact integers, null where a count is unknown, shapes with the batch, fractions as
``"num/den"`` or ``"num"``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convcalc._version import __version__
from convcalc.analysis.report.lately import lately
from convcalc.analysis.report.report import (
    SCHEMA,
    ChannelClass,
    LayerCore,
    LayerReport,
    LowerBounds,
    Memory,
    OutputReport,
    ReceptiveField,
    Report,
    Totals,
)
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.work import current
from convcalc.model.operators.contract import Recorded
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

if TYPE_CHECKING:
    from convcalc.analysis.report.rows import AnyRow


def report_payload(report: Report) -> dict[str, Any]:
    """A report in JSON types."""
    payload = streamed_payload(report)
    return {**payload, "layers": list(payload["layers"])}


def streamed_payload(report: Report) -> dict[str, Any]:
    """A report in JSON types but for its layers, an iterator that makes one after another."""
    current().spend(50 * len(report.layers), "reports of layers")
    return {
        "schema": SCHEMA,
        "tool": {"name": "convcalc", "version": __version__},
        "network": report.network,
        "variant": report.variant,
        "description": report.description,
        "source": report.source,
        "inputs": {name: plain(shape) for name, shape in report.inputs.items()},
        "outputs": {name: plain(shape) for name, shape in report.outputs.items()},
        "convention": _convention(report),
        **(_device(report) if report.roofline else {}),
        "complete": report.complete,
        "skipped": report.skipped,
        "totals": _totals(report.totals) | (_network_bounds(report) if report.roofline else {}),
        "receptive_field": _located_field(report.receptive_field, report.global_from),
        "per_output": {name: output_payload(each) for name, each in report.per_output.items()},
        "layers": layer_payloads(report.layers),
        "problems": [_problem(problem) for problem in report.problems],
    }


def _convention(report: Report) -> dict[str, Any]:
    """Return what convcalc counts, and the other tool whose numbers are added, if any."""
    tool = report.convention
    return {
        "name": tool.name if tool else "convcalc",
        "counted": list(report.counted),
        "flops_per_mac": 2,
        "tool": tool.tool if tool else f"convcalc {__version__}",
        "numbers": [number._asdict() for number in tool.numbers] if tool else [],
        "uncounted": list(tool.uncounted) if tool else [],
        "per_sample": bool(tool and tool.per_sample),
    }


def _device(report: Report) -> dict[str, Any]:
    """The device that bounds are for; its module is imported only here."""
    from convcalc.analysis.report.bounds_json import device_payload

    return device_payload(report)


def _network_bounds(report: Report) -> dict[str, Any]:
    from convcalc.analysis.report.bounds_json import network_bounds

    return network_bounds(report)


def _layer_bounds(layer: AnyRow) -> dict[str, Any]:
    from convcalc.analysis.report.bounds_json import row_bounds

    return row_bounds(layer)


def layer_payload(layer: LayerReport) -> dict[str, Any]:
    """One layer in JSON types; also what ``layer -f json`` prints."""
    (payload,) = layer_payloads((layer,))
    return payload


def layer_payloads(layers: Iterable[LayerReport]) -> Iterator[dict[str, Any]]:
    """Layers in JSON types, one by one; what some have in common they share."""
    core_of, field_of = lately(_core), lately(_field)
    for layer in layers:
        head, tail = core_of(layer.core)
        fields = {name: field_of(each) for name, each in layer.receptive_fields.items()}
        yield {
            "path": layer.path,
            "operator": layer.operator,
            "blocks": [{"path": group.path, "block": group.kind} for group in layer.groups],
            **head,
            "convention": plain(layer.convention),
            "fused": plain(layer.fused),
            "terms": tail["terms"],
            "receptive_field": next(iter(fields.values()), None),
            "receptive_fields": fields,
            "declared": layer.declared,
            "shares": layer.shares or None,
            "own": list(layer.own),
            "note": layer.note,
            "facts": tail["facts"],
            **(_layer_bounds(layer) if layer.bounds else {}),
            "source": {
                "file": layer.source.file,
                "line": layer.source.line,
                "column": layer.source.column,
            },
        }


def _core(core: LayerCore) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the text that layers with this core share, before and after their other numbers."""
    head = {
        "fields": plain(core.fields),
        "inputs": [plain(shape) for shape in core.inputs],
        "output": plain(core.output),
        "params": plain(core.counts["params"]),  # stands before the weights, the others behind
        "weights": plain(core.weights),
        **_amounts(core.counts),
    }
    terms = [
        {"name": term.name, "kind": term.kind, "count": plain(term.amount)} for term in core.terms
    ]
    return head, {"terms": terms, "facts": plain(core.facts or {})}


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "layers": totals.layers,
        **counts_payload(totals),
        "memory": _memory(totals.memory),
        "unknown": list(totals.unknown),
        "at_least": bounds_payload(totals.at_least),
    }


def bounds_payload(bounds: LowerBounds) -> dict[str, Any]:
    """Lower bounds of sums that something is missing from; without an entry a sum is exact."""
    return {
        **{COUNTS[key].json: amount for key, amount in bounds.counts.items()},
        "convention": dict(bounds.convention),
        "fused": dict(bounds.fused),
    }


def _memory(memory: Memory) -> dict[str, Any]:
    """Bytes, and the assumptions under which they were counted."""
    return {
        "dtype": memory.dtype,
        "options": list(memory.options),
        "weights": plain(memory.weights),
        "activations_peak": plain(memory.activations_peak),
        "kept": plain(memory.kept),
        "gradients": plain(memory.gradients),
        "optimizer_states": plain(memory.optimizer_states),
        "total": plain(memory.total),
    }


def _amounts(counts: Mapping[str, int]) -> dict[str, Any]:
    return {count.json: plain(counts[key]) for key, count in COUNTS.items()}


def counts_payload(holder: AnyRow | Totals) -> dict[str, Any]:
    """The counts, then ``convention`` and ``fused``, which are empty unless requested."""
    return {
        **_amounts(holder.counts),
        "convention": plain(holder.convention),
        "fused": plain(holder.fused),
    }


def output_payload(output: OutputReport) -> dict[str, Any]:
    """One output in JSON types; path and shape are null if it could not be computed."""
    fields = {
        name: _located_field(field, output.global_from.get(name, ""))
        for name, field in output.receptive_fields.items()
    }
    return {
        "path": output.path or None,
        "shape": None if output.shape is None else plain(output.shape),
        "receptive_field": next(iter(fields.values()), None),
        "receptive_fields": fields,
    }


def _located_field(field: ReceptiveField | None, global_from: str) -> dict[str, Any] | None:
    """The local receptive field at an output, and the layer from which it is global."""
    return {**_field(field), "global_from": global_from or None} if field else None


def _field(field: ReceptiveField) -> dict[str, Any]:
    return {**_same_field(field), "channels": [_channel_class(each) for each in field.channels]}


def _same_field(field: ReceptiveField) -> dict[str, Any]:
    """A receptive field, whatever single channels see."""
    return {
        "size": plain(field.size),
        "size_min": plain(field.size_min),
        "jump": plain(field.jump),
        "center": plain(field.center),
        "coverage": plain(field.coverage),
        "holes": plain(field.holes),
        "global": field.is_global,
        "global_axes": list(field.global_axes),
        "partly_global": field.is_partly_global,
        "unbounded": field.unbounded,
        "unknown": field.reason or None,
    }


def _channel_class(found: ChannelClass) -> dict[str, Any]:
    """Channels that see the same: each range as first, last, step, and the receptive field."""
    return {
        "channels": [[each.start, each[-1], each.step] for each in found.channels],
        "count": found.numbers,
        "receptive_field": None if found.field is None else _same_field(found.field),
    }


def _problem(problem: Diagnostic) -> dict[str, Any]:
    return {
        "code": problem.code,
        "name": problem.name,
        "severity": problem.severity,
        "message": problem.message,
        "help": problem.help,
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
    }


def plain(value: Any) -> Any:
    """A value of a report in JSON types; null where it is unknown."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Shape):
        value = value.dims
    if isinstance(value, Recorded):
        return value.name
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value if known(value) else None


_AS_THEY_ARE = {int, str, bool, type(None)}
