"""Strips, maps, cones and figures show the same as the numbers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from command import Command, verb
from small import network_of

from convcalc.analysis.receptive_field.study import Paths1d, Study, study
from convcalc.output.table import Style
from convcalc.output.views.cone import cone_svg
from convcalc.output.views.pixels import pixels
from convcalc.output.views.strip import strip as strip_of

run = verb("rf")


def stack(*rates: int, axes: int = 2, k: int = 3) -> Study:
    items = [{"conv": {"out": 1, "k": k, "d": d, "p": "half"}} for d in rates]
    return study(network_of(items, [1, *[None] * axes]))


def strip(found: Study, **style: Any) -> list[str]:
    """The strip of the first axis."""
    seen = found.axes[0].seen
    assert seen is not None
    return strip_of(found.paths(0), seen, Style(**style))


def test_a_strip_has_one_character_per_position_and_never_hides_a_hole() -> None:
    assert strip(stack(1, 2, 3), width=80) == ["-6 ▃▃▅▅█████▅▅▃▃"]
    assert strip(stack(2, 2, 2), width=80) == ["-6 ▁·▃·▇·█·▇·▃·▁"]
    assert strip(stack(2, 2, 2), width=80, ascii=True) == ["-6 1.3.7.8.7.3.1"]
    wide = stack(*[1] * 10, 900, 3000, axes=1)
    for width in (20, 40, 80):
        lines = strip(wide, width=width)
        assert max(map(len, lines[:-1])) <= width
        assert "·" in "".join(lines[:-1])
    counts = [1] * 10_000
    counts[5000] = 0  # one hole among positions that share a character
    bits = int("".join(map(str, counts)), 2)
    lines = strip_of(Paths1d(0, counts, True), (0, bits), Style(width=40))
    assert "".join(lines[:-1]).count("·") == 1
    assert "positions to a character" in lines[-1]


def test_a_map_shows_each_position_that_is_not_read() -> None:
    for found in (stack(1, 2, 9), stack(2, 3)):
        cells = pixels(found, 1, 1)
        holes = {
            (y, x) for y, line in enumerate(cells) for x, cell in enumerate(line) if cell is None
        }
        low = found.axes[0].seen
        assert low is not None
        lost = {hole - low[0] for hole in found.axes[0].holes}
        n = found.axes[0].size
        assert holes == {(y, x) for y in range(n) for x in range(n) if y in lost or x in lost}
        binned = pixels(found, 2, 3)
        assert {(y // 3, x // 2) for y, x in holes} == {
            (y, x) for y, line in enumerate(binned) for x, cell in enumerate(line) if cell is None
        }


def test_a_coloured_map_has_two_lines_in_a_row(run: Command) -> None:
    out = run("--stack 'k=3 d=1,2,9' --map --color always")[1]
    rows = [line for line in out.splitlines() if "▀" in line]
    assert len(rows) == 13
    assert all(line.count("▀") == 25 for line in rows)
    assert "\x1b[" not in run("--stack 'k=3 d=1,2,9' --map --color never")[1]


def test_a_figure_is_a_whole_svg_file_with_a_cell_per_position(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "cone.svg"
    assert run(f"--stack 'k=3 d=1,2,9' --svg {file}")[0] == 0
    root = ElementTree.parse(file).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    kinds = [node.get("class") for node in root if node.tag.endswith("rect")]
    assert kinds.count("read") == 1 + 3 + 9 + 21
    assert kinds.count("gap") == 0 + 16 + 14 + 4
    assert run(f"vgg16 --svg {file}")[0] == 0
    assert "212×212" in file.read_text("utf-8")


def boxes(text: str, kind: str) -> list[tuple[float, float, float]]:
    """Left, right and top of every rectangle of one kind in a figure."""
    found = [n for n in ElementTree.fromstring(text) if n.get("class") == kind]
    numbers = [{key: float(n.get(key, "nan")) for key in ("x", "y", "width")} for n in found]
    return [(n["x"], n["x"] + n["width"], n["y"]) for n in numbers]


def test_a_figure_of_a_field_without_a_place_has_the_image_alone(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "cone.svg"
    assert run(f"pspnet_resnet50 --svg {file}")[0] == 0
    assert file.read_text("utf-8").count('class="image"') == 1


def test_the_cells_of_a_cone_lie_where_their_positions_are() -> None:
    items = [{"conv": {"out": 1, "k": 3, "s": 2, "p": 1}}] * 2
    text = cone_svg(study(network_of(items, [1, 33]), position=(5,)))
    cells = boxes(text, "read")
    rows = {y: [(a + b) / 2 for a, b, top in cells if top == y] for _, _, y in cells}
    assert list(map(len, rows.values())) == [1, 3, 7]
    (output,), middle, inputs = rows.values()
    assert (middle[1], inputs[3]) == pytest.approx((output, output), abs=0.02)
    one = inputs[1] - inputs[0]
    assert [b - a for a, b in pairwise(middle)] == pytest.approx([2 * one] * 2, abs=0.02)
    node = list(ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}polygon"))[-1]
    bottom = [float(point.split(",")[0]) for point in node.get("points", "").split()[2:]]
    assert (max(bottom) - min(bottom)) == pytest.approx(7 * one, abs=0.2)


def test_a_figure_shows_the_first_and_the_last_output_at_their_places() -> None:
    items = [{"conv": {"out": 1, "k": 5, "s": 2, "p": 2}}]
    text = cone_svg(study(network_of(items, [1, 33, 33]), position=(4, 4)))
    ((left, right, _),) = boxes(text, "image")
    ((first, _, _),) = boxes(text, "first")
    ((_, last, _),) = boxes(text, "last")
    ((middle, _, _),) = boxes(text, "out")
    one = (right - left) / 33
    assert (left - first, last - right) == pytest.approx((2 * one, 2 * one), abs=0.2)
    assert middle - left == pytest.approx(6 * one, abs=0.2)


def test_a_map_of_three_axes_is_that_of_the_middle_of_the_first() -> None:
    branches = [
        [{"conv": {"out": 1, "k": [3, 1, 1], "p": [1, 0, 0]}}],
        [{"conv": {"out": 1, "k": [1, 3, 3], "p": [0, 1, 1]}}],
    ]
    items = [{"branches": branches, "join": "add"}]
    cells = pixels(study(network_of(items, [1, 9, 9, 9])), 1, 1)
    assert all(cell is not None for line in cells for cell in line)


def test_a_strip_of_very_many_layers_shows_no_holes_where_shares_round_to_nothing() -> None:
    found = study(network_of([{"conv": {"out": 1, "k": 3, "p": 1}}] * 1000, [1, None]))
    assert min(found.paths(0).counts) == 0
    assert "·" not in "".join(strip(found, width=80)[:-1])
