"""The receptive field of one tensor in words: its place, its holes, its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod

from convcalc.analysis.receptive_field.alignment import drifts
from convcalc.analysis.receptive_field.axis_study import AxisStudy
from convcalc.analysis.receptive_field.measures import Spread, nearest_holes
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.read_back import seen_inputs
from convcalc.analysis.receptive_field.study import Study
from convcalc.analysis.report.rows import AnyRow
from convcalc.model.quantities.number_text import fraction_text, percent_text
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import axes_text
from convcalc.output.columns import Column
from convcalc.output.table import Fact, Table
from convcalc.output.views.receptive_field_flags import drift_text

SHOWN = ("path", "operator", "output", "receptive_field", "reach", "jump", "center", "coverage")
OF_STACK = ("path", "kernel_size", "stride", "dilation", *SHOWN[3:4], *SHOWN[5:])
LISTED = 8  # holes and positions that a line names before it counts the rest

# Priorities of columns: a narrow terminal hides type and shape before the receptive field.
LAST_TO_GO = {"operator": 8, "output": 7, "receptive_field": 0, "jump": 1, "coverage": 2}


def receptive_field_table(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[AnyRow],
    remarks: Mapping[str, Sequence[str]],
    footer: Sequence[Fact],
    outputs: Sequence[AnyRow] = (),
) -> Table:
    """Return the table of layers or blocks, with a column for the remarks on each path.

    ``outputs`` are the rows of several outputs.
    """

    def words(row: AnyRow) -> str | None:
        return ", ".join(remarks.get(row.path, ())) or None

    flags = Column("flags", "flags", words, priority=3, doc="what is worth a remark", folds=True)
    ranked = (each._replace(priority=LAST_TO_GO.get(each.key, each.priority)) for each in columns)
    return Table(title, (*ranked, flags), rows, None, footer, outputs=outputs, result=True)


def receptive_field_facts(study: Study) -> list[Fact]:
    """Return all that is to be said about one tensor."""
    makers = (
        _studied,
        _size,
        _channels,
        _place,
        _gaps,
        _phases,
        _tile,
        _effective,
        _direction,
        _unread,
        _misaligned,
        _other_inputs,
    )
    return [fact for maker in makers for fact in maker(study)]


def _per_axis(study: Study, texts: Sequence[str]) -> str:
    """Return a single text where all axes agree, else each with the name of its axis."""
    if len(set(texts)) == 1:
        return texts[0]
    named = zip(study.axes, texts, strict=True)
    return ", ".join(f"{axis.name} {text}" for axis, text in named if text)


def _studied(study: Study) -> Iterator[Fact]:
    """Yield the fact that says which of several outputs the lines are about."""
    network = study.network
    names = [name for name, tensor in network.outputs.items() if tensor == study.asked]
    others = [name for name in network.outputs if name not in names]
    if names and others:
        yield Fact("output", f"{_names(names)}; the others, with --at: {_names(others)}")


def _size(study: Study) -> Iterator[Fact]:
    """Yield the fact on size, jump and global dependence."""
    extents = [_extent(axis) for axis in study.axes]
    size = axes_text(extents)
    if "–" in size and len(set(extents)) == 1 and len(extents) > 1:
        size += " on each axis"
    elif len(set(extents)) == 1:
        size = "×".join(extents)
    what = f"{study.place}: {'≥ ' if study.unbounded else ''}{size} of {study.input}"
    jumps = ["–" if axis.lost else axis.jump for axis in study.axes]
    if known(tuple(jumps)):
        what += f", jump {axes_text(jumps)}"
    if study.unbounded:
        what += "; deformable taps can lie anywhere, this is their grid"
    yield Fact("receptive field", what + _beyond(study))


def _beyond(study: Study) -> str:
    """Return the remark on what is seen beside the local path; empty if that is nothing."""
    after = f"{study.path} " if study.path != study.place else ""
    if study.is_global:
        return f"; {after}also depends on the whole input, this is the local path"
    if study.sight.is_partly_global:
        whole = "positions of the whole input, but not on every one"
        return f"; {after}also depends on {whole}; this is the local path"
    axes = zip(study.axes, study.sight.global_axes, strict=True)
    whole_axes = [axis.name for axis, whole in axes if whole and not axis.lost]
    if not whole_axes:
        return ""
    apart = ", each by itself" if len(whole_axes) > 1 else ""
    return f"; {after}also depends on all of the {' and '.join(whole_axes)}{apart}"


def _channels(study: Study) -> Iterator[Fact]:
    """Yield the fact on channels that see different things."""
    if study.classes > 1 and study.channels:
        which = f"{ranges_text(study.channels)} of {study.path}"
        others = "--channel N shows another, --union all together"
        text = f"{which}, one of {study.classes} classes that see different things; {others}"
        yield Fact("channels", text)
    elif study.classes > 1:
        what = f"{study.classes} classes that see different things"
        yield Fact("channels", f"all of {study.path} together, {what}; --channel N shows one")
    seen = study.channels_seen
    if seen is None or (seen.least == seen.channels and not study.channels_of):
        return
    of = f"of the {seen.channels:,} channels of {seen.of}"
    if seen.least == seen.most:
        yield Fact("groups", f"each channel of {study.path} sees {seen.most:,} {of}")
    else:
        yield Fact("groups", f"a channel of {study.path} sees {seen.least:,} to {seen.most:,} {of}")


def ranges_text(channels: Sequence[range]) -> str:
    """Return channel numbers: ``0–3``, ``1, 5, …, 29``; the first ranges, if there are many."""
    texts = []
    for each in channels[:LISTED]:
        if len(each) == 1:
            texts.append(str(each.start))
        elif each.step == 1 or len(each) == 2:
            texts.append(f"{each.start}{'–' if each.step == 1 else ', '}{each[-1]}")
        else:
            texts.append(f"{each.start}, {each[1]}, …, {each[-1]}")
    more = len(channels) - LISTED
    return ", ".join([*texts, *([f"and {more:,} more"] if more > 0 else [])])


def _extent(axis: AxisStudy) -> str:
    """Return the size on one axis, or the smallest and the largest."""
    if axis.lost:
        return "all"
    return str(axis.size) if axis.size == axis.size_min else f"{axis.size_min}–{axis.size}"


def _place(study: Study) -> Iterator[Fact]:
    """Yield the fact on where the field of the chosen position lies."""
    what = _join(study.positions)
    if all(known(axis.output_size) for axis in study.axes):
        what += f" of {'×'.join(str(axis.output_size) for axis in study.axes)}"
    if any(axis.seen is None for axis in study.axes):
        yield Fact("position", f"{what} reads nothing")
        return
    if not all(axis.placed for axis in study.axes):
        reason = "the padding depends on the size of the input"
        yield Fact("position", f"where one looks is unknown: {reason}")
        return
    centers = ["all" if c is None else fraction_text(c) for c in (a.center for a in study.axes)]
    spans = [f"{axis.ends[0]} to {axis.ends[1]}" if axis.ends else "" for axis in study.axes]
    what += f": center {', '.join(centers)}, from {_per_axis(study, spans)}"
    yield Fact("position", what + _padding(study))


def _padding(study: Study) -> str:
    """Return the share of the field that is padding; empty if there is none."""
    inside = prod(1 - (axis.padding_share or 0) for axis in study.axes)
    if inside == 1:
        return ""
    text = f"; {percent_text(Fraction(1 - inside))} of it is padding"
    return text if study.inside is None else f"{text}, {_real(study.inside)} read"


def _real(count: int) -> str:
    """The number of real positions, with its verb: ``1 real position is``."""
    return "1 real position is" if count == 1 else f"{count:,} real positions are"


def _join(values: Sequence[object]) -> str:
    return ",".join(map(str, values))


def _gaps(study: Study) -> Iterator[Fact]:
    """Yield facts on holes and coverage, per axis and on all axes together."""
    if study.coverage is None:
        return
    holes = any(axis.unread for axis in study.axes)
    if not holes and study.coverage == 1:
        yield Fact("coverage", "1, every position within is read")
        return
    if holes:
        parts = [
            f"{axis.read}/{axis.read + axis.unread} read, holes at {_relative(axis)}"
            if axis.unread
            else "none"
            for axis in study.axes
        ]
        yield Fact("holes", f"{'per axis ' if study.rank > 1 else ''}{_per_axis(study, parts)}")
    if len(study.axes) > 1:
        percent = percent_text(study.coverage)
        yield Fact("coverage", f"{study.coverage} of all axes together ({percent})")
    coarse = [axis.spacing for axis in study.axes]
    if max(coarse) > 1:
        which = _per_axis(study, [f"{value} apart" for value in coarse])
        shared = [axis.overlap for axis in study.axes if axis.overlap is not None]
        share = percent_text(min(shared))
        yield Fact("gridding", f"positions are read {which}; neighbours share {share}")


def _relative(axis: AxisStudy) -> str:
    """Return holes as distances from the center, with ± where both sides have one."""
    if axis.seen is None:
        return ""
    found, left = nearest_holes(axis.seen, LISTED)
    texts = [f"{'±' * hole.mirrored}{fraction_text(hole.value)}" for hole in found]
    return " ".join([*texts, *([f"and {left:,} more"] if left else [])])


def _phases(study: Study) -> Iterator[Fact]:
    """Yield the fact on how the fields of outputs differ from each other."""
    if all(axis.size == axis.size_min or axis.lost for axis in study.axes):
        return
    phases = [
        f"every {axis.phases} outputs"
        if not known(axis.output_size) or axis.phases < axis.output_size
        else "nowhere"
        for axis in study.axes
    ]
    line = f"differ; the pattern repeats {_per_axis(study, phases)}"
    if all(known(axis.envelope) for axis in study.axes):
        envelopes = _per_axis(study, [str(axis.envelope) for axis in study.axes])
        line += f"; laid over each other they span {envelopes}"
    yield Fact("outputs", line)


def _tile(study: Study) -> Iterator[Fact]:
    """Yield the fact on the halo that a tile needs."""
    halos = [axis.halo for axis in study.axes]
    texts = [
        f"{max(halo.before, 0)} before and {max(halo.after, 0)} after" if halo else ""
        for halo in halos
    ]
    if not any(texts):
        return
    line = _per_axis(study, texts)
    starts = [str(halo.offset) if halo else "" for halo in halos]
    if any(halo and halo.offset for halo in halos):
        line += f"; outputs begin {_per_axis(study, starts)} inside the input"
    yield Fact("halo of a tile", line)


def _effective(study: Study) -> Iterator[Fact]:
    """Yield the fact on the effective receptive field, an estimate."""
    try:
        spreads = [study.spread(axis) for axis in range(study.rank)]
    except Unseen as reason:
        yield Fact("effective field", f"unknown: {reason}")
        return
    texts = [
        f"σ {each.deviation:.4g}{_core(each, axis)}" if each and not axis.lost else ""
        for each, axis in zip(spreads, study.axes, strict=True)
    ]
    if any(texts) and any(axis.size > 1 for axis in study.axes):
        sizes = _per_axis(study, texts)
        yield Fact("effective field", f"{sizes}; an estimate, as if all weights were equal")


def _core(spread: Spread, axis: AxisStudy) -> str:
    if spread.core is None:
        return ""
    share = percent_text(Fraction(spread.core, axis.size))
    return f", 95.45 % of it within {_positions(spread.core)} ({share} of the field)"


def _positions(count: int) -> str:
    return f"{count:,} position{'s' * (count != 1)}"


def _direction(study: Study) -> Iterator[Fact]:
    """Yield the fact on look-ahead, for a tensor with one spatial axis."""
    if study.rank == 1 and (ahead := study.axes[0].ahead) is not None:
        yield Fact("look-ahead", "none, causal" if ahead <= 0 else _positions(ahead))


def _unread(study: Study) -> Iterator[Fact]:
    """Yield the fact on input positions that no output reads."""
    found = study.unread
    if found is None or not found.number:
        return
    share = percent_text(Fraction(found.number, found.total))
    line = f"{found.number:,} of {_positions(found.total)} of the input by no output ({share})"
    if any(found.lines):
        texts = [_some(lines) for lines in found.lines]
        line += f": {'all of ' * (study.rank > 1)}{_per_axis(study, texts)}"
    yield Fact("unread", line)


def _some(positions: Sequence[int]) -> str:
    more = f" and {len(positions) - LISTED:,} more" if len(positions) > LISTED else ""
    return f"{', '.join(map(str, positions[:LISTED]))}{more}"


def _misaligned(study: Study) -> Iterator[Fact]:
    """Yield facts on joins whose branches are misaligned."""
    last: dict[str, str] = {}
    for drift in drifts(study.network):
        if drift.input == study.input:
            last.setdefault(drift.path, drift_text(drift))
    listed = list(last.items())
    if listed:
        path, text = listed[0]
        yield Fact("misaligned", f"the branches of {path} {text}")
        if len(listed) > 1:
            yield Fact("misaligned too", _names([path for path, _ in listed[1:]]))


def _other_inputs(study: Study) -> Iterator[Fact]:
    """Yield the fact that names other inputs to ask for."""
    network = study.network
    inputs = [name for name in seen_inputs(network, study.tensor) if name != study.input]
    if inputs:
        yield Fact("other inputs", f"with --of: {_names(inputs)}")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"
