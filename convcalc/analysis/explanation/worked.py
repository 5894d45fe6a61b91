"""Worked-out numbers: the formula in words, the formula with numbers, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.model.quantities.formula import Step, origin_of
from convcalc.model.quantities.formula_text import meaning, numbers, parenthesize, words
from convcalc.model.quantities.unknown import known


class Worked(NamedTuple):
    """One number: its formula in words, the same formula with numbers, and the result.

    ``words`` is empty where there is only a result; ``meaning`` may say why. ``where`` holds
    the formulas of its arguments, except those already shown. ``kind`` is the kind of work.
    """

    label: str
    words: str
    numbers: str
    result: Any
    meaning: str = ""
    function: str = ""
    kind: str = ""
    where: tuple[Worked, ...] = ()


class Section(NamedTuple):
    """Numbers that belong together."""

    title: str
    lines: tuple[Worked, ...]


class Working:
    """Works out one number after another; a formula with the same arguments is shown once."""

    def __init__(self) -> None:
        self.seen: set[Step] = set()

    def work_out(self, label: str, value: Any, kind: str = "") -> Worked:
        """Work out one number, and those of its arguments that have a formula."""
        origin = origin_of(value)
        if not isinstance(origin, Step):
            text = plain_text(value)
            return Worked(label, origin or text, text, value, kind=kind)
        self.seen.add(origin)
        function = f"{origin.function.__module__}.{origin.function.__name__}"
        return Worked(
            label,
            words(origin),
            numbers(origin),
            value,
            meaning(origin),
            function,
            kind,
            tuple(self.parts(origin)),
        )

    def parts(self, step: Step) -> Iterator[Worked]:
        """The formulas of a step's arguments that have not been shown yet."""
        for name, value in step.arguments.items():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(origin_of(item), Step) and origin_of(item) not in self.seen:
                    yield self.work_out(name, item)

    def tensor(self, label: str, sizes: Sequence[int]) -> Worked:
        """The number of elements of a learned or stored tensor: the product of its sizes."""
        steps = [step for step in map(origin_of, sizes) if isinstance(step, Step)]
        self.seen.update(steps)  # they are part of the line
        where = tuple(part for step in steps for part in self.parts(step))
        texts = [
            _texts(size) if len(sizes) == 1 else [*map(parenthesize, _texts(size))]
            for size in sizes
        ]
        named, filled = (" * ".join(column) for column in zip(*texts, strict=True))
        return Worked(label, named, filled, prod(sizes), "the product of its sizes", where=where)


def _texts(size: int) -> list[str]:
    """A size in words, and with numbers."""
    origin = origin_of(size)
    if isinstance(origin, Step):
        return [words(origin), numbers(origin)]
    return [origin or plain_text(size), plain_text(size)]


def plain_text(value: Any) -> str:
    """A value as text; ``unknown`` if it is unknown."""
    return str(value if not isinstance(value, int) else int(value)) if known(value) else "unknown"


def sum_lines(label: str, lines: Sequence[Worked], nothing: str) -> Worked:
    """The sum of some lines; ``nothing`` is its meaning where there are none."""
    if not lines:
        return Worked(label, "", "0", 0, nothing)
    added = " + ".join(line.label for line in lines)
    values = " + ".join(plain_text(line.result) for line in lines)
    return Worked(label, added, values, sum(line.result for line in lines))
