"""Explains how the size of a receptive field comes about, layer by layer, in lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from convcalc.analysis.receptive_field.trace import Step
from convcalc.output.cells import clean
from convcalc.output.lines import IN_LINES, NARROWEST, fold
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
        lines += _beside(f"  {change:<12} {path:<{longest}}  ", why, style.width)
    if len(found) > limit:
        lines.append(f"  and {len(found) - limit:,} further steps; -f json has them all")
    return lines


def _beside(start: str, text: str, width: int | None) -> list[str]:
    """Return a text behind the beginning of a line, wrapped there or below it."""
    if width is None or len(start) + len(text) <= width:
        return [start + text]
    margin = len(start) if width - len(start) >= 2 * NARROWEST else _BELOW
    pieces = fold(text, max(width - margin, NARROWEST), IN_LINES)
    if margin == len(start):
        return [start + pieces[0], *(" " * margin + piece for piece in pieces[1:])]
    return [start.rstrip(), *(" " * margin + piece for piece in pieces)]


_BELOW = 15  # characters before a text that stands below the beginning of its line
