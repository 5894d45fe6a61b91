"""The totals of two networks side by side, and what explains that they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from convcalc.analysis.agreement.alignment import Alignment
from convcalc.analysis.report.report import Report
from convcalc.analysis.report.to_json import plain
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


class Total(NamedTuple):
    """A total of both networks; ``why`` explains a difference that is none of the layers."""

    key: str
    old: Any
    new: Any
    why: str = ""

    @property
    def is_same(self) -> bool:
        """Whether both are equal; two unknown values count as equal."""
        if self.key == "outputs":  # in whatever order, with or without sizes of 1 at the end
            return sorted(map(_trimmed, self.old)) == sorted(map(_trimmed, self.new))
        return bool(plain(self.old) == plain(self.new))

    @property
    def is_other(self) -> bool:
        """Whether both are known to differ."""
        return not self.is_same and known(_numbers(self.old)) and known(_numbers(self.new))


def _numbers(value: Any) -> Any:
    """A value, or the sizes of shapes."""
    shapes = isinstance(value, tuple) and all(isinstance(each, Shape) for each in value)
    return tuple(each.dims for each in value) if shapes else value


def _trimmed(shape: Shape) -> str:
    """A shape in words, without positions if there is only one."""
    return str(shape.with_spatial(()) if shape.positions == 1 else shape)


class Sides(NamedTuple):
    """Both reports, and the layers of each that no output needs and that were left out."""

    old: Report
    new: Report
    idle: tuple[Collection[str], Collection[str]]
    folded: bool

    def both(self, key: str) -> tuple[int, int]:
        """A count of both sides as it is reported."""
        return self.old.totals.counts[key], self.new.totals.counts[key]

    def compared(self, key: str) -> list[int]:
        """A count of both sides without what was looked through."""
        found = []
        for report, left_out in zip((self.old, self.new), self.idle, strict=True):
            fused = report.totals.fused
            total = fused[key] if self.folded and fused else report.totals.counts[key]
            for layer in report.layers:
                if layer.path in left_out:
                    total -= layer.fused[key] if self.folded and layer.fused else layer.counts[key]
            found.append(total)
        return found


def totals(sides: Sides, found: Alignment) -> tuple[Total, ...]:
    """Parameters, MACs, shapes of the outputs and receptive fields."""
    return tuple(_totals(sides, found))


def _totals(sides: Sides, found: Alignment) -> Iterator[Total]:
    old, new = sides.old, sides.new
    yield Total("params", *sides.both("params"), _why(sides, found))
    yield Total("macs", *sides.both("macs"), _why_work(sides))
    yield Total("outputs", tuple(old.outputs.values()), tuple(new.outputs.values()))
    yield Total("receptive_field", _field(old), _field(new))


def _field(report: Report) -> tuple[int, ...] | None:
    """The size of the receptive field of the first output; None where it is not known."""
    field = report.receptive_field
    return None if field is None or not known(field.size) else field.size or None


def _why(sides: Sides, found: Alignment) -> str:
    """Return what explains that parameters differ, if that is folding and what was left out."""
    before, after = sides.compared("params")
    if not known((before, after)) or len(set(sides.both("params"))) == 1:
        return ""
    lost = sum(
        found.old[one].output.channels
        for one, other in found.partner.items()
        if found.old[one].traits.get("bias") and found.new[other].traits.get("bias") is False
    )
    if before - lost != after and before != after:
        return ""
    reasons = [
        *["norms are folded"][: sides.folded],
        *["layers that lead to no output are left out"][: any(map(bool, sides.idle))],
        *[f"{lost:,} biases are left out"][: before != after],
    ]
    return ", ".join(reasons)


def _why_work(sides: Sides) -> str:
    before, after = sides.compared("macs")
    is_told = known((before, after)) and before == after and any(map(bool, sides.idle))
    return "layers that lead to no output are left out" if is_told else ""
