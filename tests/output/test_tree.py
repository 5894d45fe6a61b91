"""The layers of a network as a tree, and shares as bars."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from command import Command
from shipped import report

from convcalc.analysis.report.report import Report
from convcalc.analysis.report.tree import Branch, tree
from convcalc.output.cells import bar
from convcalc.output.columns import COLUMNS, DEFAULT, Column, Span
from convcalc.output.markdown import code
from convcalc.output.table import Style
from convcalc.output.tree import TreeRow, tree_columns, tree_rows
from convcalc.output.views.network import report_table

USUAL = [COLUMNS[key] for key in DEFAULT]
NAMES = ("resnet50", "unet", "mobilenet_v2", "densenet121", "googlenet", "vgg16")


def leaves(branches: tuple[Branch, ...], before: str = "") -> list[tuple[str, Branch]]:
    """The branches that are layers, by their whole paths."""
    found = []
    for branch in branches:
        path = f"{before}.{branch.name}" if before else branch.name
        found += leaves(branch.branches, path) if branch.branches else [(path, branch)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_tree_has_every_layer_once_and_blocks_are_sums(name: str) -> None:
    found = report(name)
    branches = tree(found)
    assert [path for path, _ in leaves(branches)] == [layer.path for layer in found.layers]

    def check(branch: Branch) -> None:
        if branch.branches:
            for key in ("params", "macs", "elementwise"):
                parts = sum(each.row.counts[key] for each in branch.branches)
                assert branch.row.counts[key] == parts
        for each in branch.branches:
            check(each)

    for branch in branches:
        check(branch)
    assert sum(each.row.macs for each in branches) == found.totals.macs


def depth_of(row: TreeRow) -> int:
    return len(re.match(r"[ │├└─]*", row.path)[0]) // 3  # type: ignore[index]


@pytest.mark.parametrize("name", NAMES)
def test_what_repeats_is_drawn_once_and_adds_up_all_the_same(name: str) -> None:
    found = report(name)
    whole = tree_rows(tree(found), USUAL, fold=False)
    rows = tree_rows(tree(found), USUAL, fold=True)
    blocks = {group.path for layer in found.layers for group in layer.groups}
    paths = {layer.path for layer in found.layers}
    assert len(whole) == len(blocks | paths)
    assert len(rows) <= len(whole)
    total = 0
    times = [1]
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        level = depth_of(row)
        folded = re.search(r" ×([\d,]+)$", row.path)
        times[level + 1 :] = [times[level] * (int(folded[1]) if folded else 1)]
        if after is None or depth_of(after) <= level:  # a layer
            total += times[level + 1] * row.params
    assert total == found.totals.params


def text(found: Report, style: Style, form: str = "table", depth: int | None = None) -> list[str]:
    from convcalc.output.table import render

    rows = tree_rows(tree(found, depth), USUAL, fold=True)
    return render(form, report_table(found, tree_columns(USUAL), rows), None, style).split("\n")


def test_repeats_say_from_where_to_where_and_what_differs() -> None:
    lines = text(report("resnet50"), Style(), depth=2)
    (line,) = (line for line in lines if "[1…5]" in line)
    assert line.split() == [
        *("└─", "Bottleneck[1…5]", "×5", "Bottleneck", "1024×14×14"),
        *("1.117", "M", "218.4", "M", "139", "…", "267", "16"),
    ]


def test_siblings_that_differ_in_what_is_not_shown_are_not_alike(convcalc: Command) -> None:
    from pathlib import Path

    text = "convcalc: 1\nname: two\ninput: [4, 9, 9]\nlayers:\n"
    text += "".join(f"  - conv: {{out: 4, k: 3, d: {d}, p: {d}}}\n" for d in (1, 1, 2, 2))
    Path("two.yaml").write_text(text, "utf-8")
    names = [line.split("  ")[0] for line in convcalc("show two.yaml --tree").out.split("\n")[3:5]]
    assert names == ["conv[0…1] ×2", "conv[2…3] ×2"]


def test_branches_are_drawn_in_ascii_where_nothing_else_can_be() -> None:
    lines = text(report("resnet18"), Style(ascii=True))
    assert all(line.isascii() for line in lines)
    assert any(line.startswith("|  |  |- conv") for line in lines)
    assert any(line.startswith("\\- BasicBlock[0...1] x2") for line in lines)


@pytest.mark.parametrize("width", [30, 45, 60, 80])
def test_a_name_is_shortened_and_never_wrapped(width: int) -> None:
    lines = text(report("resnet50"), Style(width=width))
    assert max(map(len, lines)) <= max(width, 52)
    names = [line for line in lines if "─ " in line]
    assert len(names) == sum("─ " in line for line in text(report("resnet50"), Style()))


def test_in_markdown_names_are_code_so_that_blanks_keep_their_width() -> None:
    lines = text(report("resnet18"), Style(), "markdown", depth=2)
    assert any(line.startswith("| `└─ BasicBlock[0…1] ×2`") for line in lines)
    assert code("a|b`c") == "`a`\\|``b`c``"


@pytest.mark.usefixtures("folder")
def test_a_tree_is_for_one_order_and_for_eyes(convcalc: Command) -> None:
    for options in ("--by operator", "--sort macs", "--top 3", "-f csv"):
        ran = convcalc(f"show resnet18 --tree {options}")
        assert ran.code == 2
        assert "--tree" in ran.err
    plain = convcalc("show resnet18 -f json").out
    assert convcalc("show resnet18 --tree -f json").out == plain
    unfolded = convcalc("show resnet18 --tree --no-fold").out
    assert " ×2 " not in unfolded
    assert "└─ BasicBlock[1] " in unfolded


def test_columns_of_a_tree_keep_the_rest_as_it_is() -> None:
    (column,) = tree_columns([COLUMNS["receptive_field"]])
    row = report("resnet18").layers[0]
    assert column.value(row) == COLUMNS["receptive_field"].value(row)
    assert isinstance(column, Column)
    last = report("resnet18").layers[5]
    assert isinstance(column.value(TreeRow("x", row, last)), Span)


# --- bars --------------------------------------------------------------------------------------


def test_a_bar_is_as_long_as_its_share_and_never_gone() -> None:
    plain, ascii_ = Style(), Style(ascii=True)
    assert bar(Fraction(1), plain) == "█" * 10
    assert bar(Fraction(0), plain) == bar(Fraction(0), ascii_) == ""
    assert bar(Fraction(1, 10**9), plain) == "▏"
    assert bar(Fraction(1, 10**9), ascii_) == "#"
    assert bar(Fraction(1, 2), ascii_) == "#" * 5
    assert bar(Fraction(43, 80), plain) == "█████▍"
    lengths = [len(bar(Fraction(n, 80), plain)) for n in range(81)]
    assert lengths == sorted(lengths)


@pytest.mark.usefixtures("folder")
def test_the_row_with_most_has_the_longest_bar(convcalc: Command) -> None:
    lines = convcalc("show resnet18 --columns path,macs,macs_bar").out.split("\n")
    (longest,) = (line for line in lines if "█" * 10 in line)
    assert longest.startswith("layer[0] ")
    csv = convcalc("show resnet18 --columns path,macs_bar,macs_share -f csv").out.split("\n")[1:-1]
    assert all(row.split(",")[1] == row.split(",")[2] for row in csv)
