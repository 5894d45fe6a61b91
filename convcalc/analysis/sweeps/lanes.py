"""One number that stands for many: an array of ints or floats that formulas take as one number.

The code of operators and of the language runs unchanged on :class:`Lanes`. Arithmetic is done lane
by lane, exactly as Python does it: in 64 bits while an upper bound shows that nothing can overflow,
with Python's own numbers otherwise. A comparison on which all lanes agree is a bool; where they
differ it raises :class:`Split`, and the caller of the code runs it once for each side, as the
threads of a GPU that part at a branch. Nothing is ever decided for a lane by another one.

It needs numpy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Any

from convcalc.analysis.sweeps.arrays import Array, np
from convcalc.errors import Error
from convcalc.model.quantities.unknown import UNKNOWN

BOUND = 2**62  # values below it are kept in 64 bits
EXACT = 2**53  # ints below it are floats without rounding


class Split(Error):
    """Lanes part: ``mask`` says for each of them whether it is on the first side."""

    def __init__(self, mask: Array) -> None:
        super().__init__("configurations part here")
        self.mask = mask


class Lanes:
    """Many numbers as one: all ints, or all floats.

    It counts as an int or a float for ``isinstance``, but not for code in C, which would only take
    one number: an index, ``range`` and ``int`` raise Split, unless all lanes are equal.
    """

    __slots__ = ("_hash", "bound", "values")
    named = False  # whether texts are names, which tell numbers apart, and not sentences

    def __init__(self, values: Array, bound: int | None = None) -> None:
        self.values = values
        self.bound = _bound(values) if bound is None else bound  # no lane is larger in size
        self._hash: int | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what isinstance asks for
        first = self.values.flat[0] if self.values.dtype == object else None
        is_float = isinstance(first, float) or self.values.dtype == np.float64
        return float if is_float else int

    # --- what lanes have in common -------------------------------------------------------------

    def same(self) -> Any:
        """The value that all lanes have; raises Split where they differ."""
        first = self.values[0]
        mask = self.values == first
        if not mask.all():
            raise Split(np.asarray(mask, bool))
        return first.item() if isinstance(first, np.generic) else first

    def __index__(self) -> int:
        return operator.index(self.same())

    def __int__(self) -> int:
        return int(self.same())

    def __float__(self) -> float:
        return float(self.same())

    def __bool__(self) -> bool:
        return _agreed(self.values != 0)

    def __hash__(self) -> int:
        if self._hash is None:
            exact = self.values.dtype == object
            content = tuple(self.values) if exact else self.values.tobytes()
            self._hash = hash((exact, content))
        return self._hash

    def __repr__(self) -> str:
        return f"<lanes {len(self.values)} {hash(self):x}>"

    def __str__(self) -> str:
        return str(self.same()) if Lanes.named else "…"

    def __format__(self, how: str) -> str:
        return format(self.same(), how) if Lanes.named else "…"

    @property
    def numerator(self) -> int:
        """The value that all lanes have, as fractions ask for it; else raises Split."""
        return int(self.same())

    @property
    def denominator(self) -> int:
        """1, that of whole numbers."""
        return 1

    def as_integer_ratio(self) -> tuple[int, int]:
        """The ratio of the value that all lanes have; raises Split where they differ."""
        ratio: tuple[int, int] = self.same().as_integer_ratio()
        return ratio

    def each(self, function: Callable[..., Any], values: Sequence[Any], *, takes_list: bool) -> Any:
        """A function of several numbers, or of a list of them, lane by lane."""
        return each((lambda *found: function(found)) if takes_list else function, *values)

    def is_integer(self) -> bool:
        """Whether all lanes are whole."""
        return _agreed(self.values % 1 == 0)

    # --- arithmetic ----------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _add(self, other)

    def __sub__(self, other: Any) -> Any:
        return _subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _multiply(self, other)

    def __floordiv__(self, other: Any) -> Any:
        return _divide(operator.floordiv, np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _divide(operator.floordiv, np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return _divide(operator.mod, np.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _divide(operator.mod, np.remainder, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _true_divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _true_divide(other, self)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return each(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return each(operator.pow, other, self)

    def __neg__(self) -> Lanes:
        return Lanes(-self.values, self.bound)

    def __pos__(self) -> Lanes:
        return self

    def __abs__(self) -> Lanes:
        return Lanes(abs(self.values), self.bound)

    def __trunc__(self) -> Any:
        return self if isinstance(self, int) else each(int, self)

    def __floor__(self) -> Any:
        return self if isinstance(self, int) else each(floor, self)

    def __ceil__(self) -> Any:
        return self if isinstance(self, int) else each(ceil, self)

    def __round__(self, digits: int | None = None) -> Any:
        if isinstance(self, int):
            return self
        return each(round, self) if digits is None else each(lambda x: round(x, digits), self)

    # --- comparisons ---------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self is other or _compare(operator.eq, self, other, differs=False)

    def __ne__(self, other: object) -> bool:
        return self is not other and _compare(operator.ne, self, other, differs=True)

    def __lt__(self, other: Any) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return _compare(operator.ge, self, other)


# --- what the methods do -------------------------------------------------------------------------


def is_lanes(value: Any) -> bool:
    """Whether a number stands for many."""
    return type(value) is Lanes


def lanes_of(values: Sequence[Any]) -> Lanes:
    """Lanes of ints, or of floats if any of the values is one."""
    if any(isinstance(value, float) for value in values):
        return Lanes(np.array([float(value) for value in values]))
    if all(-BOUND < value < BOUND for value in values):
        return Lanes(np.array(values, np.int64))
    return Lanes(_objects(values))


def column(value: Any, count: int) -> list[Any]:
    """A number as one Python number for each of so many lanes."""
    return list(value.values.tolist()) if type(value) is Lanes else [value] * count


def choose(value: Any, picked: Array) -> Any:
    """A number in the lanes that are picked: a mask, or their indices."""
    return Lanes(value.values[picked]) if type(value) is Lanes else value


def each(function: Callable[..., Any], *arguments: Any) -> Any:
    """A function of numbers lane by lane, called once for each combination that occurs.

    Raises Split where it fails for some of them.
    """
    several = [value for value in arguments if type(value) is Lanes]
    places, firsts = distinct(several)
    combinations = [
        [value.values[at] if type(value) is Lanes else value for value in arguments]
        for at in firsts
    ]
    found: list[Any] = []
    failed: list[int] = []
    for number, combination in enumerate(combinations):
        try:
            found.append(function(*map(_plain, combination)))
        except Exception:
            if len(combinations) == 1:
                raise
            failed.append(number)
            found.append(0)
    if len(failed) == len(found):
        function(*map(_plain, combinations[0]))
    if failed:
        raise Split(np.isin(places, failed))
    kinds = set(map(type, found))
    if len(kinds) > 1:  # each side has one kind of number
        raise Split(np.isin(places, [n for n, value in enumerate(found) if type(value) is float]))
    return gather(found, places)


def gather(values: Sequence[Any], places: Array) -> Any:
    """For each lane the value at its place."""
    first = values[0]
    if all(value is first or value == first for value in values):
        return first
    return Lanes(lanes_of(values).values[places])


def distinct(several: Sequence[Lanes]) -> tuple[Array, Array]:
    """For each lane the number of the combination of values that it has, and the first lane of
    each combination; combinations are numbered in the order of their values."""
    _, firsts, places = _unique(several[0].values)
    for lanes in several[1:]:
        values, _, others = _unique(lanes.values)
        both = places.astype(np.int64) * len(values) + others
        _, firsts, places = np.unique(both, return_index=True, return_inverse=True)
    return places, firsts


def _unique(values: Array) -> tuple[Array, Array, Array]:
    found = np.unique(values, return_index=True, return_inverse=True)
    return found[0], found[1], found[2].reshape(-1)


def _add(a: Any, b: Any) -> Any:
    return _exactly(operator.add, a, b, lambda p, q: p + q)


def _subtract(a: Any, b: Any) -> Any:
    return _exactly(operator.sub, a, b, lambda p, q: p + q)


def _multiply(a: Any, b: Any) -> Any:
    return _exactly(operator.mul, a, b, lambda p, q: p * q)


def _exactly(
    apply: Callable[[Any, Any], Any], a: Any, b: Any, limit: Callable[[int, int], int]
) -> Any:
    """A sum, a difference or a product; ``limit`` is the bound of it by those of its parts."""
    kinds = _kind(a), _kind(b)
    if None in kinds:
        return NotImplemented
    x, y = _array(a), _array(b)
    if "float" in kinds:
        if object in (_dtype(x), _dtype(y)) or not (_fits_float(a) and _fits_float(b)):
            return _by_objects(apply, a, b)
        return Lanes(apply(x, y))
    bound = limit(_size(a), _size(b))
    if max(bound, _size(a), _size(b)) >= BOUND:  # the bounds may have been loose
        bound = limit(_tight(a), _tight(b))
        if max(bound, _tight(a), _tight(b)) >= BOUND:
            return _by_objects(apply, a, b)
    if object in (_dtype(x), _dtype(y)):
        x, y = _narrow(x), _narrow(y)
    return Lanes(apply(x, y), bound)


def _divide(
    apply: Callable[[Any, Any], Any], vectorised: Callable[[Any, Any], Any], a: Any, b: Any
) -> Any:
    """The floor of a quotient, or the rest."""
    kinds = _kind(a), _kind(b)
    if None in kinds:
        return NotImplemented
    _agreed(_array(b) == 0)
    x, y = _array(a), _array(b)
    if "float" in kinds or object in (_dtype(x), _dtype(y)) or _wide(a) or _wide(b):
        return each(apply, a, b)
    if _is_zero(b):
        return apply(1, 0)  # raises ZeroDivisionError
    return Lanes(vectorised(x, y), max(_size(a), 1) if apply is operator.floordiv else _size(b))


def _true_divide(a: Any, b: Any) -> Any:
    if _kind(a) is None or _kind(b) is None:
        return NotImplemented
    _agreed(_array(b) == 0)
    if _is_zero(b):
        return 1 / 0
    x, y = _array(a), _array(b)
    if object in (_dtype(x), _dtype(y)) or not (_fits_float(a) and _fits_float(b)):
        return each(operator.truediv, a, b)
    return Lanes(np.true_divide(x, y))


def _compare(
    apply: Callable[[Any, Any], Any], a: Lanes, b: Any, differs: bool | None = None
) -> bool:
    """Whether all lanes compare so; ``differs`` is the answer for what is not a number."""
    kinds = _kind(a), _kind(b)
    if None in kinds:
        if differs is None and b is not UNKNOWN:
            return NotImplemented  # type: ignore[no-any-return]  # as operators tell Python
        return bool(differs) and b is not UNKNOWN
    x, y = _array(a), _array(b)
    if "float" in kinds and "int" in kinds and not (_fits_float(a) and _fits_float(b)):
        x, y = _objects_of(x), _objects_of(y)
    if _wide(a) or _wide(b):
        x, y = _objects_of(x), _objects_of(y)
    return _agreed(np.asarray(apply(x, y), bool))


def _agreed(mask: Any) -> bool:
    """The bool on which all lanes agree; raises Split where they do not."""
    found = np.asarray(mask, bool)
    if found.all():
        return True
    if not found.any():
        return False
    raise Split(found)


def _kind(value: Any) -> str | None:
    """``int`` or ``float``; None if it is not a number, such as an unknown size or a fraction."""
    if type(value) is int or type(value) is float:
        return type(value).__name__
    return value.__class__.__name__ if type(value) is Lanes else None


def _array(value: Any) -> Any:
    return value.values if type(value) is Lanes else value


def _dtype(value: Any) -> Any:
    return (
        value.dtype.type
        if isinstance(value, np.ndarray) and value.dtype != object
        else (object if isinstance(value, np.ndarray) else type(value))
    )


def _size(value: Any) -> int:
    """The bound of a number's size."""
    return value.bound if type(value) is Lanes else abs(value)


def _tight(value: Any) -> int:
    """The size of the largest lane itself."""
    return _bound(value.values) if type(value) is Lanes else abs(value)


def _bound(values: Array) -> int:
    if values.dtype == np.float64 or not len(values):
        return 0
    return max(abs(int(values.max())), abs(int(values.min())))


def _wide(value: Any) -> bool:
    """Whether a number does not fit into 64 bits."""
    return type(value) is int and abs(value) >= BOUND


def _fits_float(value: Any) -> bool:
    """Whether a number is a float, or an int that is one without rounding."""
    if type(value) is float or type(value) is int:
        return type(value) is float or abs(value) < EXACT
    return _kind(value) == "float" or value.bound < EXACT or _tight(value) < EXACT


def _is_zero(value: Any) -> bool:
    return not _array(value).any() if type(value) is Lanes else not value


def _plain(value: Any) -> Any:
    """A Python number."""
    return value.item() if isinstance(value, np.generic) else value


def _objects(values: Sequence[Any]) -> Array:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _objects_of(values: Any) -> Any:
    return _objects(values.tolist()) if isinstance(values, np.ndarray) else values


def _narrow(values: Any) -> Any:
    return values.astype(np.int64) if isinstance(values, np.ndarray) else values


def _by_objects(apply: Callable[[Any, Any], Any], a: Any, b: Any) -> Lanes:
    """Lane by lane with Python's own numbers, of any size."""
    found = apply(_objects_of(_array(a)), _objects_of(_array(b)))
    return Lanes(found.astype(np.float64) if isinstance(found[0], float) else found)
