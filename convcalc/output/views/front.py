"""Pictures of a Pareto front: in text, and as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.parts import Row
from convcalc.analysis.sweeps.plan import Plan
from convcalc.diagnostics.visible import visible
from convcalc.model.quantities.counts import BYTES
from convcalc.output.cells import value_text
from convcalc.output.table import Style

HEIGHT = 14  # lines
USUAL, NARROWEST, WIDEST = 72, 16, 100  # characters of the picture
POINT, ASCII_POINT = "●", "*"
WIDTH_SVG, HEIGHT_SVG, MARGIN = 640, 400, 64


class Axis(NamedTuple):
    """A column of the front and its least and greatest value."""

    name: str
    values: Sequence[Any]

    @property
    def least(self) -> Any:
        """The least value."""
        return min(self.values)

    @property
    def most(self) -> Any:
        """The greatest value."""
        return max(self.values)

    def at(self, value: Any, places: int) -> int:
        """The place of a value among so many, the least value at 0."""
        if self.most == self.least:
            return places // 2
        return int((value - self.least) * (places - 1) / (self.most - self.least) + 0.5)

    def text(self, value: Any) -> str:
        """A value as in the table."""
        if isinstance(value, float):
            return str(value)
        return value_text(value, BYTES if self.name == "memory" else "")


def axes(plan: Plan, rows: Sequence[Row]) -> tuple[Axis, Axis]:
    """The first two columns of the front: along the picture, and upward."""
    found = []
    for goal in plan.pareto[:2]:
        place = plan.names.index(goal.name)
        found.append(Axis(goal.name, [row[place] for row in rows]))
    return found[0], found[1]


def plot_lines(plan: Plan, rows: Sequence[Row], style: Style) -> list[str]:
    """The front as lines of text, as wide as the terminal."""
    if not rows:
        return ["the front is empty"]
    x, y = axes(plan, rows)
    labels = [y.text(y.most), y.text(y.least)]
    margin = max(map(len, labels))
    width = max(NARROWEST, min(style.width or USUAL, WIDEST) - margin - 3)
    grid = [[" "] * width for _ in range(HEIGHT)]
    point = ASCII_POINT if style.ascii else POINT
    for along, upward in zip(x.values, y.values, strict=True):
        grid[HEIGHT - 1 - y.at(upward, HEIGHT)][x.at(along, width)] = point
    bar, corner, line = ("|", "+", "-") if style.ascii else ("│", "└", "─")
    lines = [visible(y.name)]
    for number, cells in enumerate(grid):
        label = {0: labels[0], HEIGHT - 1: labels[1]}.get(number, "")
        lines.append(f"{label:>{margin}} {bar}{''.join(cells)}".rstrip())
    left, right = x.text(x.least), f"{x.text(x.most)} {visible(x.name)}"
    lines.append(f"{'':{margin}} {corner}{line * width}")
    room = max(width - len(left), len(right) + 1)
    return [*lines, f"{'':{margin}}  {left}{right:>{room}}"]


def front_svg(plan: Plan, rows: Sequence[Row], title: str) -> str:
    """The front as a figure of its own, in SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_SVG} {HEIGHT_SVG}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f"<title>{_escaped(title)}</title>",
        f'<rect width="{WIDTH_SVG}" height="{HEIGHT_SVG}" fill="#fff"/>',
    ]
    left, right, top, bottom = MARGIN, WIDTH_SVG - MARGIN // 2, MARGIN // 2, HEIGHT_SVG - MARGIN
    parts.append(
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#333" stroke-width="1"/>'
    )
    if rows:
        x, y = axes(plan, rows)
        for along, upward in sorted(set(zip(x.values, y.values, strict=True))):
            at = left + 8 + x.at(along, right - left - 15)
            height = bottom - 8 - y.at(upward, bottom - top - 15)
            parts.append(f'<circle cx="{at}" cy="{height}" r="3" fill="#1f6feb"/>')
        middle = (left + right) // 2
        parts += [
            _text(left, bottom + 18, "start", x.text(x.least)),
            _text(right, bottom + 18, "end", x.text(x.most)),
            _text(middle, bottom + 36, "middle", x.name),
            _text(left - 6, bottom - 4, "end", y.text(y.least)),
            _text(left - 6, top + 12, "end", y.text(y.most)),
            _text(left, top - 10, "middle", y.name),
        ]
    return "\n".join([*parts, "</svg>"])


def _text(x: int, y: int, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return escape(visible(text))
