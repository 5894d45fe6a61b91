"""Draws the receptive field on two axes as a picture in the terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.color import Color
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style as Look

from convcalc.analysis.receptive_field.study import Study
from convcalc.output.lines import break_line
from convcalc.output.table import Style
from convcalc.output.views.pixels import Pixel, pixels

PLAIN_WIDTH = 100
SHADES, HOLE = "░▒▓█", "·"
ASCII_SHADES, ASCII_HOLE = ":-=#", "."
# From few paths to the most; holes are red, so that they differ from dark shades.
RAMP = ((46, 31, 92), (62, 73, 137), (38, 130, 142), (53, 183, 121), (253, 231, 37))
RED = (215, 48, 39)


def field_map(study: Study, style: Style) -> list[str]:
    """Return the picture of the last two axes, of three at the middle of the first.

    Which positions are read is exact. The shade is the square root of the product of both axes'
    path counts, which is an approximation where branches have different shapes.
    """
    low, high = study.axes[-2:]
    if study.region is None or low.seen is None or high.seen is None:
        return ["nothing is read"]
    # A character is about twice as high as wide: two pixels of colour, or two characters a pixel
    # where that fits, or a pixel of two lines.
    width = max(8, (style.width or PLAIN_WIDTH) - 1)
    each = -(-max(high.size, 1) // width)
    wide = 2 if 2 * high.size <= width else 1
    found = pixels(study, each, each if style.color or wide == 2 else 2 * each)
    lines = _draw_colors(found) if style.color else _draw_shades(found, wide, style.ascii)
    notes = []
    if study.rank > 2:
        notes.append(f"at {study.axes[0].name} {study.axes[0].center}")
    if each > 1:
        notes.append(f"{each} positions to a column; a hole among them is shown")
    legend = "red" if style.color else (ASCII_HOLE if style.ascii else HOLE)
    notes.append(f"{low.size}×{high.size} positions; {legend}: not read")
    return [*lines, *break_line("; ".join(notes), style.width)]


# --- drawn ---------------------------------------------------------------------------------------


def _draw_shades(found: Sequence[Sequence[Pixel]], wide: int, ascii_only: bool) -> list[str]:
    """Return lines with one or two characters per pixel, without colour."""
    shades, hole = (ASCII_SHADES, ASCII_HOLE) if ascii_only else (SHADES, HOLE)
    return [
        "".join((hole if p is None else shades[min(3, int(p * 4))]) * wide for p in line)
        for line in found
    ]


def _draw_colors(found: Sequence[Sequence[Pixel]]) -> list[str]:
    """Return lines of half blocks in 24-bit colour, two rows of pixels per line."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=1 << 16,
        height=1000,
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
    )
    for upper, lower in zip(found[::2], [*found[1::2], None], strict=False):
        pairs = zip(upper, lower or [0.0] * len(upper), strict=True)
        segments = [Segment("▀", _look(a, b if lower else a)) for a, b in pairs]
        console.print(Segments([*segments, Segment.line()]), soft_wrap=True, end="")
    return out.getvalue().splitlines()


def _look(upper: Pixel, lower: Pixel) -> Look:
    return Look(color=Color.from_rgb(*_rgb(upper)), bgcolor=Color.from_rgb(*_rgb(lower)))


def _rgb(pixel: Pixel) -> tuple[int, int, int]:
    """Return the colour of a pixel on the ramp; red for a hole."""
    if pixel is None:
        return RED
    at = min(max(pixel, 0.0), 1.0) * (len(RAMP) - 1)
    index = min(int(at), len(RAMP) - 2)
    low, high = RAMP[index], RAMP[index + 1]
    r, g, b = (round(a + (z - a) * (at - index)) for a, z in zip(low, high, strict=True))
    return r, g, b
