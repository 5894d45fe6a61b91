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
    list_of,
    mapping,
    or_null,
    ref,
    said,
)


def report_schema() -> Schema:
    """What :func:`~convcalc.analysis.report.to_json.report_payload` returns; unknown is null."""
    return {
        "$schema": DRAFT,
        "title": "convcalc report",
        "description": "Counts are exact integers, null where unknown; shapes carry the batch.",
        **closed(_report()),
        "definitions": {
            "layer": closed(_layer()),
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
        "source": said(TEXT, "the file of the network"),
        "inputs": ref("shapes"),
        "outputs": ref("shapes"),
        "convention": closed(
            {
                "name": said(TEXT, "whose numbers stand in convention of totals and layers"),
                "counted": said(list_of({"enum": list(KINDS)}), "kinds of work that macs add up"),
                "flops_per_mac": {"const": 2},
                "tool": said(TEXT, "with its version"),
                "numbers": said(list_of(closed(_number())), "those of the tool, headline first"),
                "uncounted": said(list_of(TEXT), "operators that work and count 0 there"),
                "per_sample": said(FLAG, "the tool counts one sample, whatever the batch"),
            }
        ),
        "complete": said(FLAG, "false where an error kept layers from being computed"),
        "skipped": said(WHOLE, "layers that could not be computed"),
        "totals": closed(_totals()),
        "receptive_field": or_null(
            said(
                closed({**field_keys(), "global_from": or_null(TEXT)}),
                "at the output, the global dependence set aside",
            )
        ),
        "layers": list_of(ref("layer")),
        "problems": list_of(closed(problem_keys())),
    }


def _counts() -> Schema:
    return {
        **{count.json: said(COUNT, count.doc) for count in COUNTS.values()},
        "convention": said(mapping(COUNT), "what the tool counts; empty without one"),
        "fused": said(mapping(COUNT), "with batch norms folded; empty unless asked for"),
    }


def _number() -> Schema:
    return {"key": TEXT, "title": TEXT, "unit": said(TEXT, "what is really added up")}


def _totals() -> Schema:
    memory = {
        "dtype": {"enum": list(DTYPES)},
        "weights": said(COUNT, "bytes of parameters and buffers"),
        "activations_peak": COUNT,
        "total": COUNT,
    }
    unknown = said(list_of(TEXT), "path and count of everything that is not known")
    return {"layers": WHOLE, **_counts(), "memory": closed(memory), "unknown": unknown}


def _layer() -> Schema:
    term = {"name": TEXT, "kind": {"enum": list(KINDS)}, "count": COUNT}
    place = {"file": TEXT, "line": WHOLE, "column": WHOLE}
    return {
        "path": TEXT,
        "operator": TEXT,
        "blocks": said(list_of(closed({"path": TEXT, "block": TEXT})), "outermost first"),
        "fields": said({"type": "object"}, "the operator's fields, defaults included"),
        "inputs": list_of(SIZES),
        "output": SIZES,
        **_counts(),
        "weights": said(mapping(SIZES), "shapes of the learned tensors, PyTorch's layout"),
        "terms": list_of(closed(term)),
        "receptive_field": or_null(ref("receptive_field")),
        "receptive_fields": said(mapping(ref("receptive_field")), "by network input"),
        "declared": said(FLAG, "numbers were stated in the file, not computed"),
        "shares": said(or_null(TEXT), "path of the layer whose weights are used again"),
        "note": TEXT,
        "facts": {"type": "object"},
        "source": closed(place),
    }


def field_keys() -> Schema:
    """The receptive field of a layer in one input."""
    return {
        "size": said(SIZES, "input positions per axis, the largest over the phases"),
        "size_min": said(SIZES, "the smallest over the phases"),
        "jump": said(FRACTIONS, "effective stride on the input"),
        "center": said(FRACTIONS, "center of output 0; positions count from 0"),
        "coverage": said(
            or_null(FRACTIONS), "the least share of the extent that is read, per axis"
        ),
        "holes": said(
            or_null(SIZES), "the most positions within the extent that are not read, per axis"
        ),
        "global": said(FLAG, "the output also depends on the whole input"),
        "unbounded": said(FLAG, "a deformable layer looks anywhere; the size is its grid's"),
        "unknown": said(or_null(TEXT), "the reason why something is not known"),
    }


def problem_keys() -> Schema:
    """A problem of a file."""
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
