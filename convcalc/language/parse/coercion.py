"""Values held against the declaration of their field: ``k: 3`` becomes one tap count per axis."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.suggestion import advise
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import (
    Evaluator,
    Rejected,
    Scope,
    evaluator,
    rejected,
    shown,
    suffixed,
)
from convcalc.model.geometry.sizes import EXTENT_WORDS, PADDING_WORDS
from convcalc.model.operators.fields import Field
from convcalc.model.quantities.unknown import UNKNOWN


def field_words(field: Field) -> tuple[str, ...]:
    """The bare words that a field takes besides expressions."""
    return {"word": field.choices, "padding": PADDING_WORDS, "extent": EXTENT_WORDS}.get(
        field.kind, ()
    )


def field_evaluator(field: Field, node: nodes.Node) -> Evaluator:
    """The evaluator of a field's value."""
    if field.kind == "count" and isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        count = suffixed(node.text)
        if count is not None:
            return lambda _: count
    if field.kind == "word" and isinstance(node, nodes.Scalar) and isinstance(node.value, str):
        return _word_evaluator(field, node)
    return evaluator(node, field_words(field))


def _word_evaluator(field: Field, node: nodes.Scalar) -> Evaluator:
    """A word stands for itself, or for the str param of that name."""
    text = node.text

    def run(scope: Scope) -> Any:
        return text if text in field.choices else scope.get(text, text)

    return run


def coerced(name: str, field: Field, value: Any, node: nodes.Node, rank: int) -> Any:
    """``value`` in the form that the field declares; ``rank`` is the number of spatial axes."""
    if value is None and field.default is None:
        return None
    return _COERCE[field.kind](_Target(name, field, node, rank), value)


def default_value(name: str, field: Field, rank: int, place: Place) -> Any:
    """A field's default, spread over the axes as a written value would be."""
    if field.default is None or field.kind == "word":
        return field.default
    node = nodes.Scalar(field.default, str(field.default), True, place)
    return coerced(name, field, field.default, node, rank)


class _Target:
    """What a value is coerced to, and where it stands."""

    __slots__ = ("field", "name", "node", "rank")

    def __init__(self, name: str, field: Field, node: nodes.Node, rank: int) -> None:
        self.name = name
        self.field = field
        self.node = node
        self.rank = rank

    def at(self, index: int) -> _Target:
        """The same for one item of a list, which has a place of its own."""
        node = self.node
        if isinstance(node, nodes.Sequence) and index < len(node.items):
            node = node.items[index]
        return _Target(self.name, self.field, node, self.rank)

    def error(self, name: str, message: str, advice: str = "") -> Rejected:
        return rejected(name, f"{self.name} {message}", self.node.place, advice)


def _number(target: _Target, value: Any) -> int | float:
    if value is UNKNOWN:
        error = target.error("bad-expression", "depends on a size that is not known")
        error.needs_input = True
        raise error
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"is {shown(value)}, but a number is expected"
        raise target.error("wrong-type", message)
    return value


def _bounded(target: _Target, value: Any) -> Any:
    field = target.field
    if field.minimum is not None and value < field.minimum:
        message = f"is {shown(value)}, but must be at least {field.minimum}"
        raise target.error("out-of-range", message)
    if field.maximum is not None and value > field.maximum:
        raise target.error(
            "out-of-range", f"is {shown(value)}, but must be at most {field.maximum}"
        )
    return value


def _integer(target: _Target, value: Any) -> int:
    number = _number(target, value)
    if isinstance(number, float):
        if not number.is_integer():
            message = f"is {number}, but must be an integer"
            raise target.error("wrong-type", message, "use // or round")
        number = int(number)
    result: int = _bounded(target, number)
    return result


def _float(target: _Target, value: Any) -> float:
    result: float = _bounded(target, _number(target, value))
    return result


def _scale(target: _Target, value: Any) -> Fraction:
    # The text of a float is what was meant: 0.1 is 1/10.
    result: Fraction = _bounded(target, Fraction(str(_number(target, value))))
    return result


def _boolean(target: _Target, value: Any) -> bool:
    if not isinstance(value, bool):
        message = f"is {shown(value)}, but must be true or false"
        raise target.error("wrong-type", message)
    return value


def _word(target: _Target, value: Any) -> str:
    choices = target.field.choices
    if not isinstance(value, str) or value not in choices:
        message = f"is {shown(value)}, but must be one of: {', '.join(choices)}"
        raise target.error("wrong-type", message, advise(str(value), choices))
    return value


def _per_axis(target: _Target, value: Any, each: Callable[[_Target, Any], Any]) -> tuple[Any, ...]:
    """One value for all axes, or a list with one per axis."""
    if not isinstance(value, list):
        return (each(target, value),) * target.rank
    if len(value) != target.rank:
        axes = f"{target.rank} spatial ax{'i' if target.rank == 1 else 'e'}s"
        message = f"has {len(value)} values, but the input has {axes}"
        raise target.error(
            "wrong-type", message, f"one value for all axes, or {target.rank} in a list"
        )
    return tuple(each(target.at(k), item) for k, item in enumerate(value))


def _axes(target: _Target, value: Any) -> tuple[int, ...]:
    return _per_axis(target, value, _integer)


def _scales(target: _Target, value: Any) -> tuple[Fraction, ...]:
    return _per_axis(target, value, _scale)


def _sizes(target: _Target, value: Any) -> tuple[int | None, ...]:
    return _per_axis(target, value, lambda t, v: None if v is None else _integer(t, v))


def _padding(target: _Target, value: Any) -> Any:
    """A word, a number, one number per axis, or a pair (before, after) per axis."""
    if isinstance(value, str):
        if value in PADDING_WORDS:
            return value
        message = f"is {value}, but must be a number or one of: {', '.join(PADDING_WORDS)}"
        raise target.error("wrong-type", message)
    return _per_axis(target, value, _side_pair)


def _side_pair(target: _Target, value: Any) -> tuple[int, int]:
    if not isinstance(value, list):
        both = _integer(target, value)
        return both, both
    if len(value) != 2:
        message = f"has {len(value)} values for one axis, but needs 2: before and after"
        raise target.error("wrong-type", message)
    return _integer(target.at(0), value[0]), _integer(target.at(1), value[1])


def _list(target: _Target, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise target.error("wrong-type", f"is {shown(value)}, but a list is expected")
    return value


def _ints(target: _Target, value: Any) -> tuple[int, ...]:
    return tuple(_integer(target.at(k), item) for k, item in enumerate(_list(target, value)))


def _shape(target: _Target, value: Any) -> tuple[int, ...]:
    items = _list(target, value)
    if not 1 <= len(items) <= 4:
        message = f"has {len(items)} sizes, but needs 1 to 4: channels and up to 3 spatial axes"
        raise target.error("wrong-type", message)
    return tuple(_size(target.at(k), item, k) for k, item in enumerate(items))


def _size(target: _Target, value: Any, index: int) -> int:
    if value is None:
        return UNKNOWN
    size = _integer(target, value)
    if size < 1:
        what = "channels" if index == 0 else "size"
        raise target.error("out-of-range", f"has {what} {size}, but must be at least 1")
    return size


def _extent(target: _Target, value: Any) -> Any:
    return value if value in EXTENT_WORDS else _axes(target, value)


_COERCE: dict[str, Callable[[_Target, Any], Any]] = {
    "int": _integer,
    "count": _integer,
    "float": _float,
    "bool": _boolean,
    "word": _word,
    "axes": _axes,
    "scales": _scales,
    "sizes": _sizes,
    "padding": _padding,
    "ints": _ints,
    "shape": _shape,
    "extent": _extent,
}
