"""The JSON Schema (draft 7) of the public JSON report."""

from __future__ import annotations

from typing import Any

from convcalc.operator import KINDS
from convcalc.report import DTYPES, SCHEMA

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
_SIZES: Schema = {"type": "array", "items": _COUNT}
_FRACTIONS: Schema = {
    "type": "array",
    "items": {"type": ["string", "null"], "pattern": "^-?[0-9]+(/[0-9]+)?$"},
}


def report_schema() -> Schema:
    """What :func:`convcalc.payload.report_payload` returns; an unknown count is null."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "convcalc report",
        "description": "Counts are exact integers, null where unknown; shapes carry the batch.",
        **_object(_report()),
        "definitions": {
            "layer": _object(_layer()),
            "receptive_field": _object(_field()),
            "shapes": _mapping(_SIZES),
        },
    }


def _object(properties: Schema) -> Schema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _mapping(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _report() -> Schema:
    return {
        "schema": {"const": SCHEMA},
        "tool": _object({"name": {"const": "convcalc"}, "version": _TEXT}),
        "network": _TEXT,
        "variant": _or_null(_TEXT),
        "description": _TEXT,
        "source": _said(_TEXT, "the file of the network"),
        "inputs": _ref("shapes"),
        "outputs": _ref("shapes"),
        "convention": _object(
            {
                "name": _said(_TEXT, "whose numbers stand in convention of totals and layers"),
                "counted": _said(_list({"enum": list(KINDS)}), "kinds of work that macs add up"),
                "flops_per_mac": {"const": 2},
                "tool": _said(_TEXT, "with its version"),
                "numbers": _said(_list(_object(_number())), "those of the tool, headline first"),
                "uncounted": _said(_list(_TEXT), "operators that work and count 0 there"),
                "per_sample": _said(_FLAG, "the tool counts one sample, whatever the batch"),
            }
        ),
        "complete": _said(_FLAG, "false where an error kept layers from being computed"),
        "skipped": _said(_WHOLE, "layers that could not be computed"),
        "totals": _object(_totals()),
        "receptive_field": _or_null(
            _said(
                _object({**_field(), "global_from": _or_null(_TEXT)}),
                "at the output, the global dependence set aside",
            )
        ),
        "layers": _list(_ref("layer")),
        "problems": _list(_object(_problem())),
    }


def _counts() -> Schema:
    return {
        "params": _said(_COUNT, "learned numbers; shared weights count on first use"),
        "trainable": _COUNT,
        "buffers": _said(_COUNT, "stored numbers that are not learned"),
        "macs": _COUNT,
        "flops": _said(_COUNT, "2 x macs"),
        "sampling": _COUNT,
        "elementwise": _COUNT,
        "activations": _said(_COUNT, "output elements of layers that multiply by weights"),
        "moved_bytes": _said(_COUNT, "bytes read and written, every tensor once"),
        "training_flops": _said(_COUNT, "forward and both gradients"),
        "convention": _said(_mapping(_COUNT), "what the tool counts; empty without one"),
        "fused": _said(_mapping(_COUNT), "with batch norms folded; empty unless asked for"),
    }


def _number() -> Schema:
    return {"key": _TEXT, "title": _TEXT, "unit": _said(_TEXT, "what is really added up")}


def _totals() -> Schema:
    memory = {
        "dtype": {"enum": list(DTYPES)},
        "weights": _said(_COUNT, "bytes of parameters and buffers"),
        "activations_peak": _COUNT,
        "total": _COUNT,
    }
    unknown = _said(_list(_TEXT), "path and count of everything that is not known")
    return {"layers": _WHOLE, **_counts(), "memory": _object(memory), "unknown": unknown}


def _layer() -> Schema:
    term = {"name": _TEXT, "kind": {"enum": list(KINDS)}, "count": _COUNT}
    place = {"file": _TEXT, "line": _WHOLE, "column": _WHOLE}
    return {
        "path": _TEXT,
        "operator": _TEXT,
        "blocks": _said(_list(_object({"path": _TEXT, "block": _TEXT})), "outermost first"),
        "fields": _said({"type": "object"}, "the operator's fields, defaults included"),
        "inputs": _list(_SIZES),
        "output": _SIZES,
        **_counts(),
        "weights": _said(_mapping(_SIZES), "shapes of the learned tensors, PyTorch's layout"),
        "terms": _list(_object(term)),
        "receptive_field": _or_null(_ref("receptive_field")),
        "receptive_fields": _said(_mapping(_ref("receptive_field")), "by network input"),
        "declared": _said(_FLAG, "numbers were stated in the file, not computed"),
        "shares": _said(_or_null(_TEXT), "path of the layer whose weights are used again"),
        "note": _TEXT,
        "facts": {"type": "object"},
        "source": _object(place),
    }


def _field() -> Schema:
    return {
        "size": _said(_SIZES, "input positions per axis, the largest over the phases"),
        "size_min": _said(_SIZES, "the smallest over the phases"),
        "jump": _said(_FRACTIONS, "effective stride on the input"),
        "center": _said(_FRACTIONS, "center of output 0; positions count from 0"),
        "coverage": _said(
            _or_null(_FRACTIONS), "the least share of the extent that is read, per axis"
        ),
        "holes": _said(
            _or_null(_SIZES), "the most positions within the extent that are not read, per axis"
        ),
        "global": _said(_FLAG, "the output also depends on the whole input"),
        "unbounded": _said(_FLAG, "a deformable layer looks anywhere; the size is its grid's"),
        "unknown": _said(_or_null(_TEXT), "the reason why something is not known"),
    }


def _problem() -> Schema:
    return {
        "code": {"type": "string", "pattern": "^CC[0-9]{3}$"},
        "name": _TEXT,
        "severity": {"enum": ["error", "warning"]},
        "message": _TEXT,
        "help": _TEXT,
        "file": _TEXT,
        "line": _WHOLE,
        "column": _WHOLE,
    }
