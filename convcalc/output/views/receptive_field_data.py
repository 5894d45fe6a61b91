"""A receptive field's study as JSON: exact integers, fractions ``"num/den"``, null for unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.analysis.receptive_field.alignment import drifts
from convcalc.analysis.receptive_field.axis_study import AxisStudy
from convcalc.analysis.receptive_field.measures import extent_of
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.study import Study
from convcalc.analysis.receptive_field.trace import trace
from convcalc.analysis.report.report import Report
from convcalc.analysis.report.to_json import plain, report_payload
from convcalc.output.views.receptive_field_flags import first_to_see_all

SCHEMA = "convcalc/receptive-field-v1"
MOST_LISTED = 100_000  # holes and path counts; more are null

_HEAD = ("tool", "network", "variant", "source", "inputs", "outputs", "per_output")
_OF_LAYER = ("path", "operator", "output", "receptive_field", "source")


def receptive_field_payload(
    report: Report, found: Study | str, remarks: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return what ``rf -f json`` prints: all layers and the study of one tensor.

    ``found`` is that study, or the reason why there is none; ``remarks`` are the flags by path.
    """
    whole = report_payload(report)
    return {
        "schema": SCHEMA,
        **{key: whole[key] for key in _HEAD},
        "spans_input_from": first_to_see_all(report) or None,
        "target": None if isinstance(found, str) else study_payload(found),
        "reason": found if isinstance(found, str) else None,
        "layers": [
            {
                **{key: layer[key] for key in _OF_LAYER},
                "flags": list(remarks.get(layer["path"], ())),
            }
            for layer in whole["layers"]
        ],
        "problems": whole["problems"],
    }


def study_payload(study: Study) -> dict[str, Any]:
    """Return the study of one tensor as JSON."""
    unread = study.unread
    return {
        "path": study.path,
        "place": study.place,
        "input": study.input,
        "channels": [[each.start, each[-1], each.step] for each in study.channels],
        "classes": study.classes,
        "channels_seen": study.channels_seen and study.channels_seen._asdict(),
        "global": study.is_global,
        "global_axes": list(study.sight.global_axes),
        "partly_global": study.sight.is_partly_global,
        "unbounded": study.unbounded,
        "position": list(study.positions),
        "coverage": plain(study.coverage),
        "inside": study.inside,
        "axes": [_axis(study, index, axis) for index, axis in enumerate(study.axes)],
        "unread": None if unread is None else unread.number,
        "misaligned": [
            {
                "path": drift.path,
                "axis": drift.axis,
                "offset": str(drift.offset),
                "per_output": str(drift.per_output),
            }
            for drift in drifts(study.network)
            if drift.input == study.input
        ],
    }


def _axis(study: Study, index: int, axis: AxisStudy) -> dict[str, Any]:
    start, end = axis.ends or (None, None)
    steps = trace(study.levels(index))
    return {
        "name": axis.name,
        "global": axis.lost,
        "size": axis.size,
        "size_min": axis.size_min,
        "phases": axis.phases,
        "envelope": plain(axis.envelope),
        "jump": plain(axis.jump),
        "center": plain(axis.center),
        "start": start,
        "end": end,
        "clipped": list(axis.clipped) if axis.clipped else None,
        "padding_share": plain(axis.padding_share),
        "halo": None if axis.halo is None else axis.halo._asdict(),
        "look_ahead": axis.ahead,
        "read": axis.read,
        "coverage": plain(axis.coverage),
        "unread": axis.unread,
        "holes": list(axis.holes) if axis.ends and axis.unread <= MOST_LISTED else None,
        "spacing": axis.spacing,
        "overlap": plain(axis.overlap),
        "paths": _paths(study, index),
        "effective": _effective(study, index),
        "trace": [step._asdict() for step in steps],
    }


def _paths(study: Study, axis: int) -> dict[str, Any] | None:
    seen = study.axes[axis].seen
    if seen and extent_of(seen) > MOST_LISTED:
        return None
    try:
        found = study.paths(axis)
    except Unseen:
        return None
    first = found.first if study.axes[axis].ends else None
    return {"first": first, "exact": found.exact, "counts": list(found.counts)}


def _effective(study: Study, axis: int) -> dict[str, Any] | None:
    """Return the estimate for equal weights; None if it cannot be computed."""
    try:
        found = study.spread(axis)
    except Unseen:
        return None
    return found and {"deviation": found.deviation, "core": found.core, "estimate": True}
