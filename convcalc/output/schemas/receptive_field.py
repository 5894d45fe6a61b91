"""The JSON Schema (draft 7) of what ``rf -f json`` prints."""

from __future__ import annotations

from convcalc.output.schemas.report import field_keys, problem_keys
from convcalc.output.schemas.words import (
    COUNT,
    DRAFT,
    FLAG,
    FRACTIONS,
    NUMBER,
    SIZES,
    TEXT,
    WHOLE,
    Schema,
    closed,
    list_of,
    mapping,
    or_null,
    said,
)
from convcalc.output.views.receptive_field_data import SCHEMA

_PLACE: Schema = {"type": "integer"}  # a position; below 0 it is padding
_FRACTION: Schema = FRACTIONS["items"]


def sight_schema() -> Schema:
    """What :func:`convcalc.output.views.receptive_field_data.sight_payload` returns; what is not
    known is null."""
    return {
        "$schema": DRAFT,
        "title": "convcalc receptive fields",
        "description": "Positions count input positions from 0; those below are padding.",
        **closed(
            {
                "schema": {"const": SCHEMA},
                "tool": closed({"name": {"const": "convcalc"}, "version": TEXT}),
                "network": TEXT,
                "variant": or_null(TEXT),
                "source": TEXT,
                "inputs": mapping(SIZES),
                "outputs": mapping(SIZES),
                "spans_input_from": said(
                    or_null(TEXT), "the first layer whose field is as large as the input"
                ),
                "target": or_null(closed(_target())),
                "reason": said(or_null(TEXT), "why there is no target"),
                "layers": list_of(closed(_layer())),
                "problems": list_of(closed(problem_keys())),
            }
        ),
    }


def _layer() -> Schema:
    return {
        "path": TEXT,
        "operator": TEXT,
        "output": SIZES,
        "receptive_field": or_null(closed(field_keys())),
        "source": closed({"file": TEXT, "line": WHOLE, "column": WHOLE}),
        "flags": list_of(TEXT),
    }


def _target() -> Schema:
    drift = {"path": TEXT, "axis": WHOLE, "offset": _FRACTION, "per_output": _FRACTION}
    return {
        "path": said(TEXT, "the layer asked for"),
        "place": said(TEXT, "the layer whose positions are looked at"),
        "input": TEXT,
        "global": said(FLAG, "the layer also depends on the whole input"),
        "unbounded": said(FLAG, "a deformable layer looks anywhere; the size is its grid's"),
        "position": said(list_of(WHOLE), "the output position that is looked at"),
        "coverage": said(_FRACTION, "the share of the extents' box that is read"),
        "inside": said(COUNT, "real input positions that are read"),
        "axes": list_of(closed(_axis())),
        "unread": said(COUNT, "input positions that no output of the network reads"),
        "misaligned": said(list_of(closed(drift)), "branches that meet off center"),
    }


def _axis() -> Schema:
    halo = {"before": _PLACE, "after": _PLACE, "offset": WHOLE}
    paths = {"first": or_null(_PLACE), "exact": FLAG, "counts": list_of(NUMBER)}
    effective = {"deviation": NUMBER, "core": COUNT, "estimate": {"const": True}}
    step = {"path": TEXT, "operator": TEXT, "size": WHOLE, "needs": WHOLE, "why": TEXT}
    return {
        "name": TEXT,
        "global": said(FLAG, "every position sees the whole of this axis"),
        "size": said(WHOLE, "the largest extent over the outputs that differ"),
        "size_min": WHOLE,
        "phases": said(WHOLE, "outputs in a row that may differ"),
        "envelope": said(COUNT, "all of them laid over each other"),
        "jump": said(_FRACTION, "effective stride on the input"),
        "center": said(_FRACTION, "of the position that is looked at, as are all that follow"),
        "start": or_null(_PLACE),
        "end": or_null(_PLACE),
        "clipped": said(or_null(list_of(WHOLE)), "first and last position within the input"),
        "padding_share": _FRACTION,
        "halo": said(or_null(closed(halo)), "what a tile needs beyond its own positions"),
        "look_ahead": or_null(_PLACE),
        "read": said(WHOLE, "positions that are read"),
        "coverage": said(_FRACTION, "the least share of an extent over the outputs that differ"),
        "unread": said(WHOLE, "positions within the extent that are not read"),
        "holes": said(or_null(list_of(_PLACE)), "which; null above 100,000"),
        "spacing": said(WHOLE, "above 1 only every so many positions are read"),
        "overlap": said(_FRACTION, "the share that the next output reads too"),
        "paths": said(or_null(closed(paths)), "ways to each position, or rounded shares of them"),
        "effective": said(or_null(closed(effective)), "if all weights were equal"),
        "trace": said(list_of(closed(step)), "how the size comes about, the output first"),
    }
