"""The JSON Schema (draft 7) of what ``rf -f json`` prints."""

from __future__ import annotations

from convcalc.output.schemas.report import field_keys, output_keys, problem_keys
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
    described,
    list_of,
    mapping,
    or_null,
)
from convcalc.output.views.receptive_field_data import SCHEMA

_PLACE: Schema = {"type": "integer"}  # a position; below 0 it is padding
_FRACTION: Schema = FRACTIONS["items"]


def receptive_field_schema() -> Schema:
    """Return the schema of what ``receptive_field_payload`` returns; unknown is null."""
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
                "per_output": described(
                    mapping(closed(output_keys())), "by name, also those not computed"
                ),
                "spans_input_from": described(
                    or_null(TEXT), "the first layer whose field is as large as the input"
                ),
                "target": or_null(closed(_target())),
                "reason": described(or_null(TEXT), "why there is no target"),
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
        "path": described(TEXT, "the requested layer"),
        "place": described(TEXT, "the layer whose positions are looked at"),
        "input": TEXT,
        "channels": described(
            list_of(list_of(WHOLE)),
            "the channels that are looked at, as ranges: first, last, step; empty for all",
        ),
        "classes": described(WHOLE, "how many classes of channels see different things"),
        "channels_seen": described(
            or_null(closed({"of": TEXT, "channels": WHOLE, "least": WHOLE, "most": WHOLE})),
            "how many channels of a tensor a channel sees, by default of the one before the first "
            "layer with groups",
        ),
        "global": described(FLAG, "the layer also depends on the whole input"),
        "global_axes": described(list_of(FLAG), "per axis, whether it also depends on all of it"),
        "partly_global": described(
            FLAG, "it depends on the whole input, but not on every position of it"
        ),
        "unbounded": described(FLAG, "a deformable layer looks anywhere; the size is its grid's"),
        "position": described(list_of(WHOLE), "the output position that is looked at"),
        "coverage": described(_FRACTION, "the share of the extents' box that is read"),
        "inside": described(COUNT, "real input positions that are read"),
        "axes": list_of(closed(_axis())),
        "unread": described(COUNT, "input positions that no output of the network reads"),
        "misaligned": described(list_of(closed(drift)), "branches that meet off center"),
    }


def _axis() -> Schema:
    halo = {"before": _PLACE, "after": _PLACE, "offset": WHOLE}
    paths = {"first": or_null(_PLACE), "exact": FLAG, "counts": list_of(NUMBER)}
    effective = {"deviation": NUMBER, "core": COUNT, "estimate": {"const": True}}
    step = {"path": TEXT, "operator": TEXT, "size": WHOLE, "needs": WHOLE, "why": TEXT}
    return {
        "name": TEXT,
        "global": described(FLAG, "every position sees the whole of this axis"),
        "size": described(WHOLE, "the largest extent over the outputs that differ"),
        "size_min": WHOLE,
        "phases": described(WHOLE, "outputs in a row that may differ"),
        "envelope": described(COUNT, "all of them laid over each other"),
        "jump": described(_FRACTION, "effective stride on the input"),
        "center": described(_FRACTION, "of the position that is looked at, as are all that follow"),
        "start": or_null(_PLACE),
        "end": or_null(_PLACE),
        "clipped": described(or_null(list_of(WHOLE)), "first and last position within the input"),
        "padding_share": _FRACTION,
        "halo": described(or_null(closed(halo)), "what a tile needs beyond its own positions"),
        "look_ahead": or_null(_PLACE),
        "read": described(WHOLE, "positions that are read"),
        "coverage": described(
            _FRACTION, "the least share of an extent over the outputs that differ"
        ),
        "unread": described(WHOLE, "positions within the extent that are not read"),
        "holes": described(or_null(list_of(_PLACE)), "which; null above 100,000"),
        "spacing": described(WHOLE, "above 1 only every so many positions are read"),
        "overlap": described(_FRACTION, "the share that the next output reads too"),
        "paths": described(
            or_null(closed(paths)), "ways to each position, or rounded shares of them"
        ),
        "effective": described(or_null(closed(effective)), "if all weights were equal"),
        "trace": described(list_of(closed(step)), "how the size comes about, the output first"),
    }
