"""The receptive field of one tensor in lines of text: where it looks, what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Any

from convcalc.columns import SHARE, Column
from convcalc.receptive_field.flags import drift_text
from convcalc.receptive_field.gridding import Suggestion, gap, hdc, reached, steps
from convcalc.receptive_field.joins import drifts
from convcalc.receptive_field.measures import center_of
from convcalc.receptive_field.preimage import Unseen
from convcalc.receptive_field.study import AxisStudy, Study
from convcalc.receptive_field.trace import Step
from convcalc.render import Table
from convcalc.render.cells import axes_text
from convcalc.rows import Row
from convcalc.shape import known
from convcalc.units import fraction_text, percent_text

SHOWN = ("path", "operator", "output", "receptive_field", "reach", "jump", "center", "coverage")
OF_STACK = ("path", "kernel_size", "stride", "dilation", *SHOWN[3:4], *SHOWN[5:])
LISTED = 8  # holes and positions that a line names before it says how many more there are


def sight_table(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    remarks: Mapping[str, Sequence[str]],
    footer: Sequence[str],
) -> Table:
    """One line per layer or block, with what is worth a remark."""

    def words(row: Row) -> str | None:
        return ", ".join(remarks.get(row.path, ())) or None

    flags = Column("flags", "flags", words, priority=3, doc="what is worth a remark", folds=True)
    return Table(title, (*columns, flags), rows, None, footer)


def sight_lines(study: Study) -> list[str]:
    """What there is to say of one tensor."""
    makers = (_size, _place, _gaps, _phases, _tile, _effective, _direction, _unread, _apart)
    return [line for maker in makers for line in maker(study)]


def _per_axis(study: Study, texts: Sequence[str]) -> str:
    """One text where all axes agree, else each with its axis."""
    if len(set(texts)) == 1:
        return texts[0]
    return ", ".join(f"{axis.name} {text}" for axis, text in zip(study.axes, texts, strict=True))


def _size(study: Study) -> Iterator[str]:
    """The field's size, its jump, and what else the tensor depends on."""
    extents = [
        str(axis.size) if axis.size == axis.size_min else f"{axis.size_min}–{axis.size}"
        for axis in study.axes
    ]
    size = axes_text(extents)
    if "–" in size and len(set(extents)) == 1 and len(extents) > 1:
        size += " on each axis"
    elif len(set(extents)) == 1:
        size = "×".join(extents)
    what = f"{study.place}: {'≥ ' if study.unbounded else ''}{size} of {study.input}"
    if all(known(axis.jump) for axis in study.axes):
        what += f", jump {axes_text([axis.jump for axis in study.axes])}"
    if study.unbounded:
        what += "; deformable taps can lie anywhere, this is their grid"
    if study.is_global:
        after = f"{study.path} " if study.path != study.place else ""
        what += f"; {after}also depends on the whole input, this is the local path"
    yield what


def _place(study: Study) -> Iterator[str]:
    """Where the position that is looked at has its field."""
    centers = [axis.center for axis in study.axes]
    if None in centers:
        yield f"position {_joined(study.positions)} reads nothing"
        return
    sizes = "×".join(str(axis.output_size) for axis in study.axes)
    what = f"position {_joined(study.positions)}"
    if all(known(axis.output_size) for axis in study.axes):
        what += f" of {sizes}"
    spans = [
        f"{axis.seen[0]} to {axis.seen[0] + axis.seen[1].bit_length() - 1}"
        for axis in study.axes
        if axis.seen
    ]
    what += f": center {', '.join(fraction_text(c) for c in centers if c is not None)}"
    what += f", from {_per_axis(study, spans)}"
    shares = [axis.padding_share for axis in study.axes]
    if any(shares):
        inside = Fraction(1)
        for share in shares:
            inside *= 1 - (share or 0)
        what += f"; {percent_text(1 - inside)} of it is padding"
        if study.inside is not None:
            what += f", {study.inside:,} real positions are read"
    yield what


def _joined(values: Sequence[object]) -> str:
    return ",".join(map(str, values))


def _gaps(study: Study) -> Iterator[str]:
    """Holes, on each axis and on all together, or that there are none."""
    if study.coverage is None:
        return
    holes = any(axis.holes for axis in study.axes)
    if not holes and study.coverage == 1:
        yield "coverage 1: every position within is read"
        return
    if holes:
        parts = [
            f"{_ratio(axis)} read, holes at {_relative(axis)}" if axis.holes else "no holes"
            for axis in study.axes
        ]
        yield f"per axis {_per_axis(study, parts)}"
    if len(study.axes) > 1:
        yield f"coverage {study.coverage} of all axes together ({percent_text(study.coverage)})"
    coarse = [axis.spacing for axis in study.axes]
    if max(coarse) > 1:
        which = _per_axis(study, [f"{value} apart" for value in coarse])
        shared = [axis.overlap for axis in study.axes if axis.overlap is not None]
        yield f"gridding: positions are read {which}; neighbours share {percent_text(min(shared))}"


def _ratio(axis: AxisStudy) -> str:
    read = axis.seen[1].bit_count() if axis.seen else 0
    return f"{read}/{read + len(axis.holes)}"


def _relative(axis: AxisStudy) -> str:
    """Holes as distances from the center, ± where both sides have one."""
    if axis.seen is None:
        return ""
    center = center_of(axis.seen)
    distances = [hole - center for hole in axis.holes]
    both = {d for d in distances if -d in distances}
    texts = [
        (f"±{fraction_text(d)}" if d and d in both else fraction_text(d))
        for d in sorted(distances, key=lambda d: (abs(d), d))
        if d >= 0 or d not in both
    ]
    more = [f"and {len(texts) - LISTED} more"] if len(texts) > LISTED else []
    return " ".join([*texts[:LISTED], *more])


def _phases(study: Study) -> Iterator[str]:
    """How outputs differ from each other."""
    if any(axis.size != axis.size_min for axis in study.axes):
        line = (
            f"{_per_axis(study, [str(axis.phases) for axis in study.axes])} outputs in a row differ"
        )
        if all(known(axis.envelope) for axis in study.axes):
            envelopes = _per_axis(study, [str(axis.envelope) for axis in study.axes])
            line += f"; laid over each other they span {envelopes}"
        yield line


def _tile(study: Study) -> Iterator[str]:
    """What a tile needs around it."""
    halos = [axis.halo for axis in study.axes if axis.halo is not None]
    if len(halos) == len(study.axes):
        texts = [f"{halo.before} before and {halo.after} after" for halo in halos]
        shift = [f", outputs begin {halo.offset} inside" if halo.offset else "" for halo in halos]
        yield f"halo of a tile: {_per_axis(study, texts)}{_per_axis(study, shift)}"


def _effective(study: Study) -> Iterator[str]:
    """The estimate of what matters most."""
    try:
        spreads = [study.spread(axis) for axis in range(study.rank)]
    except Unseen as reason:
        yield f"effective field unknown: {reason}"
        return
    found = [each for each in spreads if each is not None]
    if len(found) == study.rank:
        texts = [
            f"σ {each.deviation:.4g}, 95.45 % of it within {each.core} positions "
            f"({each.core * 100 // axis.size} % of the field)"
            for each, axis in zip(found, study.axes, strict=True)
        ]
        yield f"effective field if all weights were equal (an estimate): {_per_axis(study, texts)}"


def _direction(study: Study) -> Iterator[str]:
    """Whether a sequence is read ahead."""
    if study.rank == 1 and (ahead := study.axes[0].ahead) is not None:
        yield "causal: no look-ahead" if ahead <= 0 else f"look-ahead {ahead} positions"


def _unread(study: Study) -> Iterator[str]:
    """Input positions that are never used."""
    found = study.unread
    if found is None or not found.number:
        return
    share = percent_text(Fraction(found.number, found.total))
    line = f"no output reads {found.number:,} of {found.total:,} input positions ({share})"
    if any(found.lines):
        texts = [_some(lines) for lines in found.lines]
        line += f"; all of {_per_axis(study, texts)}"
    yield line


def _some(positions: Sequence[int]) -> str:
    if not positions:
        return "none"
    more = f" and {len(positions) - LISTED} more" if len(positions) > LISTED else ""
    return f"{', '.join(map(str, positions[:LISTED]))}{more}"


def _apart(study: Study) -> Iterator[str]:
    """Joins of branches that do not look at the same place."""
    last: dict[str, str] = {}
    for drift in drifts(study.network):
        if drift.input == study.input:
            last.setdefault(drift.path, drift_text(drift))
    listed = list(last.items())
    if listed:
        path, text = listed[0]
        yield f"misaligned: the branches of {path} {text}"
        if len(listed) > 1:
            others = ", ".join(path for path, _ in listed[1 : LISTED + 1])
            yield f"misaligned too: {others}{' and more' if len(listed) > LISTED + 1 else ''}"


# --- the trace -----------------------------------------------------------------------------------


def trace_lines(found: Sequence[Step], *, limit: int = 400) -> list[str]:
    """The growth in one line, and the reason of each step below it."""
    sizes = [1, *(step.needs for step in found)]
    width = max((len(step.path) for step in found), default=0)
    lines = [" → ".join(map(str, sizes))]
    for step in found[:limit]:
        change = f"{step.size} → {step.needs}"
        lines.append(f"  {change:<12} {step.path:<{width}}  {step.operator}, {step.why}")
    return lines


# --- stacks ------------------------------------------------------------------------------------


def verdict(layers: Sequence[tuple[int, int, int]]) -> list[str]:
    """Whether layers of kernel_size, stride and dilation in a row leave holes, and what the rule
    of HDC says of them."""
    kernel_sizes, strides, dilations = zip(*layers, strict=True)
    windows = steps(kernel_sizes, strides, dilations)
    open_ = gap(windows)
    if open_ is None:
        line = "no holes: in order of their steps, no step is larger than what those before reach"
    else:
        smaller = [window for window in windows if window < open_ and window.kernel_size > 1]
        line = (
            f"holes: a step of {open_.step} is larger than {reached(smaller)}, the size before it"
        )
    lines = [line]
    if len(layers) > 1 and len(set(kernel_sizes)) == 1 and set(strides) == {1}:
        m2, k = hdc(dilations), kernel_sizes[0]
        right = (m2 <= k) == (open_ is None)
        says = f"HDC's rule says {'no holes' if m2 <= k else 'holes'}: M_2 = {m2}"
        sign = "<=" if m2 <= k else ">"
        lines.append(f"{says} {sign} k = {k}{'' if right else ', which is wrong here'}")
    return lines


def suggestion_table(found: Sequence[Suggestion]) -> Table:
    """Stacks side by side."""
    columns = (
        Column("dilations", "dilations", lambda each: ", ".join(map(str, each.dilations))),
        Column("size", "RF", attrgetter("size"), "", "right"),
        Column("evenness", "evenness", attrgetter("evenness"), SHARE, "right"),
        Column(
            "paths",
            "paths per position",
            lambda each: f"{each.least_paths}–{each.most_paths}",
            "",
            "right",
        ),
    )
    footer = (
        "without holes; evenness: mean number of paths to a position in relation to the most",
    )
    return Table("", columns, found, None, footer)


def suggestion_payload(found: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [{**each._asdict(), "evenness": str(each.evenness)} for each in found]
