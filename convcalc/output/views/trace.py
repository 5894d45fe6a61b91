"""Explains how the size of a receptive field comes about, layer by layer, in lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from convcalc.analysis.receptive_field.trace import Step
from convcalc.output.cells import clean
from convcalc.output.table import Style


def trace_lines(found: Sequence[Step], style: Style, *, limit: int = 400) -> list[str]:
    """Return the sizes, wrapped at the terminal's width, and the reason for each step below."""
    sizes = [1, *(step.needs for step in found)]
    paths = [clean(step.path, style) for step in found[:limit]]
    longest = max(map(len, paths), default=0)
    growth = " → ".join(map(str, sizes))
    lines = wrap(growth, style.width, subsequent_indent="  ") if style.width else [growth]
    for step, path in zip(found, paths, strict=False):
        change = f"{step.size} → {step.needs}"
        why = clean(f"{step.operator}, {step.why}", style)
        lines.append(f"  {change:<12} {path:<{longest}}  {why}")
    if len(found) > limit:
        lines.append(f"  and {len(found) - limit:,} further steps; -f json has them all")
    return lines
