"""The parts of the network schema that do not depend on operators: params, top level, siblings."""

from __future__ import annotations

from convcalc.language.head.pins import AT_OUTPUTS, EXPECTED
from convcalc.language.parse.files import FORMAT_VERSION
from convcalc.language.parse.tree import (
    BLOCK_KEYS,
    COMPOSITES,
    JOINS,
    OF_VARIANT,
    PARAM_KEYS,
    PARAM_TYPES,
)
from convcalc.model.graph.network import CONTAINER, METHOD
from convcalc.output.schemas.limits import ASSERTIONS, COMPARE, LOCKED, PINNED
from convcalc.output.schemas.values import DESCRIBED_SHAPE, NAME, VALUE, VARIANT, computed
from convcalc.output.schemas.words import (
    FLAG,
    NULL,
    NUMBER,
    TEXT,
    Schema,
    any_of,
    closed,
    described,
    integer,
    list_of,
    mapping,
    named,
    ref,
    text,
)

# --- params and blocks -------------------------------------------------------------------------

DETAILS: Schema = {
    "default": described(VALUE, "unless a variant or a call gives another"),
    "from": text("a JSON, YAML, TOML or Python file beside this one that has the value"),
    "key": text("where it is in that file: model.stages[2].width; by default the param's name"),
    "type": {"enum": list(PARAM_TYPES)},
    "min": NUMBER,
    "max": NUMBER,
    "choices": list_of(VALUE, minItems=1),
    "multiple_of": NUMBER,
    "help": text("what it is for"),
}
_PARAM = {"type": ["number", "boolean", "string", "array"], "items": VALUE}
BLOCK: Schema = {
    "params": ref("block_params"),
    "layers": ref("layers"),
    "description": text("what the block is"),
    "note": text("a remark"),
}
_DETAILED: Schema = {"allOf": [ref("param_details")]}
PARAMS: Schema = {
    "param_details": closed({key: DETAILS[key] for key in PARAM_KEYS}, required=()),
    "file_params": named(
        NAME,
        any_of(_PARAM, {**_DETAILED, **any_of({"required": ["default"]}, {"required": ["from"]})})
        | {"not": {"enum": list(PARAM_TYPES)}},
        description="names and their values, for all blocks and layers of the file",
    ),
    "block_params": named(
        NAME,
        any_of(_PARAM, {**_DETAILED, "minProperties": 1}),
        description=f"names with their default, or with a type ({', '.join(PARAM_TYPES)}) if "
        "every call must give them",
    ),
    "block": any_of(
        closed({key: BLOCK[key] for key in BLOCK_KEYS}, required=["layers"]),
        list_of(ref("item")),
    ),
    "layers": any_of(list_of(ref("item")), ref("item"), NULL),
    "pinned": PINNED,
    "output": any_of(
        ref("reference"),
        closed(
            {
                "id": ref("reference"),
                "if": computed("boolean", description="no output where it is false"),
            },
            required=("id",),
        ),
    ),
    "outputs": any_of(list_of(ref("output"), minItems=1), ref("output")),
}
PINNED_AT = any_of(ref("pinned"), mapping(ref("pinned"), description="by output"))

# --- the top and the siblings --------------------------------------------------------------------

TOP: Schema = {
    "convcalc": {"const": FORMAT_VERSION, "description": "version of the format"},
    "name": text("name of the network; of the base where there are variants"),
    "description": text("one line for lists"),
    "source": text("paper or code that the network follows"),
    "year": integer(),
    "note": text("a remark"),
    "input": described(ref("shape"), "shape of the input without the batch: [3, 224, 224]"),
    "inputs": named(NAME, DESCRIBED_SHAPE, description="several inputs by name"),
    "model": text("the model file whose layers these are: model.onnx; in place of layers"),
    "verify": text("the model that this network is: model.onnx; 'convcalc check' compares them"),
    "params": ref("file_params"),
    "functions": named(
        r"^[A-Za-z_]\w*\([\w\s,]*\)$",
        any_of(NUMBER, TEXT),
        description="functions of the file: w(c): ceil(c*width/8)*8",
    ),
    "variants": named(
        VARIANT,
        {
            "type": "object",
            "properties": {
                "input": any_of(ref("shape"), VALUE),
                "inputs": {},
                "outputs": ref("outputs"),
                "model": TEXT,
                "verify": TEXT,
            },
            "patternProperties": {f"^(?!({'|'.join(OF_VARIANT)})$){NAME[1:]}": VALUE},
            "additionalProperties": False,
        },
        description="other values for params, by the variant's name; another input or outputs",
    ),
    "imports": named(NAME, TEXT, description="files whose blocks are used as name.Block"),
    "blocks": named(
        "^[A-Z][A-Za-z0-9]*$", ref("block"), description="named lists of layers, in PascalCase"
    ),
    "layers": described(ref("layers"), "the network, from its input to its output"),
    "outputs": described(ref("outputs"), "ids of the output layers; by default the last"),
    "expect": named(
        VARIANT,
        closed(
            {**dict.fromkeys(EXPECTED, ref("pinned")), **dict.fromkeys(AT_OUTPUTS, PINNED_AT)},
            required=(),
        ),
        description="exact numbers by variant, which 'convcalc check' compares",
    ),
    "budgets": closed(
        {**ASSERTIONS, "compare": COMPARE, "locked": LOCKED},
        required=(),
        description="limits that 'convcalc check' holds",
    ),
}

SIBLING: Schema = {
    "id": described(ref("name"), "a name for references and paths"),
    "from": described(ref("references"), "what the layer reads instead of the layer above"),
    "repeat": computed("integer", minimum=0, description="how often in a row; i counts from 0"),
    "for": named(
        NAME,
        computed("array", items=VALUE),
        description="once per entry of these lists, which are walked together",
    ),
    "if": computed("boolean", description="left out where it is false"),
    "note": text("a remark"),
    "in": computed(
        "integer", minimum=1, description="input channels; inferred, and checked if stated"
    ),
    "shape": described(ref("shape"), "shape of the output; checked if stated"),
    "share": any_of(
        ref("reference"),
        closed(
            {
                "of": described(ref("reference"), "the layer whose weights are used"),
                "only": described(ref("references"), "weights to use; all if not given"),
            },
            required=("of",),
        ),
        description="use the weights of the layer with this id again",
    ),
    "trainable": described(FLAG, "false for frozen weights"),
    "functional": any_of(
        *(CALLED := ({"const": METHOD}, computed("boolean"))),
        named(NAME, any_of(*CALLED)),
        description="whether the code calls a function for it (F.relu), or a method (x.mean)",
    ),
    "subclass": any_of(
        *(DERIVED := ({"const": CONTAINER}, computed("boolean"))),
        named(NAME, any_of(*DERIVED)),
        description="whether its module is of a class derived from PyTorch's",
    ),
    "carry": named(
        r"^[A-Za-z_][A-Za-z0-9_.]*$",
        ref("reference"),
        description="what ids of layers in a loop mean in its first round",
    ),
    "shortcut": described(ref("layers"), "layers beside the body of a residual"),
    "split": any_of(
        {"enum": ["channels", "copy"]},
        computed("array", items=computed("integer", minimum=1), minItems=1),
        description="what each branch reads: everything (copy, the default) or some channels",
    ),
    "join": {"enum": list(JOINS), "description": "how branches or body and shortcut are joined"},
}
# The composites beside which these siblings are allowed.
DEPENDENCIES: Schema = {
    "shortcut": ["residual"],
    "split": ["branches"],
    "join": {"anyOf": [{"required": [name]} for name in COMPOSITES[1:]]},
}
_BRANCH: Schema = closed(
    {key: SIBLING[key] for key in ("for", "if", "note")} | {"layers": ref("layers")},
    required=("layers",),
    description="a branch for each round of its 'for', and none where its 'if' is false",
)
COMPOSITE: Schema = {
    "seq": list_of(ref("item"), description="layers in a row"),
    "residual": list_of(ref("item"), description="layers whose output is added to their input"),
    "branches": {
        "description": "lists of layers side by side, then joined",
        "if": {"type": "object"},
        "then": {**_BRANCH, "required": ["for", "layers"]},
        "else": list_of(
            {
                "if": {"type": "object", "required": ["layers"]},
                "then": _BRANCH,
                "else": ref("layers"),
            },
            minItems=1,
        ),
    },
}
