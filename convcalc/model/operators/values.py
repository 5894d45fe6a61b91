"""Checks field values against their declaration and converts them: ``k: 3`` becomes ``(3, 3)``.

This gives a field its canonical form, wherever the value comes from: a network file, a Python
program or an importer. A per-axis field holds one value per spatial axis, a padding a pair per
axis, a scale an exact fraction.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf, trunc
from typing import Any, cast

from convcalc.model.geometry.sizes import EXTENT_WORDS, PADDING_WORDS
from convcalc.model.operators.fields import Field
from convcalc.model.quantities.unknown import UNKNOWN

_LARGEST_DENOMINATOR = 2**16  # of a ratio of sizes


class WrongValue(Exception):
    """A value that its field does not accept.

    ``name`` is the rule that is broken. ``at`` is the path to the wrong part: indices into nested
    lists. ``needs_input``: the value depends on an unknown size.
    """

    def __init__(
        self, name: str, message: str, advice: str, at: tuple[int, ...], needs_input: bool
    ) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.help = advice
        self.at = at
        self.needs_input = needs_input


def field_value(name: str, field: Field, value: Any, rank: int) -> Any:
    """``value`` in the canonical form of its field; ``rank`` is the number of spatial axes.

    Raises WrongValue if the field does not accept it.
    """
    if value is None and field.default is None:
        return None
    return _CONVERTERS[field.kind](_Target(name, field, rank), value)


def default_value(name: str, field: Field, rank: int) -> Any:
    """A field's default in canonical form, one value per axis where the field needs it."""
    if field.default is None or field.kind == "word":
        return field.default
    return field_value(name, field, field.default, rank)


def is_whole(value: Any) -> bool:
    """Whether a value is an int, or many as one; a bool is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def format_value(value: Any) -> str:
    """A value as a network file writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return _format_list(value, [_MOST_FORMATTED])
    return repr(value) if isinstance(value, int | float) else str(value)


_MOST_FORMATTED = 100  # values of a list


def _format_list(values: Any, left: list[int]) -> str:
    """A list as text, with as many values in all, those of lists within it too, as are left."""
    found = []
    for value in values:
        left[0] -= 1
        if left[0] < 0:
            found.append("…")
            break
        is_list = isinstance(value, list | tuple)
        found.append(_format_list(value, left) if is_list else format_value(value))
    return f"[{', '.join(found)}]"


class _Target:
    """The field that a value is checked against, and the path to the part being checked."""

    __slots__ = ("at", "field", "name", "rank")

    def __init__(self, name: str, field: Field, rank: int, at: tuple[int, ...] = ()) -> None:
        self.name = name
        self.field = field
        self.rank = rank
        self.at = at

    def item(self, index: int) -> _Target:
        """The target for one item of a list value."""
        return _Target(self.name, self.field, self.rank, (*self.at, index))

    def error(
        self, name: str, message: str, advice: str = "", *, needs_input: bool = False
    ) -> WrongValue:
        return WrongValue(name, f"{self.name} {message}", advice, self.at, needs_input)


def _number(target: _Target, value: Any) -> int | float | Fraction:
    if value is UNKNOWN:
        message = "depends on a size that is not known"
        raise target.error("bad-expression", message, needs_input=True)
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        message = f"is {format_value(value)}, but a number is expected"
        raise target.error("wrong-type", message)
    if isinstance(value, float) and not -inf < value < inf:
        raise target.error("wrong-type", f"is {value}, but a finite number is expected")
    return value


def _check_bounds(target: _Target, value: Any) -> Any:
    field = target.field
    if field.minimum is not None and value < field.minimum:
        message = f"is {format_value(value)}, but must be at least {field.minimum}"
        raise target.error("out-of-range", message)
    if field.maximum is not None and value > field.maximum:
        message = f"is {format_value(value)}, but must be at most {field.maximum}"
        raise target.error("out-of-range", message)
    return value


def _integer(target: _Target, value: Any) -> int:
    number = _number(target, value)
    if not isinstance(number, int):
        if number % 1:
            message = f"is {number}, but must be an integer"
            raise target.error("wrong-type", message, "use // or round")
        number = trunc(number)
    result: int = _check_bounds(target, number)
    return result


def _count(target: _Target, value: Any) -> int:
    """A declared count, which may depend on a size that is not known: it is not known either."""
    return UNKNOWN if value is UNKNOWN else _integer(target, value)


def _float(target: _Target, value: Any) -> float:
    result: float = _check_bounds(target, _number(target, value))
    return result


def _scale(target: _Target, value: Any) -> Fraction:
    return cast("Fraction", _check_bounds(target, _fraction(_number(target, value))))


def _fraction(value: float | Fraction) -> Fraction:
    """The fraction that was meant: 0.1 is 1/10, and the float of 120/88 is 15/11.

    It is the one with a small denominator that rounds to this float, if there is one: two such
    fractions are much farther apart than neighbouring floats. Else it is the float's own text.
    """
    simple = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    return simple if float(simple) == value else Fraction(str(value))


def _boolean(target: _Target, value: Any) -> bool:
    if not isinstance(value, bool):
        message = f"is {format_value(value)}, but must be true or false"
        raise target.error("wrong-type", message)
    return value


def _word(target: _Target, value: Any) -> str:
    choices = target.field.choices
    if not isinstance(value, str) or value not in choices:
        message = f"is {format_value(value)}, but must be one of: {', '.join(choices)}"
        raise target.error("wrong-type", message, _other_word(target, value))
    return value


def _other_word(target: _Target, value: Any) -> str:
    """Advice for a word that is none of the choices, such as PyTorch's number of an axis."""
    from convcalc.diagnostics.suggestion import use
    from convcalc.model.geometry.sizes import AXIS_NAMES
    from convcalc.model.operators.advice import value_meant

    choices = target.field.choices
    if "channels" in choices and "height" in choices and type(value) is int:
        spatial = ("length",) if target.rank == 1 else AXIS_NAMES[len(AXIS_NAMES) - target.rank :]
        names = ("channels", *spatial)
        return use(names[value - 1]) if 1 <= value <= len(names) else ""
    meant = value_meant(str(value), choices)
    return use(meant) if meant else ""


def _values(value: Any) -> str:
    return "1 value" if len(value) == 1 else f"{len(value)} values"


def _per_axis(target: _Target, value: Any, each: Callable[[_Target, Any], Any]) -> tuple[Any, ...]:
    """One value for all axes, or a list with one per axis."""
    if not isinstance(value, list | tuple):
        return (each(target, value),) * target.rank
    if len(value) != target.rank:
        axes = f"{target.rank} spatial ax{'i' if target.rank == 1 else 'e'}s"
        message = f"has {_values(value)}, but the input has {axes}"
        advice = f"one value for all axes, or {target.rank} in a list"
        raise target.error("wrong-type", message, advice)
    return tuple(each(target.item(k), item) for k, item in enumerate(value))


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
    if isinstance(value, list | tuple) and len(value) == 2 * target.rank:
        _require_pairs(target, value)
    return _per_axis(target, value, _side_pair)


def _require_pairs(target: _Target, value: Any) -> None:
    """Raises WrongValue for a number per side, of which other tools have two orders."""
    if target.rank == 1 or any(isinstance(each, list | tuple) for each in value):
        return
    numbers = [format_value(each) for each in value]
    pairs = [numbers[at : at + 2] for at in range(0, len(numbers), 2)]
    last_first = format_value(pairs[::-1])
    if len(set(numbers)) == 1:
        advice = f"write '{numbers[0]}', or a pair per axis: {last_first}"
    else:
        half = target.rank
        sides = format_value([[numbers[k], numbers[k + half]] for k in range(half)])
        advice = (
            f"write '{last_first}' if the order is PyTorch's (last axis first), "
            f"or '{sides}' if it is that of ONNX"
        )
    message = f"has {_values(value)}, but needs a pair, before and after, per axis"
    raise target.error("wrong-type", message, advice)


def _side_pair(target: _Target, value: Any) -> tuple[int, int]:
    if not isinstance(value, list | tuple):
        both = _integer(target, value)
        return both, both
    if len(value) != 2:
        message = f"has {_values(value)} for one axis, but needs 2: before and after"
        raise target.error("wrong-type", message)
    return _integer(target.item(0), value[0]), _integer(target.item(1), value[1])


def _list(target: _Target, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise target.error("wrong-type", f"is {format_value(value)}, but a list is expected")
    return value


def _ints(target: _Target, value: Any) -> tuple[int, ...]:
    return tuple(_integer(target.item(k), item) for k, item in enumerate(_list(target, value)))


def _shape(target: _Target, value: Any) -> tuple[int, ...] | str:
    if isinstance(value, str) and value in target.field.choices:
        return value
    items = _list(target, value)
    if not 1 <= len(items) <= 4:
        message = f"has {len(items)} sizes, but needs 1 to 4: channels and up to 3 spatial axes"
        raise target.error("wrong-type", message)
    return tuple(_size(target.item(k), item, k) for k, item in enumerate(items))


def _size(target: _Target, value: Any, index: int) -> int:
    if value is None or value is UNKNOWN:
        return UNKNOWN
    size = _integer(target, value)
    if size < 1:
        what = "channels" if index == 0 else "size"
        raise target.error("out-of-range", f"has {what} {size}, but must be at least 1")
    return size


def _extent(target: _Target, value: Any) -> Any:
    return value if value in EXTENT_WORDS else _axes(target, value)


_CONVERTERS: dict[str, Callable[[_Target, Any], Any]] = {
    "int": _integer,
    "count": _count,
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
