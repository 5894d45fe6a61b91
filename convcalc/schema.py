"""JSON Schema (draft 7) of the network file, for editors; made from the operators' declarations.

It accepts every file that the reader accepts and rejects what can be told without looking at
names and shapes: unknown keys, mistyped operators, missing fields, numbers out of bounds. Text
where a number is expected is an expression; whether its names exist only the reader knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from convcalc.fields import Field
from convcalc.geometry import PADDING_WORDS
from convcalc.manual import summary
from convcalc.operator import Operator, fields_of, operator_class, operator_names
from convcalc.spec import (
    BLOCK_KEYS,
    COMPOSITES,
    JOINS,
    PARAM_KEYS,
    PARAM_TYPES,
    SIBLINGS,
    TOP_KEYS,
)
from convcalc.unit import FORMAT_VERSION

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
BLOCK = "^([A-Za-z_][A-Za-z0-9_]*\\.)?[A-Z][A-Za-z0-9]*$"
# No yes, no, on, off (booleans of YAML 1.1), no 3x3, and only the characters of expressions.
EXPRESSION = (
    "^(?!\\s*(?:[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)\\s*$)(?!\\s*[1-9][0-9]*[xX][0-9])"
    "[A-Za-z0-9_\\s+\\-*/%().,<>=!\\[\\]]+$"
)
QUANTITY = "^[0-9]+(\\.[0-9]+)? ?([kMGT]|[KMGT]iB|B|%)?$"


def network_schema() -> Schema:
    """The schema of a ``*.convcalc.yaml`` file."""
    operators = {name: operator_class(name) for name in operator_names()}
    return {
        "$schema": DRAFT,
        "title": "convcalc network",
        "description": "A convolutional network: its input, blocks and layers.",
        **_closed({key: _TOP[key] for key in TOP_KEYS}, required=["convcalc"]),
        "dependencies": {
            "layers": {"anyOf": [{"required": ["input"]}, {"required": ["inputs"]}]},
            "input": {"not": {"required": ["inputs"]}},
        },
        "definitions": {
            **_WORDS,
            **_PARAMS,
            **_LAYERS,
            "item": _item(operators),
            **{f"operator_{name}": _operator(cls) for name, cls in operators.items()},
        },
    }


# --- parts that know no operator -----------------------------------------------------------------


def _ref(name: str, **more: Any) -> Schema:
    # Beside "$ref" draft 7 ignores everything, hence the wrapping.
    ref = {"$ref": f"#/definitions/{name}"}
    return {"allOf": [ref], **more} if more else ref


def _any(*options: Schema, **more: Any) -> Schema:
    return {"anyOf": list(options), **more}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _closed(properties: Schema, **more: Any) -> Schema:
    """A mapping of these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def _named(pattern: str, value: Schema, **more: Any) -> Schema:
    """A mapping of names of one form to values."""
    return {
        "type": ["object", "null"],
        "patternProperties": {pattern: value},
        "additionalProperties": False,
        **more,
    }


def _text(description: str) -> Schema:
    return {"type": ["string", "number"], "description": description}


_NULL: Schema = {"type": "null"}
_INTEGER = _any({"type": "integer"}, _ref("expression"))
_SIZE = _any({"type": "integer", "minimum": 1}, _ref("expression"), _NULL)

_WORDS: Schema = {
    "expression": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": EXPRESSION,
        "description": "an expression: numbers, names of params, + - * / // % **, comparisons, "
        "if-else, and functions such as min, max, make_divisible",
    },
    "value": _any({"type": ["number", "boolean", "string", "null"]}, _list(_ref("value"))),
    "reference": {
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_.\\[\\]]*$",
        "description": "prev, input, the id of a layer above, or its path",
    },
    "references": _any(_ref("reference"), _list(_ref("reference"), minItems=1)),
    "shape": _any(
        _list(_SIZE, minItems=1, maxItems=4),
        _ref("expression"),
        description="channels and spatial sizes, without the batch; null where unknown",
    ),
    "quantity": _any(
        {"type": "number"},
        {"type": "string", "pattern": QUANTITY},
        _ref("expression"),
        description="a number; k M G T and KiB MiB GiB may follow",
    ),
}

_BOUND: Schema = {"type": "number"}
_DETAILS: Schema = {
    "default": _ref("value", description="its value unless a variant or a call gives another"),
    "type": {"enum": list(PARAM_TYPES)},
    "min": _BOUND,
    "max": _BOUND,
    "choices": _list(_ref("value"), minItems=1),
    "multiple_of": _BOUND,
    "help": _text("what it is for"),
}
_PARAM = [{"type": ["number", "boolean", "string"]}, _list(_ref("value"))]
_DETAILED = _closed({key: _DETAILS[key] for key in PARAM_KEYS})
_PARAMS: Schema = {
    "file_params": _named(
        NAME,
        _any(*_PARAM, {**_DETAILED, "required": ["default"]}, **{"not": {"enum": [*PARAM_TYPES]}}),
        description="names and their values, for all blocks and layers of the file",
    ),
    "block_params": _named(
        NAME,
        _any(*_PARAM, _any(_DETAILED, minProperties=1)),
        description="names with their default, or with a type (int, float, bool, str, ref, "
        "shape, list) if every call must give them",
    ),
}

_LAYERS: Schema = {
    "layers": _any(_list(_ref("item")), _ref("item"), _NULL),
    "block": _any(
        _closed(
            {
                "params": _ref("block_params"),
                "layers": _ref("layers"),
                "description": _text("what the block is"),
                "note": _text("a remark"),
            },
            required=["layers"],
        ),
        _list(_ref("item")),
    ),
}
assert set(BLOCK_KEYS) == set(_LAYERS["block"]["anyOf"][0]["properties"])

# What `expect` pins and `budgets` limit.
_COUNTS = (
    "layers",
    "params",
    "trainable",
    "buffers",
    "macs",
    "flops",
    "sampling",
    "elementwise",
    "activations",
    "moved",
    "memory",
)
_SHAPE_LISTS: Schema = {
    "output": _ref("shape"),
    "outputs": _named(NAME, _ref("shape")),
    "shapes": {"type": "object", "additionalProperties": _ref("shape")},
    "receptive_field": _any(_list({"type": ["integer", "null"]}), {"type": "integer"}),
    "jump": _list({"type": ["integer", "string"]}),
}
_ASSERTION = _closed(
    {
        **dict.fromkeys(("min", "max", "warn"), _ref("quantity")),
        "equals": _ref("value"),
        "at": _ref("reference"),
        "of": _ref("reference"),
        "metric": {"type": "string"},
        "dtype": {"type": "string"},
        "message": _text("shown on failure"),
    },
    minProperties=1,
)
_BUDGET = _any(_ASSERTION, _list(_ASSERTION))
_BUDGETS: Schema = {
    **dict.fromkeys((*_COUNTS, "output", "receptive_field", "coverage", "share"), _BUDGET),
    "shapes": {"type": "object", "additionalProperties": _ref("shape")},
}

_TOP: Schema = {
    "convcalc": {"const": FORMAT_VERSION, "description": "version of the format"},
    "name": _text("name of the network; of the base where there are variants"),
    "description": _text("one line for lists"),
    "source": _text("paper or code that the network follows"),
    "year": {"type": "integer"},
    "note": _text("a remark"),
    "input": _ref("shape", description="shape of the input without the batch: [3, 224, 224]"),
    "inputs": _named(NAME, _ref("shape"), description="several inputs by name"),
    "params": _ref("file_params"),
    "variants": _named(
        "^[^\\s:]+$",
        {"type": "object", "patternProperties": {NAME: _ref("value")}},
        description="other values for params, by the variant's name",
    ),
    "imports": _named(
        NAME, {"type": "string"}, description="files whose blocks are used as name.Block"
    ),
    "blocks": _named(
        "^[A-Z][A-Za-z0-9]*$", _ref("block"), description="named lists of layers, in PascalCase"
    ),
    "layers": _ref("layers", description="the network, from its input to its output"),
    "outputs": _any(
        _list(_ref("reference"), minItems=1),
        _ref("reference"),
        description="ids of the output layers; the last layer if not given",
    ),
    "expect": _named(
        "^[^\\s:]+$",
        _closed({**dict.fromkeys(_COUNTS, {"type": "integer"}), **_SHAPE_LISTS}),
        description="exact numbers by variant, which 'convcalc check' compares",
    ),
    "budgets": _closed(_BUDGETS, description="limits that 'convcalc check' holds"),
}

_SIBLINGS: Schema = {
    "id": {"type": "string", "pattern": NAME, "description": "a name for references and paths"},
    "from": _ref("references", description="what the layer reads instead of the layer above"),
    "repeat": _any(
        {"type": "integer", "minimum": 0},
        _ref("expression"),
        description="how often in a row; i counts from 0",
    ),
    "for": _named(
        NAME,
        _any(_list(_ref("value")), _ref("expression")),
        description="once per entry of these lists, which are walked together",
    ),
    "if": _any({"type": "boolean"}, _ref("expression"), description="left out where it is false"),
    "note": _text("a remark"),
    "in": _any(
        {"type": "integer", "minimum": 1},
        _ref("expression"),
        description="input channels; inferred, and checked if stated",
    ),
    "shape": _ref("shape", description="shape of the output; checked if stated"),
    "share": _ref("reference", description="use the weights of the layer with this id again"),
    "trainable": {"type": "boolean", "description": "false for frozen weights"},
    "shortcut": _ref("layers", description="layers beside the body of a residual"),
    "split": _any(
        {"enum": ["channels", "copy"]},
        _list(_INTEGER, minItems=1),
        _ref("expression"),
        description="what each branch reads: all channels (copy, the default), or its part of them",
    ),
    "join": {"enum": list(JOINS), "description": "how branches or body and shortcut are joined"},
}
_COMPOSITES: Schema = {
    "seq": _ref("layers", description="layers in a row"),
    "residual": _ref("layers", description="layers whose output is added to their input"),
    "branches": _list(
        _ref("layers"), minItems=1, description="lists of layers side by side, then joined"
    ),
}


# --- operators -------------------------------------------------------------------------------


def _item(operators: dict[str, type[Operator]]) -> Schema:
    """An entry of a list of layers: a bare word, or a mapping with one type key."""
    words = [name for name, cls in operators.items() if _is_complete(cls)]
    properties = {
        **{name: _ref(f"operator_{name}") for name in operators},
        **{name: _COMPOSITES[name] for name in COMPOSITES},
    }
    types = [*({"required": [name]} for name in properties), _has_key(BLOCK)]
    return _any(
        {"type": "string", "anyOf": [{"enum": words}, {"pattern": BLOCK}]},
        {
            **_closed({**properties, **{key: _SIBLINGS[key] for key in SIBLINGS}}),
            "patternProperties": {BLOCK: _BLOCK_CALL},
            "dependencies": {
                "shortcut": ["residual"],
                "split": ["branches"],
                "join": {"anyOf": [{"required": [name]} for name in COMPOSITES[1:]]},
            },
            "not": {"propertyNames": {"enum": list(SIBLINGS)}},
            # Only where there is a type at all: else an unknown key gets two errors.
            "if": {"anyOf": types},
            "then": {"oneOf": types},
        },
    )


_BLOCK_CALL: Schema = {
    "type": ["object", "null"],
    "patternProperties": {NAME: _ref("value")},
    "additionalProperties": False,
    "description": "a block with values for its params",
}


def _has_key(pattern: str) -> Schema:
    """Some key matches."""
    return {"not": {"propertyNames": {"not": {"pattern": pattern}}}}


def _is_complete(operator: type[Operator]) -> bool:
    """Whether the bare word is a layer: no field is required, and one input will do."""
    return operator.arity[0] <= 1 and not any(f.required for f in fields_of(operator).values())


def _operator(operator: type[Operator]) -> Schema:
    """The fields of an operator; for one of several inputs also the list of what it reads."""
    declared = fields_of(operator)
    properties: Schema = {}
    once: list[Schema] = []
    for name, field in declared.items():
        properties[name] = _described(field, field.doc)
        names = [name]
        if field.short:
            names.append(field.short)
            properties[field.short] = _described(field, f"{name}: {field.doc}")
        once += _presence(names, field)
    fields = _closed(properties, **({"allOf": once} if once else {}))
    options = [fields]
    if operator.arity[1] != 1:
        options.append(_list(_ref("reference"), minItems=1, description="the ids it reads"))
    if not any(field.required for field in declared.values()):
        options.append(_NULL)
    if options == [fields]:
        return {**fields, "description": summary(operator)}
    return _any(*options, description=summary(operator))


def _presence(names: list[str], field: Field) -> Iterable[Schema]:
    """A required field stands once under one of its names, another at most once."""
    if field.required:
        yield {"oneOf": [{"required": [name]} for name in names]}
    elif len(names) > 1:
        yield {"not": {"required": names}}


def _described(field: Field, description: str) -> Schema:
    options = _options(field)
    if field.default is None:
        options.append(_NULL)
    default = {} if field.required or field.default is None else _default(field.default)
    return _any(*options, description=description, **default)


def _default(value: Any) -> Schema:
    """The default where it is a plain value."""
    return {"default": value} if isinstance(value, int | float | str) else {}


def _options(field: Field) -> list[Schema]:
    """What may stand in a field; text is an expression wherever a number is meant."""
    bounds = {
        key: bound
        for key, bound in (("minimum", field.minimum), ("maximum", field.maximum))
        if bound is not None
    }
    integer: Schema = {"type": "integer", **bounds}
    number: Schema = {"type": "number", **bounds}
    expression = _ref("expression")
    match field.kind:
        case "int":
            return [integer, expression]
        case "float":
            return [number, expression]
        case "bool":
            return [{"type": "boolean"}, expression]
        case "word":  # or the name of a str param
            return [{"enum": list(field.choices)}, {"type": "string", "pattern": NAME}]
        case "count":
            return [_ref("quantity")]
        case "axes":
            return [integer, expression, _per_axis(_any(integer, expression))]
        case "scales":
            return [number, expression, _per_axis(_any(number, expression))]
        case "sizes":
            return [integer, expression, _per_axis(_any(integer, expression, _NULL))]
        case "padding":
            pair = _list(_any(integer, expression), minItems=2, maxItems=2)
            words: Schema = {"enum": list(PADDING_WORDS)}
            return [words, integer, expression, _per_axis(_any(integer, expression, pair))]
        case "ints":
            return [expression, _list(_any(integer, expression))]
        case "shape":
            return [_ref("shape")]
        case "extent":
            return [{"enum": ["unknown"]}, integer, expression, _per_axis(integer)]
    raise ValueError(f"no schema for fields of kind {field.kind}")


def _per_axis(items: Schema) -> Schema:
    return _list(items, minItems=1, maxItems=3)
