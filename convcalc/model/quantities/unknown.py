"""``UNKNOWN``, the value of every size and count that is not known."""

from __future__ import annotations

from typing import Any, cast


class Unknown:
    """A count that is not known; like NaN it absorbs arithmetic and fails every comparison.

    Formulas therefore run unchanged on unknown sizes, and an unknown never becomes a zero:
    ``UNKNOWN * 3 is UNKNOWN``. ``UNKNOWN < 1`` and ``UNKNOWN != 1`` are both False, so a check of
    the form "problem if bad" stays silent on unknown sizes. The builtins ``min`` and ``max``
    compare; use :func:`largest` where a size may be unknown.
    """

    __slots__ = ()

    def _absorb(self, *_: object) -> Unknown:
        return self

    def _fail(self, _: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _absorb
    __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = _absorb
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __abs__ = _absorb
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _fail
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "unknown"

    def __reduce__(self) -> str:
        return "UNKNOWN"


# Typed as int, so that it fits wherever a count is expected.
UNKNOWN: int = cast("int", Unknown())


def known(value: Any) -> bool:
    """Whether a count, or every count in a tuple, is known."""
    if isinstance(value, tuple):
        return all(known(item) for item in value)
    return value is not UNKNOWN


def largest(*values: int) -> int:
    """The maximum; unknown if any value is."""
    return max(values) if known(values) else UNKNOWN
