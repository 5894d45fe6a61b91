"""Immutable data classes without generated code.

``dataclasses`` generates and compiles the methods of each class at every start, which takes longer
than most commands run. A record inherits its methods instead.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar, dataclass_transform

_R = TypeVar("_R", bound="Record")


@dataclass_transform(frozen_default=True)
class Record:
    """Base of a class whose annotations are its fields, in order; later ones may have defaults.

    Records are compared by identity. :meth:`replace` makes a changed copy.
    """

    record_fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = (
            name
            for name, kind in vars(cls).get("__annotations__", {}).items()
            if "ClassVar" not in str(kind)
        )
        cls.record_fields = (*cls.record_fields, *own)

    def __init__(self, *values: Any, **named: Any) -> None:
        fields = self.record_fields
        kind = type(self).__name__
        if len(values) > len(fields):
            raise TypeError(f"{kind} has {len(fields)} fields, but {len(values)} are given")
        found = vars(self)
        found.update(zip(fields, values, strict=False))
        for name, value in named.items():
            if name in found or name not in fields:
                raise TypeError(f"{kind}: the field {name} is unknown or given twice")
            found[name] = value
        for name in fields:
            if name not in found and not hasattr(type(self), name):
                raise TypeError(f"{kind} needs {name}")

    @classmethod
    def of(cls: type[_R], fields: dict[str, Any]) -> _R:
        """The record with all these fields, which are not checked: for those made in thousands."""
        found = object.__new__(cls)
        object.__setattr__(found, "__dict__", fields)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes: {name}")

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.record_fields)
        return f"{type(self).__name__}({fields})"

    def replace(self: _R, **changes: Any) -> _R:
        """A copy with some fields changed."""
        fields = {name: getattr(self, name) for name in self.record_fields}
        return type(self)(**{**fields, **changes})


class Value(Record):
    """A record that equals another one of its class with equal fields."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return (type(self), *(getattr(self, name) for name in self.record_fields))
