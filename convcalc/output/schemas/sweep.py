"""The JSON Schema (draft 7) of files of sweeps, ``space.sweep.yaml``, for editors."""

from __future__ import annotations

from convcalc.analysis.sweeps.metrics import METRICS
from convcalc.analysis.sweeps.plan import DEFAULT_METRICS, TOP
from convcalc.analysis.sweeps.sweep_file import ALL, KEYS, VERSION
from convcalc.model.operators.contract import KINDS
from convcalc.model.quantities.number_text import DTYPES
from convcalc.output.schemas.values import NAME
from convcalc.output.schemas.words import (
    NUMBER,
    TEXT,
    Schema,
    any_of,
    closed,
    described,
    document,
    integer,
    list_of,
    ref,
    text,
)

_VALUE: Schema = {"type": ["number", "string", "boolean"]}
_LIST = list_of(_VALUE, minItems=1)
_QUANTITY = any_of(NUMBER, {"type": "string", "pattern": "^[+-]?[0-9.]+([eE][+-]?[0-9]+)?[kMGT]?$"})
_CHOICES = list_of(any_of(_VALUE, _LIST), minItems=1)
_RANGE = closed(
    {
        "from": _QUANTITY,
        "to": described(_QUANTITY, "the last value, if a step reaches it"),
        "step": described(_QUANTITY, "1 by default"),
    },
    required=["from", "to"],
)
_PRODUCT = closed(
    {"product": list_of(any_of(_VALUE, _LIST), minItems=1)},
    description="lists with one of these choices at each place",
)
_METRIC: Schema = {"enum": list(METRICS)}
_GOAL: Schema = {"type": "string", "pattern": "^-?[A-Za-z_][A-Za-z0-9_]*$"}
_KEYS: Schema = {
    "sweep": {"const": VERSION, "description": "version of the format"},
    "target": described(TEXT, "a built-in network, or the path of a network file from this file"),
    "over": {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {NAME: any_of(ref("range"), ref("product"), _CHOICES, _VALUE)},
        "additionalProperties": False,
        "description": "what is swept: the input or params, and their values",
    },
    "where": described(any_of(TEXT, list_of(TEXT)), "conditions that rows must satisfy"),
    "metrics": any_of(
        _METRIC,
        list_of(_METRIC),
        description=f"numbers of each row; by default {', '.join(DEFAULT_METRICS)}",
    ),
    "pareto": described(
        any_of(_GOAL, list_of(_GOAL)), "the best rows are shown; with a minus more is better"
    ),
    "by": described(_GOAL, "what rows are sorted by, the least first; with a minus the most"),
    "top": any_of(
        integer(1), {"const": ALL}, description=f"how many rows are shown; by default {TOP}"
    ),
    "sample": described(integer(1), "how many different configurations are drawn"),
    "seed": described(integer(0), "which ones are drawn"),
    "variant": text("the variant of the network"),
    "batch": described(integer(1), "samples per batch"),
    "dtype": {"enum": list(DTYPES)},
    "count": any_of(
        {"enum": list(KINDS)},
        list_of({"enum": list(KINDS)}),
        description="kinds of work that MACs add up",
    ),
}


def sweep_schema() -> Schema:
    """Return the schema of a file of a sweep."""
    return document(
        "convcalc sweep",
        "Configurations of a network, and which of them are wanted.",
        closed({key: _KEYS[key] for key in KEYS}, required=["sweep", "target", "over"]),
        {"range": _RANGE, "product": _PRODUCT},
    )
