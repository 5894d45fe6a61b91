"""Operators and their fields in the network schema, made from their declarations.

The definitions hold what several operators share: the values of a field by kind and bounds
(``axes_from_1``), a field that operators declare alike (``field_stride``), and the rule that it
is given under exactly one of its names (``needs_kernel_size``, ``once``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from convcalc.model.geometry.sizes import EXTENT_WORDS, PADDING_WORDS
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.fields import Field
from convcalc.model.operators.manual import summary
from convcalc.model.operators.registry import fields_of
from convcalc.output.schemas.values import READS, computed
from convcalc.output.schemas.words import NULL, Schema, any_of, closed, ref

Operators = Mapping[str, type[Operator]]
Shared = Mapping[str, Field]


def shared_fields(operators: Operators) -> Shared:
    """Return for each field name its most frequent declaration, if at least two share it."""
    counts = Counter(entry for cls in operators.values() for entry in fields_of(cls).items())
    found = {name: field for (name, field), n in reversed(counts.most_common()) if n > 1}
    return dict(sorted(found.items()))


def field_definitions(operators: Operators, shared: Shared) -> Schema:
    """Return the definitions: kinds of fields, shared fields, rules for names of fields."""
    entries = [entry for cls in operators.values() for entry in fields_of(cls).items()]
    fields = [field for _, field in entries]
    kinds = {_kind_name(f): _kind_form(f) for f in fields if f.kind not in _VALUES}
    short = dict(sorted((name, field.short) for name, field in entries if field.short))
    needed = {name for name, field in entries if field.required and field.short}
    return {
        **{f"{kind}_word": {"enum": list(words)} for kind, words in _WORDS.items()},
        **dict(sorted(kinds.items())),
        **{
            _shared_name(name, key): form
            for name, field in shared.items()
            for key, form in _field_forms(name, field).items()
        },
        **{
            f"needs_{name}": {"if": {"required": [key]}, "else": {"required": [name]}}
            for name, key in short.items()
            if name in needed
        },
        # No field may be given under both of its names.
        "once": {"dependencies": {n: {"properties": {key: False}} for n, key in short.items()}},
    }


def operator_form(operator: type[Operator], shared: Shared) -> Schema:
    """Return the schema of an operator's value: its fields, a list of its inputs, or null."""
    fields = fields_of(operator)
    types = ["object", *["array"] * (operator.arity[1] != 1), *["null"] * (not requires(operator))]
    presence = list(_presence(fields))
    return {
        "description": summary(operator),
        **closed(
            {
                key: ref(_shared_name(name, key)) if shared.get(name) == field else form
                for name, field in fields.items()
                for key, form in _field_forms(name, field).items()
            },
            required=[name for name, field in fields.items() if field.required and not field.short],
        ),
        "type": types if types[1:] else types[0],
        **({"items": READS, "minItems": 1} if "array" in types else {}),
        **({"allOf": presence} if presence else {}),
    }


def requires(operator: type[Operator]) -> bool:
    """Whether any field must be given."""
    return any(field.required for field in fields_of(operator).values())


def _presence(fields: Mapping[str, Field]) -> Iterator[Schema]:
    """Yield the rules that a required field has one of its names, and no field has both."""
    short = {name: field for name, field in fields.items() if field.short}
    yield from (ref(f"needs_{name}") for name, field in short.items() if field.required)
    if short:
        yield ref("once")


def _shared_name(name: str, key: str) -> str:
    return f"field_{name}" if key == name else f"field_{name}_{key}"


def _field_forms(name: str, field: Field) -> Schema:
    """Return the schemas of a field under its name and, if it has one, its short name."""
    words = [ref(f"{field.kind}_word")] if field.kind in _WORDS else []
    words += [{"enum": list(field.choices)}] if field.choices else []
    form = any_of(*words, ref(_kind_name(field)), *[NULL] * (field.default is None))
    if isinstance(field.default, int | float | str):
        form["default"] = field.default
    long = {"description": field.doc, **form}
    short = {"description": f"{name}: {field.doc}", **form}
    return {name: long} | ({field.short: short} if field.short else {})


# --- what may stand in a field -----------------------------------------------------------------

_WORDS: Mapping[str, Sequence[str]] = {"padding": PADDING_WORDS, "extent": EXTENT_WORDS}
_VALUES = {"count": "quantity", "shape": "shape", "layer": "reference", "word": "name"}


def _kind_name(field: Field) -> str:
    """Return the name of the definition of a field's values: ``axes_from_1``."""
    bounds = {"from": field.minimum, "to": field.maximum}
    words = (f"_{word}_{bound}" for word, bound in bounds.items() if bound is not None)
    return _VALUES.get(field.kind) or field.kind + "".join(words)


def _kind_form(field: Field) -> Schema:
    """Return the schema of a field's values except words; text is an expression."""
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    limits = {key: bound for key, bound in bounds.items() if bound is not None}
    whole, real = computed("integer", **limits), computed("number", **limits)
    optional = computed("integer", "null", **limits)
    sides = computed("integer", "array", **limits, items=whole, minItems=2, maxItems=2)
    forms = {
        "int": whole,
        "float": real,
        "bool": computed("boolean"),
        "axes": _per_axis(whole, "integer", **limits),
        "scales": _per_axis(real, "number", **limits),
        "sizes": _per_axis(optional, "integer", **limits),
        "padding": _per_axis(sides, "integer", **limits),
        "ints": computed("array", items=whole),
        "extent": _per_axis({"type": "integer", **limits}, "integer", **limits),
    }
    return forms[field.kind]


def _per_axis(each: Schema, *types: str, **limits: float) -> Schema:
    """Return the schema of one value for all axes, or a list with one per axis."""
    return computed(*types, "array", **limits, items=each, minItems=1, maxItems=3)
