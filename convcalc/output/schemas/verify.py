"""The JSON Schema (draft 7) of what ``verify -f json`` prints."""

from __future__ import annotations

from convcalc.analysis.agreement.agreement import KINDS
from convcalc.analysis.agreement.to_json import SCHEMA
from convcalc.output.schemas.words import (
    DRAFT,
    FLAG,
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


def verify_schema() -> Schema:
    """Return the schema of what ``agreement_payload`` returns."""
    return {
        "$schema": DRAFT,
        "title": "convcalc verify",
        "description": "Whether a design and a model are the same network, and where they differ.",
        **closed(
            {
                "schema": {"const": SCHEMA},
                "tool": closed({"name": {"const": "convcalc"}, "version": TEXT}),
                "design": closed(_side()),
                "model": closed(_side()),
                "agrees": FLAG,
                "agreeing_layers": described(WHOLE, "pairs of layers that do not differ"),
                "norms_folded": described(
                    FLAG, "batch norms that can be folded are looked through"
                ),
                "totals": mapping(closed(_total())),
                "findings": list_of(closed(_finding())),
                "notes": list_of(TEXT),
            }
        ),
    }


def _side() -> Schema:
    return {
        "network": TEXT,
        "variant": or_null(TEXT),
        "source": TEXT,
        "inputs": mapping(SIZES),
        "compared_layers": described(WHOLE, "layers and parts, without what is looked through"),
    }


def _total() -> Schema:
    return {
        "design": {},
        "model": {},
        "same": FLAG,
        "why": described(or_null(TEXT), "what explains that they differ, if no layer does"),
    }


def _finding() -> Schema:
    difference = {
        "design": list_of(closed(_unit())),
        "model": list_of(closed(_unit())),
        "changes": described(
            mapping(closed({"design": {}, "model": {}})), "what differs, by field"
        ),
    }
    return {
        "kind": {"enum": [*KINDS]},
        "count": described(WHOLE, "differences that are alike"),
        "factor": described(or_null(TEXT), "the one factor of sizes that explains them all"),
        "why": described(or_null(TEXT), "what is known of the cause"),
        "differences": list_of(closed(difference)),
    }


def _unit() -> Schema:
    return {
        "path": TEXT,
        "operator": described(TEXT, "the general kind: every convolution is a conv"),
        "file": TEXT,
        "line": WHOLE,
        "element": described(or_null(TEXT), "in a model that has no lines, such as a node"),
    }
