"""Reads the params of files and blocks, and checks values against their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from math import trunc
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.language.parse.tree import PARAM_KEYS, PARAM_TYPES, Param
from convcalc.language.syntax import nodes
from convcalc.language.syntax.document_limits import Limits
from convcalc.language.syntax.evaluation import evaluator, free_names
from convcalc.language.syntax.expressions import no_function
from convcalc.model.operators.values import format_value, is_whole
from convcalc.model.operators.words import key_advice
from convcalc.model.quantities.unknown import UNKNOWN

# --- declarations ----------------------------------------------------------------------------


def read_param(key: nodes.Scalar, node: nodes.Node, names: AbstractSet[str]) -> Param:
    """Reads a declaration: a type, a default, or a mapping. Rejected if it is wrong.

    ``names`` are those that the default may use.
    """
    if not key.text.isidentifier() or key.text in _RESERVED:
        message = f"'{key.text}' cannot be the name of a param"
        raise rejected("wrong-type", message, key.place)
    param = Param(key.text, key.place)
    default: nodes.Node | None = node
    if isinstance(node, nodes.Mapping):
        default = _read_details(param, node)
    elif isinstance(node, nodes.Scalar) and node.text in PARAM_TYPES:
        param.kind = node.text
        return param
    if default is not None:
        _read_default(param, default, names)
    elif not param.kind and param.source is None:
        message = f"param '{param.name}' has neither a default nor a type"
        raise rejected("missing-key", message, node.place, f"types: {', '.join(PARAM_TYPES)}")
    return param


def _read_details(param: Param, node: nodes.Mapping) -> nodes.Node | None:
    """Reads ``{default, type, min, max, choices, multiple_of, help}``; returns the default."""
    for key, value in node.entries:
        if key.text not in PARAM_KEYS:
            advice = key_advice(key.text, PARAM_KEYS)
            message = f"unknown key '{key.text}' in param '{param.name}'"
            raise rejected("unknown-key", message, key.place, advice)
        if key.text == "type":
            param.kind = _type_word(value)
        elif key.text == "choices":
            param.choices = _constant(value, list, "a list")
        elif key.text in ("min", "max", "multiple_of"):
            number = _constant(value, (int, float), "a number")
            setattr(param, {"min": "minimum", "max": "maximum"}.get(key.text, key.text), number)
        elif key.text == "help":
            param.help = getattr(value, "text", "")
    param.source = _read_source(param, node)
    return node.get("default")


def _read_source(param: Param, node: nodes.Mapping) -> tuple[nodes.Scalar, nodes.Scalar] | None:
    """Reads ``from: config.json`` and ``key: hidden_sizes``, by default the param's name."""
    file, key = node.get("from"), node.get("key")
    for name, each in (("from", file), ("key", key)):
        if each is not None and not (isinstance(each, nodes.Scalar) and each.text):
            raise rejected("wrong-type", f"'{name}' of '{param.name}' must be a text", each.place)
    if file is None:
        if key is not None:
            message = f"'key' of '{param.name}' needs 'from', the file that has it"
            raise rejected("missing-key", message, key.place, "from: config.json")
        return None
    assert isinstance(file, nodes.Scalar)
    return file, key if isinstance(key, nodes.Scalar) else node.keys["from"].renamed(param.name)


def files_named_by(content: bytes, file: str, limits: Limits) -> Iterator[str]:
    """Yields the paths of the files that a network file is made of besides its imports: those that
    its params take values from, and the models that it or a variant is, or is held against."""
    from convcalc.language.syntax import reader  # few files name others

    root, _ = reader.read(content, file, limits)
    if not isinstance(root, nodes.Mapping):
        return
    variants = root.get("variants")
    named = [root, *(each for _, each in getattr(variants, "entries", ()))]
    for each in named:
        for key in ("model", "verify") if isinstance(each, nodes.Mapping) else ():
            model = each.get(key)
            if isinstance(model, nodes.Scalar):
                yield model.text.partition("::")[0]
    params = root.get("params")
    for _, param in params.entries if isinstance(params, nodes.Mapping) else ():
        source = param.get("from") if isinstance(param, nodes.Mapping) else None
        if isinstance(source, nodes.Scalar):
            yield source.text


def _type_word(node: nodes.Node) -> str:
    """The name of a param's type; Rejected if there is no such type."""
    text = node.text if isinstance(node, nodes.Scalar) else ""
    if text not in PARAM_TYPES:
        message = f"type is {text or 'a list'}, but must be one of: {', '.join(PARAM_TYPES)}"
        raise rejected("wrong-type", message, node.place)
    return text


def _constant(node: nodes.Node, kinds: Any, what: str) -> Any:
    """The value of a node that uses no names; Rejected unless it is of the given types."""
    words = tuple(n.text for n in _scalars(node) if isinstance(n.value, str))
    value = evaluator(node, words)({})
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise rejected("wrong-type", f"{what} is expected", node.place)
    return value


def _read_default(param: Param, node: nodes.Node, names: AbstractSet[str]) -> None:
    """Reads the default, and infers the type from it if none is declared."""
    words: tuple[str, ...] = ()
    if param.kind == "str" and isinstance(node, nodes.Scalar):
        words = (node.text,)
    if param.kind in ("ref", "refs"):
        what = "a ref" if param.kind == "ref" else "of the type refs"
        message = f"param '{param.name}' is {what} and has no default"
        raise rejected("wrong-type", message, node.place)
    for name, where in free_names(node, words).items():
        if name not in names:
            if name.endswith("()"):
                error = no_function(name.removesuffix("()"), names)
                raise rejected(error.rule, error.message, where.place, error.help)
            advice = advise(name, names, "for a text write {default: …, type: str}")
            raise rejected("unknown-name", f"unknown name '{name}'", where.place, advice)
    if isinstance(node, nodes.Scalar) and node.value is None:
        raise rejected("wrong-type", f"param '{param.name}' has no value", node.place)
    if not param.kind and isinstance(node, nodes.Sequence):
        param.kind = "list"
    elif not param.kind and isinstance(node, nodes.Scalar) and not isinstance(node.value, str):
        param.kind = type(node.value).__name__
    param.default = node
    param.evaluate = evaluator(node, words)


# --- values ----------------------------------------------------------------------------------


def param_value(param: Param, node: nodes.Node, scope: dict[str, Any]) -> Any:
    """The value of a param from a node, checked against its declaration."""
    words = (node.text,) if param.kind == "str" and isinstance(node, nodes.Scalar) else ()
    return check_param(param, evaluator(node, words)(scope), node.place)


def check_param(param: Param, value: Any, place: Place) -> Any:
    """``value`` if the param's declaration allows it; else Rejected. 3.0 counts as an int."""
    if type(value) is int and param.kind == "int":  # most are
        return _bounded(param, value, place)
    kind = _KINDS.get(param.kind, object)
    if value is UNKNOWN and param.kind:
        message = f"param '{param.name}' depends on a size that is not known"
        raise Rejected(Diagnostic("bad-expression", message, place), needs_input=True)
    if param.kind in ("int", "size") and isinstance(value, float) and value.is_integer():
        value = trunc(value)
    if param.kind == "size" and isinstance(value, list):
        return _check_sizes(param, value, place)
    if not isinstance(value, kind) or (
        isinstance(value, bool) and param.kind in ("int", "float", "size")
    ):
        advice = ""
        if param.kind == "int" and isinstance(value, list):
            advice = "declare it with 'type: size', an int or one per axis"
        message = f"param '{param.name}' is {format_value(value)}, but must be of type {param.kind}"
        if param.kind == "int" and isinstance(value, float):
            advice = "use // or round, or declare the param with 'type: float'"
        raise rejected("wrong-type", message, place, advice)
    return _bounded(param, value, place)


def _bounded(param: Param, value: Any, place: Place) -> Any:
    """``value`` if it is within the param's bounds; else Rejected."""
    problem = _bound_problem(param, value)
    if problem:
        raise rejected(
            "out-of-range", f"param '{param.name}' is {format_value(value)}, but {problem}", place
        )
    return value


def _check_sizes(param: Param, values: list[Any], place: Place) -> list[Any]:
    """A size per axis; Rejected unless each is an int within the param's bounds."""
    for value in values:
        if value is not UNKNOWN and (not is_whole(value) or _bound_problem(param, value)):
            why = _bound_problem(param, value) or "a size per axis is an int"
            message = f"param '{param.name}' holds {format_value(value)}, but {why}"
            raise rejected("out-of-range" if is_whole(value) else "wrong-type", message, place)
    return values


def _bound_problem(param: Param, value: Any) -> str:
    """Why a value is out of a param's bounds; empty if it is not."""
    if param.choices is not None and value not in param.choices:
        return f"must be one of: {', '.join(map(format_value, param.choices))}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if param.minimum is not None and value < param.minimum:
        return f"must be at least {format_value(param.minimum)}"
    if param.maximum is not None and value > param.maximum:
        return f"must be at most {format_value(param.maximum)}"
    if param.multiple_of and value % param.multiple_of:
        return f"must be a multiple of {format_value(param.multiple_of)}"
    return ""


_KINDS: dict[str, Any] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "str": str,
    "list": list,
    "shape": list,
    "size": (int, list),
}
_RESERVED = frozenset({"prev", "input", "i", "in_channels", "None"}).union(
    ("true", "false", "True", "False", "yes", "no", "on", "off")
)


def _scalars(node: nodes.Node) -> list[nodes.Scalar]:
    """All scalars of a node."""
    if isinstance(node, nodes.Scalar):
        return [node]
    parts = node.items if isinstance(node, nodes.Sequence) else [value for _, value in node.entries]
    return [scalar for part in parts for scalar in _scalars(part)]
