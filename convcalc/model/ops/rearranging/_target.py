"""Shared by operators whose output size is said by one of two fields or by a second input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import Axes, Nothing
from convcalc.model.operators.contract import Operator, Problem
from convcalc.model.quantities.shape import Shape


def target_problems(
    operator: Operator, names: tuple[str, str], inputs: Sequence[Shape], example: str
) -> Iterator[Problem]:
    """The size is said by none of the fields ``names`` and a second input, or by several.

    ``example`` sets one of the fields; a second input needs the axes of the first.
    """
    x, *reference = inputs
    name = type(operator).__name__.lower()
    given = [field for field in names if getattr(operator, field) is not None]
    ways = [*given, *("a second input" for _ in reference)]
    if not ways:
        message = f"{name} needs {', '.join(names)} or a second input"
        field = example.partition(":")[0]
        yield Problem("missing-key", field, message, f"for instance '{example}'")
    elif len(ways) > 1:
        message = f"{name} takes {' and '.join(ways)}, but one of them says it all"
        yield Problem("unsupported-combination", given[-1], message, f"leave out {given[-1]}")
    elif reference and reference[0].rank != x.rank:
        message = f"{name} of {x} to the size of {reference[0]}, which has other axes"
        yield Problem("shape-mismatch", "", message, f"{x.rank} spatial axes", 1)


def unread(inputs: Sequence[Shape]) -> tuple[Axes, ...]:
    """The axis maps of the inputs beyond the first, of which only the size is used."""
    return tuple((Nothing(),) * other.rank for other in inputs[1:])
