"""The parts of the network file's JSON Schema that know no operator: words, params, the top."""

from __future__ import annotations

from typing import Any

from convcalc.language.assertions.vocabulary import (
    ANYWHERE,
    METRICS,
    MISSING,
    PARTS,
    Metric,
)
from convcalc.language.parse.files import FORMAT_VERSION
from convcalc.language.parse.tree import BLOCK_KEYS, COMPOSITES, JOINS, PARAM_KEYS, PARAM_TYPES
from convcalc.language.reading import EXPECTED
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.number_text import DTYPES

Schema = dict[str, Any]

NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
VARIANT = "^[^\\s:]+$"
# No yes, no, on, off (booleans of YAML 1.1), no 3x3, and only the characters of expressions.
EXPRESSION = (
    "^(?!\\s*(?:[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)\\s*$)(?!\\s*[1-9][0-9]*[xX][0-9])"
    "[A-Za-z0-9_\\s+\\-*/%().,<>=!\\[\\]]+$"
)
QUANTITY = "^[0-9]+(\\.[0-9]+)? ?([kMGT]|[KMGT]iB|B|%)?$"


def ref(name: str, **more: Any) -> Schema:
    """A definition; beside a bare ``$ref`` draft 7 would ignore ``more``."""
    found = {"$ref": f"#/definitions/{name}"}
    return {"allOf": [found], **more} if more else found


def any_of(*options: Schema, **more: Any) -> Schema:
    """One of several forms."""
    return {"anyOf": list(options), **more}


def list_of(items: Schema, **more: Any) -> Schema:
    """A list of entries of one form."""
    return {"type": "array", "items": items, **more}


def closed(properties: Schema, **more: Any) -> Schema:
    """A mapping of these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def named(pattern: str, value: Schema, **more: Any) -> Schema:
    """A mapping of names of one form to values; nothing below the key is an empty one."""
    return {
        "type": ["object", "null"],
        "patternProperties": {pattern: value},
        "additionalProperties": False,
        **more,
    }


def text(description: str) -> Schema:
    """A text; one that looks like a number is one too."""
    return {"type": ["string", "number"], "description": description}


def integer(minimum: int | None = None) -> Schema:
    """An integer."""
    return {"type": "integer"} | ({} if minimum is None else {"minimum": minimum})


NULL: Schema = {"type": "null"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
VALUE, SHAPE, EXPR = ref("value"), ref("shape"), ref("expression")

WORDS: Schema = {
    "expression": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": EXPRESSION,
        "description": "an expression: numbers, names of params, + - * / // % **, comparisons, "
        "if-else, and functions such as min, max, make_divisible",
    },
    "value": any_of({"type": ["number", "boolean", "string", "null"]}, list_of(VALUE)),
    "reference": {
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_.\\[\\]]*$",
        "description": "prev, input, the id of a layer above, or its path",
    },
    "references": any_of(ref("reference"), list_of(ref("reference"), minItems=1)),
    "shape": any_of(
        list_of(any_of(integer(1), EXPR, NULL), minItems=1, maxItems=4),
        EXPR,
        description="channels and spatial sizes, without the batch; null where unknown",
    ),
    "quantity": any_of(
        NUMBER,
        {"type": "string", "pattern": QUANTITY},
        EXPR,
        description="a number; k M G T and KiB MiB GiB may follow",
    ),
}

# --- params and blocks -------------------------------------------------------------------------

_DETAILS: Schema = {
    "default": {**VALUE, "$comment": "unless a variant or a call gives another"},
    "type": {"enum": list(PARAM_TYPES)},
    "min": NUMBER,
    "max": NUMBER,
    "choices": list_of(VALUE, minItems=1),
    "multiple_of": NUMBER,
    "help": text("what it is for"),
}
_DETAILED = closed({key: _DETAILS[key] for key in PARAM_KEYS})
_PARAM = ({"type": ["number", "boolean", "string"]}, list_of(VALUE))
_BLOCK: Schema = {
    "params": ref("block_params"),
    "layers": ref("layers"),
    "description": text("what the block is"),
    "note": text("a remark"),
}
PARAMS: Schema = {
    "file_params": named(
        NAME,
        any_of(*_PARAM, {**_DETAILED, "required": ["default"]})
        | {"not": {"enum": list(PARAM_TYPES)}},
        description="names and their values, for all blocks and layers of the file",
    ),
    "block_params": named(
        NAME,
        any_of(*_PARAM, {**_DETAILED, "minProperties": 1}),
        description=f"names with their default, or with a type ({', '.join(PARAM_TYPES)}) if "
        "every call must give them",
    ),
    "block": any_of(
        closed({key: _BLOCK[key] for key in BLOCK_KEYS}, required=["layers"]),
        list_of(ref("item")),
    ),
    "layers": any_of(list_of(ref("item")), ref("item"), NULL),
}

# --- what is pinned and limited ------------------------------------------------------------------

_PINNED = any_of(integer(), ref("quantity"), list_of(any_of(ref("quantity"), NULL)))
_BOUND = any_of(ref("quantity"), list_of(ref("quantity")))
_BESIDE: Schema = {
    "at": {"type": "string", "description": "path of a layer or block"},
    "of": {"type": "string", "description": "path of a layer or block"},
    "input": {"type": "string", "description": "the input of the network that is meant"},
    "metric": {"enum": list(COUNTS)},
    "dtype": {"enum": list(DTYPES)},
    "batch": any_of(integer(1), EXPR),
    "part": {"enum": list(PARTS)},
    "convention": {"type": "string", "description": "the tool whose number is meant"},
    "message": text("shown on failure"),
}
COMPARE: Schema = {
    **closed(
        {
            "base": {"type": "string", "description": "a git revision or a saved report"},
            "missing": {"enum": list(MISSING)},
        },
        required=["base"],
    ),
    "description": "what changes are measured against",
}


def _assertion(metric: Metric) -> Schema:
    """One metric's bounds, or several in a list."""
    value = SHAPE if metric.kind == "shape" else _BOUND
    keys = {key: _BESIDE[key] for key in (*metric.keys, *ANYWHERE)}
    single = {
        **closed({**dict.fromkeys(metric.bounds, value), **keys}),
        "anyOf": [{"required": [bound]} for bound in metric.bounds],
    }
    return any_of(single, list_of(single, minItems=1), description=metric.doc)


ASSERTIONS: Schema = {
    **{name: _assertion(metric) for name, metric in METRICS.items() if metric.bounds},
    "shapes": {
        "type": "object",
        "additionalProperties": SHAPE,
        "description": METRICS["shapes"].doc,
    },
}

# --- the top and the siblings --------------------------------------------------------------------

TOP: Schema = {
    "convcalc": {"const": FORMAT_VERSION, "description": "version of the format"},
    "name": text("name of the network; of the base where there are variants"),
    "description": text("one line for lists"),
    "source": text("paper or code that the network follows"),
    "year": integer(),
    "note": text("a remark"),
    "input": ref("shape", description="shape of the input without the batch: [3, 224, 224]"),
    "inputs": named(NAME, SHAPE, description="several inputs by name"),
    "params": ref("file_params"),
    "variants": named(
        VARIANT,
        {"type": "object", "patternProperties": {NAME: VALUE}, "additionalProperties": False},
        description="other values for params, by the variant's name",
    ),
    "imports": named(
        NAME, {"type": "string"}, description="files whose blocks are used as name.Block"
    ),
    "blocks": named(
        "^[A-Z][A-Za-z0-9]*$", ref("block"), description="named lists of layers, in PascalCase"
    ),
    "layers": ref("layers", description="the network, from its input to its output"),
    "outputs": ref("references", description="ids of the output layers; by default the last"),
    "expect": named(
        VARIANT,
        closed(dict.fromkeys(EXPECTED, _PINNED)),
        description="exact numbers by variant, which 'convcalc check' compares",
    ),
    "budgets": closed(
        {**ASSERTIONS, "compare": COMPARE}, description="limits that 'convcalc check' holds"
    ),
}

SIBLING: Schema = {
    "id": {"type": "string", "pattern": NAME, "description": "a name for references and paths"},
    "from": ref("references", description="what the layer reads instead of the layer above"),
    "repeat": any_of(integer(0), EXPR, description="how often in a row; i counts from 0"),
    "for": named(
        NAME,
        any_of(list_of(VALUE), EXPR),
        description="once per entry of these lists, which are walked together",
    ),
    "if": any_of(FLAG, EXPR, description="left out where it is false"),
    "note": text("a remark"),
    "in": any_of(integer(1), EXPR, description="input channels; inferred, and checked if stated"),
    "shape": ref("shape", description="shape of the output; checked if stated"),
    "share": ref("reference", description="use the weights of the layer with this id again"),
    "trainable": {**FLAG, "description": "false for frozen weights"},
    "shortcut": ref("layers", description="layers beside the body of a residual"),
    "split": any_of(
        {"enum": ["channels", "copy"]},
        list_of(any_of(integer(1), EXPR), minItems=1),
        EXPR,
        description="what each branch reads: everything (copy, the default) or some channels",
    ),
    "join": {"enum": list(JOINS), "description": "how branches or body and shortcut are joined"},
}
# Beside which composites these siblings may stand.
DEPENDENCIES: Schema = {
    "shortcut": ["residual"],
    "split": ["branches"],
    "join": {"anyOf": [{"required": [name]} for name in COMPOSITES[1:]]},
}
COMPOSITE: Schema = {
    "seq": list_of(ref("item"), description="layers in a row"),
    "residual": list_of(ref("item"), description="layers whose output is added to their input"),
    "branches": list_of(
        ref("layers"), minItems=1, description="lists of layers side by side, then joined"
    ),
}
