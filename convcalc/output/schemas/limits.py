"""The schemas of metrics, bounds and pinned numbers, for network files and budget files."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.language.assertions.vocabulary import (
    ANYWHERE,
    CHANGES,
    ENDS,
    LIMITS,
    METRICS,
    MISSING,
    PARTS,
    Metric,
)
from convcalc.model.quantities.assumptions import option_pattern
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import DTYPES
from convcalc.output.schemas.values import AMOUNT, DESCRIBED_SHAPE, QUANTITY, SHAPE, computed
from convcalc.output.schemas.words import (
    FLAG,
    NULL,
    TEXT,
    Schema,
    any_of,
    closed,
    described,
    integer,
    list_of,
    mapping,
    ref,
    text,
)

_OPTION: Schema = {"type": "string", "pattern": option_pattern()}
_BESIDE: Schema = {
    "at": described(TEXT, "path of a layer or block"),
    "of": described(TEXT, "path of a layer or block"),
    "input": described(TEXT, "the input of the network that is meant"),
    "metric": {"enum": list(COUNTS)},
    "dtype": {"enum": list(DTYPES)},
    "batch": computed("integer", minimum=1),
    "part": {"enum": list(PARTS)},
    "options": described(
        any_of(_OPTION, list_of(_OPTION)), "how memory is counted, as --memory names it"
    ),
    "convention": described(TEXT, "the tool whose number is meant"),
    "device": described(TEXT, "the device that is meant, such as a100"),
    "runtime": described(TEXT, "which layers one kernel computes; by default that of the device"),
    "end": {"enum": list(ENDS)},
    "message": text("shown on failure"),
}
COMPARE: Schema = closed(
    {
        "base": described(TEXT, "a git revision or a saved report"),
        "missing": {"enum": list(MISSING)},
    },
    required=["base"],
    description="what changes are measured against",
)
LOCKED: Schema = described(FLAG, "whether nothing silences what it finds")


_NUMBER = "^ *([0-9]+(\\.[0-9]*)?|\\.[0-9]+) ?"
_SECONDS: Schema = {
    "type": "string",
    "pattern": f"{_NUMBER}(s|ms|us|µs|ns) *$",
    "description": "a time with its unit: 250us, 2ms, 0.1s",
}
_MORE_SECONDS: Schema = {
    "type": "string",
    "pattern": f"{_NUMBER}(s|ms|us|µs|ns|%) *$",
    "description": "a time with its unit, or a percentage",
}
# What values of other forms than a number look like.
_FORMS: Mapping[str, Schema] = {"shape": DESCRIBED_SHAPE, "seconds": _SECONDS}


def _representative(metric: Metric) -> str:
    """Return the first metric with the same schema: the same bounds and keys."""
    return next(name for name, each in METRICS.items() if _signature(each) == _signature(metric))


def _signature(metric: Metric) -> tuple[object, ...]:
    return metric.kind in _FORMS and metric.kind, metric.keys, metric.bounds


def _limit(metric: Metric) -> Schema:
    """Return the schema of a metric's bounds, at least one, and of the keys beside them."""
    value = _FORMS.get(metric.kind, ref("bound"))
    keys = {key: _BESIDE[key] for key in (*metric.keys, *ANYWHERE)}
    bounds = dict.fromkeys(metric.bounds, value)
    if metric.kind == "seconds":
        bounds |= dict.fromkeys(CHANGES, _MORE_SECONDS)
    return closed(
        {**bounds, **keys},
        required=(),
        allOf=[ref("some_bound")],
    )


def limit_definitions() -> Schema:
    """Return the definitions that :data:`ASSERTIONS` refers to: one limit or a list of them."""
    found = {
        "bound": any_of(AMOUNT, list_of(AMOUNT)),
        "some_bound": any_of(*({"required": [bound]} for bound in (*LIMITS, *CHANGES))),
    }
    for name in dict.fromkeys(
        _representative(metric) for metric in METRICS.values() if metric.bounds
    ):
        one = ref(f"limit_of_{name}")
        found[f"limit_of_{name}"] = _limit(METRICS[name])
        found[f"limits_of_{name}"] = any_of(one, list_of(one, minItems=1))
    return found


PINNED = any_of(integer(), AMOUNT, list_of(any_of(QUANTITY, NULL)))
ASSERTIONS: Schema = {
    **{
        name: described(ref(f"limits_of_{_representative(metric)}"), metric.doc)
        for name, metric in METRICS.items()
        if metric.bounds
    },
    "shapes": mapping(SHAPE, description=METRICS["shapes"].doc),
}
