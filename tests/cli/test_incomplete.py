"""Networks with errors: what could not be computed is marked wherever its numbers stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Command

HEAD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\nlayers:\n"
PART = (
    f"{HEAD}  - conv: {{out: 8, k: 3}}\n  - frobnicate\n  - relu\n"  # the second is not an operator
)
BROKEN = {
    "syntax": f"{HEAD}  - conv: {{out: 3, k: 30\n",
    "empty": "",
    "nothing_fits": f"{HEAD}  - conv: {{out: 3, k: 40}}\n",
}


@pytest.fixture
def run(folder: Path, convcalc: Command) -> Command:
    """Runs a command line in a folder of broken networks."""
    (folder / "part.convcalc.yaml").write_text(PART, "utf-8")
    for name, text in BROKEN.items():
        (folder / f"{name}.convcalc.yaml").write_text(text, "utf-8")
    return convcalc


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("convention", ["thop", "onnx-tool"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_tools_numbers_of_nothing_are_none(
    run: Command, name: str, convention: str, form: str
) -> None:
    code, _, err = run(f"show {name}.convcalc.yaml --convention {convention} -f {form}")
    assert code == 1
    assert "error[CC" in err
    assert "this is a bug" not in err


@pytest.mark.parametrize("name", BROKEN)
def test_beside_others_a_network_of_which_nothing_is_known_has_no_zeros(
    run: Command, name: str
) -> None:
    _, out, _ = run(f"show vgg11 {name}.convcalc.yaml -f csv")
    path, *cells = out.splitlines()[2].split(",")
    assert path.endswith("(incomplete)")
    assert cells.count("unknown") >= 2
    assert "0" not in cells


def test_sums_of_some_layers_say_that_others_are_missing(run: Command) -> None:
    assert "net (incomplete)" in run("show vgg11 part.convcalc.yaml")[1]
    assert "total (incomplete)" in run("show part.convcalc.yaml")[1]
    assert "total (incomplete)" in run("explain part.convcalc.yaml")[1]
    for command in ("show", "rf"):
        out = run(f"{command} part.convcalc.yaml")[1]
        assert "2 layers were skipped; the totals are at least" in out


def test_an_unknown_difference_leaves_an_unknown_rest(run: Command) -> None:
    line = "explain resnet18 -i '3x?x?' --convention thop --versus fvcore"
    rows = [row for row in run(line)[1].splitlines() if row.startswith(("conv ", "batch_norm "))]
    assert rows
    assert all(row.endswith("unknown") for row in rows)


def test_a_product_is_no_divider_in_ascii() -> None:
    from convcalc.output.columns import Column
    from convcalc.output.table import Fact, Style, Table, render

    table = Table("a · b", (Column("x", "x", str),), ["4·E"], None, (Fact("", "c · d"),))
    text = render("table", table, None, Style(ascii=True))
    assert [line for line in text.splitlines() if line] == ["a | b", "x", "---", "4*E", "c | d"]


def test_folders_without_networks_and_missing_budgets_are_mistakes(run: Command) -> None:
    Path("one").mkdir()
    Path("two").mkdir()
    code, _, err = run("diff one two")
    assert code == 2
    assert "no network file in one or two" in err
    code, _, err = run("check part.convcalc.yaml syntax.convcalc.yaml --budgets nowhere.yaml")
    assert (code, err.count("cannot read nowhere.yaml")) == (2, 1)
