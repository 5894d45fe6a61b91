"""Draws the receptive field as SVG: the cone of one output, and its place on the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape as escape_xml

from convcalc.analysis.receptive_field.alignment import mean_center
from convcalc.analysis.receptive_field.domains import Bits
from convcalc.analysis.receptive_field.study import Study
from convcalc.analysis.receptive_field.walk import Walk
from convcalc.diagnostics.visible import LONGEST_CELL, visible
from convcalc.model.quantities.unknown import known
from convcalc.output.views.pixels import Pixel, pixels

WIDTH, MARGIN, LABELS = 720.0, 16.0, 210.0
ROW, CELL = 34.0, 14.0
MOST_CELLS = 400  # positions of a level that are drawn one by one
MOST_ROWS = 40
MAP_SIZE = 300.0
HEAT, SHADES = 64, 8  # cells of the heat map per axis, and how many shades it has
XMLNS = "http://www.w3.org/2000/svg"

STYLE = """
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#333}
.title{font-weight:bold}.dim{fill:#777}.cone{fill:#2a788e;opacity:.13}
.read{fill:#2a788e}.gap{fill:#fff;stroke:#d73027;stroke-width:.7}.pad{fill:#bbb}
.image{fill:#f4f4f4;stroke:#999}.field{fill:#2a788e}
.first{fill:none;stroke:#d73027;stroke-width:1.2}.last{fill:none;stroke:#4575b4;stroke-width:1.2}
.out{fill:none;stroke:#2a788e;stroke-dasharray:4 3}
@media(prefers-color-scheme:dark){text{fill:#ddd}.dim{fill:#999}.image{fill:#222}.gap{fill:#111}}
"""

_SHADES = "".join(
    f".h{n}{{fill-opacity:{0.06 + 0.9 * n / SHADES:.2f}}}" for n in range(1, SHADES + 1)
)

Box = tuple[int, int, int, int]  # top, left, bottom, right


class Row(NamedTuple):
    """One level of the cone: its label, the positions read, and their place on the input."""

    label: str
    seen: Bits
    size: int
    center: Fraction  # of position 0, in input positions
    jump: Fraction


def cone_svg(study: Study) -> str:
    """Return the figure as a whole SVG file."""
    axis = study.rank - 1  # the last one, which people draw from left to right
    rows = _thin_out(partial(_rows, study, axis))
    cone, height = _cone(rows)
    side, side_height = _image(study, height + 30) if study.rank == 2 else ([], 0.0)
    total = height + side_height + 40
    name = escape(f"Receptive field of {study.place} in {study.network.name or 'the network'}")
    sizes = "×".join(str(axis.size) for axis in study.axes)
    about = escape(f"{sizes} positions of {study.input}; one output at the top, the input below")
    return "\n".join(
        [
            f'<svg xmlns="{XMLNS}" viewBox="0 0 {WIDTH:g} {total:g}" role="img">',
            f"<title>{name}</title>",
            f"<desc>{about}</desc>",
            f"<style>{STYLE}{_SHADES}</style>",
            f'<text class="title" x="{MARGIN:g}" y="22">{name}: {sizes}</text>',
            *cone,
            *side,
            "</svg>",
        ]
    )


# --- the cone ------------------------------------------------------------------------------------


def _rows(study: Study, axis: int) -> Iterator[Row]:
    """Yield the levels from the output to the input, with their place on the input."""
    network = study.network
    walk = Walk(network, histories=study.histories)
    for _ in walk.sources(study.history):
        pass
    for level in study.levels(axis):
        size = study.histories.spatial(level.tensor)[axis]
        reach = walk.seen[level.history][study.input].axes[axis][0]
        place = mean_center(reach) or Fraction(0), Fraction(reach.jump)
        yield Row(network.name_of(level.tensor), level.seen, size, *place)


def _thin_out(rows: Callable[[], Iterator[Row]]) -> list[Row]:
    """Drop levels that read the same as the one before, and keep at most MOST_ROWS.

    They are counted first, since all together may not fit into memory.
    """
    count = sum(1 for _ in _changes(rows()))
    step = -(-count // MOST_ROWS) if count > MOST_ROWS else 1
    return [
        row for place, row in enumerate(_changes(rows())) if place % step == 0 or place == count - 1
    ]


def _changes(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the first row, each that differs from the one before, and the last."""
    before = kept = None
    for row in rows:
        if before is None or row.seen[1] != before.seen[1] or row.jump != before.jump:
            kept = row
            yield row
        before = row
    if before is not None and before is not kept:
        yield before


def _cone(rows: Sequence[Row]) -> tuple[list[str], float]:
    """Return the SVG of the cone and its height; outlines join each level to the next."""
    low = min(_edge(row, 0) for row in rows)
    high = max(_edge(row, 1) for row in rows)
    scale = (WIDTH - 2 * MARGIN - LABELS) / float(high - low)
    top = 44.0

    def x(place: Fraction) -> float:
        return MARGIN + LABELS + float(place - low) * scale

    parts = []
    spans = [(x(_edge(row, 0)), x(_edge(row, 1))) for row in rows]
    for index, ((a, b), (c, d)) in enumerate(pairwise(spans)):
        y = top + index * ROW
        points = (
            f"{a:.1f},{y + CELL:g} {b:.1f},{y + CELL:g} {d:.1f},{y + ROW:g} {c:.1f},{y + ROW:g}"
        )
        parts.append(f'<polygon class="cone" points="{points}"/>')
    for index, row in enumerate(rows):
        y = top + index * ROW
        count = row.seen[1].bit_length()
        label = row.label if len(row.label) < 23 else f"…{row.label[-21:]}"
        parts.append(f'<text x="{MARGIN:g}" y="{y + 11:g}">{escape(label)}</text>')
        parts.append(f'<text class="dim" x="{LABELS - 26:g}" y="{y + 11:g}">{count}</text>')
        parts += _cells(row, x, y, scale)
    return parts, top + len(rows) * ROW


def _edge(row: Row, side: int) -> Fraction:
    """Return the outer edge of the first (side 0) or last (1) cell, in input positions."""
    end = row.seen[0] + (row.seen[1].bit_length() - 1) * side
    half = max(row.jump, Fraction(1)) * (side - Fraction(1, 2))
    return row.center + end * row.jump + half


def _cells(row: Row, x: Callable[[Fraction], float], y: float, scale: float) -> Iterator[str]:
    """Yield the cells of a level: read, hole or padding; a single bar if they are too many."""
    first, bits = row.seen
    length = bits.bit_length()
    if length > MOST_CELLS:
        a, b = x(_edge(row, 0)), x(_edge(row, 1))
        yield f'<rect class="read" x="{a:.1f}" y="{y:g}" width="{b - a:.1f}" height="{CELL:g}"/>'
        return
    width = max(0.6, min(CELL, float(row.jump) * scale - 0.6))
    for index in range(length):
        position = first + index
        kind = "read" if bits >> index & 1 else "gap"
        if kind == "read" and known(row.size) and not 0 <= position < row.size:
            kind = "pad"
        middle = x(row.center + position * row.jump)
        yield (
            f'<rect class="{kind}" x="{middle - width / 2:.2f}" y="{y:g}" '
            f'width="{width:.2f}" height="{CELL:g}"/>'
        )


# --- on the image --------------------------------------------------------------------------------


def _image(study: Study, top: float) -> tuple[list[str], float]:
    """Return the SVG of the input with the fields of three outputs, and its height.

    The outputs are the first, the chosen and the last one.
    """
    height, width = (axis.input_size for axis in study.axes)
    if not known((height, width)):
        return [], 0.0
    spread = [_box(study, "middle"), _box(study, "first"), _box(study, "last")]
    boxes = [box for box in spread if box is not None]
    frame = [(0, 0, height, width), *boxes]  # no box at all where no field has a place
    upper, left = (min(box[k] for box in frame) for k in (0, 1))
    lower, right = (max(box[k] for box in frame) for k in (2, 3))
    scale = min(MAP_SIZE / (right - left), MAP_SIZE / (lower - upper))

    def rect(kind: str, box: Box) -> str:
        y, x, y_end, x_end = box
        return (
            f'<rect class="{kind}" x="{MARGIN + (x - left) * scale:.1f}" '
            f'y="{top + (y - upper) * scale:.1f}" width="{(x_end - x) * scale:.1f}" '
            f'height="{(y_end - y) * scale:.1f}"/>'
        )

    parts = [rect("image", (0, 0, height, width))]
    parts += _heat(study, rect)
    parts += [
        rect(kind, box) for kind, box in zip(("out", "first", "last"), spread, strict=True) if box
    ]
    text = MARGIN + (right - left) * scale + 16
    words = (
        ("", f"input {height}×{width}"),
        ("", f"shaded: paths from output {','.join(map(str, study.positions))}"),
        ("", "red: first output, blue: last output"),
        ("", "outside the image: padding"),
    )
    parts += [
        f'<text class="dim" x="{text:.1f}" y="{top + 16 + 18 * line:g}">{escape(word)}</text>'
        for line, (_, word) in enumerate(words)
    ]
    return parts, (lower - upper) * scale + 20


def _box(study: Study, which: str) -> Box | None:
    """Return the extent of an output's field; None if it is unknown."""
    ends = []
    for axis in study.axes:
        if axis.seen is None or not known(axis.jump) or not known(axis.output_size):
            return None
        target = {"middle": axis.position, "first": 0, "last": axis.output_size - 1}[which]
        shift = (target - axis.position) * axis.jump
        start = axis.seen[0] + int(shift)
        ends.append((start, start + axis.seen[1].bit_length()))
    (y, y_end), (x, x_end) = ends
    return y, x, y_end, x_end


def _heat(study: Study, rect: Callable[[str, Box], str]) -> Iterator[str]:
    """Yield rectangles over the positions read, darker where more paths lead."""
    rows, columns = study.axes
    if rows.seen is None or columns.seen is None:
        return
    across, down = -(-columns.size // HEAT), -(-rows.size // HEAT)
    for index, line in enumerate(pixels(study, across, down)):
        top = rows.seen[0] + index * down
        bottom = min(top + down, rows.seen[0] + rows.size)
        for shade, start, stop in _runs(line):
            left = columns.seen[0] + start * across
            right = min(columns.seen[0] + stop * across, columns.seen[0] + columns.size)
            if shade:
                yield rect(f"field h{shade}", (top, left, bottom, right))


def _runs(line: Sequence[Pixel]) -> Iterator[tuple[int, int, int]]:
    """Yield shade, start and end of each run of equal shades, 1 to SHADES; 0 is a hole."""
    shades = [0 if p is None else max(1, round(p * SHADES)) for p in line]
    start = 0
    for index in range(1, len(shades) + 1):
        if index == len(shades) or shades[index] != shades[start]:
            yield shades[start], start, index
            start = index


def escape(text: str) -> str:
    """Escape a text so that the figure shows what it holds."""
    return escape_xml(visible(text, LONGEST_CELL))
