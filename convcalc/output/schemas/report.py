"""The JSON Schema (draft 7) of the public JSON report."""

from __future__ import annotations

from convcalc.analysis.report.report import SCHEMA
from convcalc.model.operators.contract import KINDS
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import DTYPES
from convcalc.output.schemas.words import (
    COUNT,
    DRAFT,
    FLAG,
    FRACTIONS,
    SIZES,
    TEXT,
    WHOLE,
    Schema,
    closed,
    described,
    list_of,
    mapping,
    or_null,
    ref,
)


def report_schema() -> Schema:
    """Return the schema of :func:`~convcalc.analysis.report.to_json.report_payload`."""
    return {
        "$schema": DRAFT,
        "title": "convcalc report",
        "description": "Counts are exact integers, null where unknown; shapes carry the batch.",
        **_with_bounds(_report(), "device", closed(device_keys())),
        "definitions": {
            "layer": _with_bounds(_layer(), "bounds", closed({**_KERNEL, **_interval()})),
            "output": closed(output_keys()),
            "receptive_field": closed(field_keys()),
            "shapes": mapping(SIZES),
        },
    }


def _report() -> Schema:
    return {
        "schema": {"const": SCHEMA},
        "tool": closed({"name": {"const": "convcalc"}, "version": TEXT}),
        "network": TEXT,
        "variant": or_null(TEXT),
        "description": TEXT,
        "source": described(TEXT, "the file of the network"),
        "inputs": ref("shapes"),
        "outputs": ref("shapes"),
        "convention": closed(
            {
                "name": described(TEXT, "whose numbers are in convention of totals and layers"),
                "counted": described(
                    list_of({"enum": list(KINDS)}), "kinds of work that macs add up"
                ),
                "flops_per_mac": {"const": 2},
                "tool": described(TEXT, "with its version"),
                "numbers": described(
                    list_of(closed(_number())), "those of the tool, headline first"
                ),
                "uncounted": described(
                    list_of(TEXT),
                    "operators that work and count 0 there, with the form in code that is why",
                ),
                "per_sample": described(FLAG, "the tool counts one sample, whatever the batch"),
            }
        ),
        "complete": described(FLAG, "false where an error kept layers from being computed"),
        "skipped": described(WHOLE, "layers that could not be computed"),
        "totals": _with_bounds(_totals(), "bounds", closed({**_interval(), **_network_bounds()})),
        "receptive_field": or_null(
            described(
                closed(_located_field()),
                "at the first output, the global dependence set aside",
            )
        ),
        "per_output": described(mapping(ref("output")), "by name, also those not computed"),
        "layers": list_of(ref("layer")),
        "problems": list_of(closed(problem_keys())),
    }


def _with_bounds(keys: Schema, name: str, bounds: Schema) -> Schema:
    """Return the schema of an object that has one more key where a device was named."""
    return closed({**keys, name: described(bounds, "with --device alone")}, required=[*keys])


_SECONDS: Schema = {"type": ["number", "null"], "minimum": 0}
_KERNEL: Schema = {
    "kernel": described(
        or_null(TEXT), "the layer whose kernel does the work of this one, if it begins none"
    )
}


def _interval() -> Schema:
    return {
        "lower_seconds": described(_SECONDS, "the least of the kernels that begin here, fused"),
        "upper_seconds": described(_SECONDS, "the same with a kernel for every layer and launches"),
        "lower_at_least_seconds": described(_SECONDS, "what is known of the lower end"),
        "upper_at_least_seconds": described(_SECONDS, "what is known of the upper end"),
        "memory_seconds": described(_SECONDS, "the part of the lower end that memory binds"),
        "compute_seconds": described(_SECONDS, "the part of the lower end that compute binds"),
        "binding": described(or_null(TEXT), "memory or compute, with its share where both do"),
    }


def _network_bounds() -> Schema:
    return {
        "peak_seconds": described(_SECONDS, "FLOPs of the network over the peak"),
        "kernels": described(WHOLE, "with the fusion rules of the runtime"),
        "memory_bound": WHOLE,
        "compute_bound": WHOLE,
        "unfused_kernels": described(WHOLE, "one for every layer"),
        "in_cache": described(
            or_null(WHOLE), "kernels whose tensors fit the last-level cache; null if unknown"
        ),
    }


def device_keys() -> Schema:
    """Return the schemas of the keys of a device in a report."""
    number = {
        "value": {"type": "number"},
        "unit": TEXT,
        "source": described(TEXT, "where it is published"),
        "note": TEXT,
    }
    return {
        "name": TEXT,
        "title": TEXT,
        "file": TEXT,
        "dtype": {"enum": list(DTYPES)},
        "runtime": described(TEXT, "whose fusion rules hold"),
        "numbers": described(mapping(closed(number)), "those that were used"),
        "missing": described(list_of(TEXT), "numbers that the device does not state"),
    }


def _counts() -> Schema:
    return {
        **{count.json: described(COUNT, count.doc) for count in COUNTS.values()},
        "convention": described(mapping(COUNT), "what the tool counts; empty without one"),
        "fused": described(mapping(COUNT), "with batch norms folded; empty unless requested"),
    }


def _number() -> Schema:
    return {"key": TEXT, "title": TEXT, "unit": described(TEXT, "what is really added up")}


def _totals() -> Schema:
    memory = {
        "dtype": {"enum": list(DTYPES)},
        "options": described(list_of(TEXT), "the assumptions, as --memory names them"),
        "weights": described(COUNT, "bytes of parameters and buffers"),
        "activations_peak": described(COUNT, "the most bytes that are alive at once beside them"),
        "kept": described(COUNT, "of these, what the forward pass leaves for the backward pass"),
        "gradients": described(COUNT, "bytes of the gradients of parameters, in training"),
        "optimizer_states": described(COUNT, "bytes that the optimizer keeps, in training"),
        "total": described(COUNT, "weights, activations peak, gradients and optimizer states"),
    }
    unknown = described(list_of(TEXT), "path and count of everything that is not known")
    return {
        "layers": WHOLE,
        **_counts(),
        "memory": closed(memory),
        "unknown": unknown,
        "at_least": described(
            _bounds(), "lower bounds of what is unknown or lacks skipped layers; the rest is exact"
        ),
    }


def _bounds() -> Schema:
    """Each count may be there; the numbers of a tool and of folded batch norms by key."""
    found = closed({**dict.fromkeys(_counts(), WHOLE), **dict.fromkeys(_SUMMED, mapping(WHOLE))})
    return {**found, "required": [*_SUMMED]}


_SUMMED = ("convention", "fused")


def _layer() -> Schema:
    term = {"name": TEXT, "kind": {"enum": list(KINDS)}, "count": COUNT}
    place = {"file": TEXT, "line": WHOLE, "column": WHOLE}
    return {
        "path": TEXT,
        "operator": TEXT,
        "blocks": described(list_of(closed({"path": TEXT, "block": TEXT})), "outermost first"),
        "fields": described({"type": "object"}, "the operator's fields, defaults included"),
        "inputs": list_of(SIZES),
        "output": SIZES,
        **_counts(),
        "weights": described(mapping(SIZES), "shapes of the learned tensors, PyTorch's layout"),
        "terms": list_of(closed(term)),
        "receptive_field": or_null(ref("receptive_field")),
        "receptive_fields": described(mapping(ref("receptive_field")), "by network input"),
        "declared": described(FLAG, "numbers were stated in the file, not computed"),
        "shares": described(or_null(TEXT), "path of the layer whose weights are used again"),
        "own": described(
            {"type": "array", "items": TEXT}, "weights that it has of its own although it shares"
        ),
        "note": TEXT,
        "facts": {"type": "object"},
        "source": closed(place),
    }


def field_keys() -> Schema:
    """Return the schemas of the keys of a receptive field."""
    classes = "the classes of channels that see different things; empty where all see the same"
    return {**_same_field_keys(), "channels": described(list_of(_channel_class()), classes)}


def _same_field_keys() -> Schema:
    return {
        "size": described(SIZES, "input positions per axis, the largest over the phases"),
        "size_min": described(SIZES, "the smallest over the phases"),
        "jump": described(FRACTIONS, "effective stride on the input"),
        "center": described(FRACTIONS, "center of output 0; positions count from 0"),
        "coverage": described(
            or_null(FRACTIONS), "the least share of the extent that is read, per axis"
        ),
        "holes": described(
            or_null(SIZES), "the most positions within the extent that are not read, per axis"
        ),
        "global": described(FLAG, "the output also depends on the whole input"),
        "global_axes": described(
            list_of(FLAG), "per axis, whether the output also depends on all of it"
        ),
        "partly_global": described(
            FLAG, "the output depends on the whole input, but not on every position of it"
        ),
        "unbounded": described(FLAG, "a deformable layer looks anywhere; the size is its grid's"),
        "unknown": described(or_null(TEXT), "the reason why something is not known"),
    }


def output_keys() -> Schema:
    """Return the schemas of the keys of an output."""
    field = closed(_located_field())
    return {
        "path": described(or_null(TEXT), "its layer or input; null if it could not be computed"),
        "shape": or_null(SIZES),
        "receptive_field": described(or_null(field), "on the first input that it depends on"),
        "receptive_fields": described(mapping(field), "by network input"),
    }


def _located_field() -> Schema:
    first = described(or_null(TEXT), "the first layer towards the output that sees all")
    return {**field_keys(), "global_from": first}


def _channel_class() -> Schema:
    """Return the schema of channels that see the same."""
    return closed(
        {
            "channels": described(list_of(list_of(WHOLE)), "ranges: first, last, step"),
            "count": WHOLE,
            "receptive_field": described(
                or_null(closed(_same_field_keys())), "null where they see nothing of this input"
            ),
        }
    )


def problem_keys() -> Schema:
    """Return the schemas of the keys of a problem."""
    return {
        "code": {"type": "string", "pattern": "^CC[0-9]{3}$"},
        "name": TEXT,
        "severity": {"enum": ["error", "warning"]},
        "message": TEXT,
        "help": TEXT,
        "file": TEXT,
        "line": WHOLE,
        "column": WHOLE,
    }
