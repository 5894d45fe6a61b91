"""Explains how the size of a receptive field comes about, layer by layer, in lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from convcalc.analysis.receptive_field.trace import Step


def trace_lines(found: Sequence[Step], width: int | None = None, *, limit: int = 400) -> list[str]:
    """Return the sizes, wrapped at the terminal's width, and the reason for each step below."""
    sizes = [1, *(step.needs for step in found)]
    longest = max((len(step.path) for step in found), default=0)
    growth = " → ".join(map(str, sizes))
    lines = wrap(growth, width, subsequent_indent="  ") if width else [growth]
    for step in found[:limit]:
        change = f"{step.size} → {step.needs}"
        lines.append(f"  {change:<12} {step.path:<{longest}}  {step.operator}, {step.why}")
    if len(found) > limit:
        lines.append(f"  and {len(found) - limit:,} further steps; -f json has them all")
    return lines
