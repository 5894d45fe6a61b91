"""A study in JSON's types: exact integers, fractions as ``"num/den"``, null for what is unknown."""

from __future__ import annotations

from typing import Any

from convcalc.payload import plain
from convcalc.receptive_field.joins import drifts
from convcalc.receptive_field.preimage import Unseen
from convcalc.receptive_field.study import AxisStudy, Study
from convcalc.receptive_field.trace import levels, trace


def study_payload(study: Study) -> dict[str, Any]:
    """Everything that there is to say of one tensor."""
    unread = study.unread
    return {
        "path": study.path,
        "place": study.place,
        "input": study.input,
        "global": study.is_global,
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
    seen = axis.seen
    steps = trace(levels(study.network, study.tensor, index, axis.position))
    return {
        "name": axis.name,
        "size": axis.size,
        "size_min": axis.size_min,
        "phases": axis.phases,
        "envelope": plain(axis.envelope),
        "jump": plain(axis.jump),
        "center": plain(axis.center),
        "start": seen[0] if seen else None,
        "end": seen[0] + seen[1].bit_length() - 1 if seen else None,
        "clipped": list(axis.clipped) if axis.clipped else None,
        "padding_share": plain(axis.padding_share),
        "halo": None if axis.halo is None else axis.halo._asdict(),
        "look_ahead": axis.ahead,
        "read": seen[1].bit_count() if seen else 0,
        "coverage": plain(axis.coverage),
        "holes": list(axis.holes),
        "spacing": axis.spacing,
        "overlap": plain(axis.overlap),
        "paths": _paths(study, index),
        "effective": _effective(study, index),
        "trace": [step._asdict() for step in steps],
    }


def _paths(study: Study, axis: int) -> dict[str, Any] | None:
    try:
        found = study.paths(axis)
    except Unseen:
        return None
    return {"first": found.first, "exact": found.exact, "counts": list(found.counts)}


def _effective(study: Study, axis: int) -> dict[str, Any] | None:
    """The estimate for equal weights."""
    try:
        found = study.spread(axis)
    except Unseen:
        return None
    return found and {"deviation": found.deviation, "core": found.core, "estimate": True}
