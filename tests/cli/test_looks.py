"""How results look: footers, colours, decimal points, options that choose what is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import Command

pytestmark = pytest.mark.usefixtures("folder")

NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
params: {w: 16, k: 3}
layers:
  - conv: {out: w, k: k, p: same}
  - relu
variants:
  wide: {w: 32}
"""


@pytest.fixture
def net(folder: Path) -> str:
    (folder / "net.convcalc.yaml").write_text(NET, "utf-8")
    (folder / "five.convcalc.yaml").write_text(NET.replace("k: 3}", "k: 5}"), "utf-8")
    return "net.convcalc.yaml"


# --- the footer ----------------------------------------------------------------------------------


def test_a_footer_is_a_name_and_a_text_a_line(convcalc: Command) -> None:
    lines = convcalc("show resnet18").out.split("\n\n")[1].rstrip("\n").split("\n")
    names = [re.split(" {2,}", line)[0] for line in lines]
    assert names == [
        *("params", "MACs", "FLOPs", "not in MACs", "activations", "memory"),
        "receptive field",
    ]
    assert len({re.search(" {2,}", line).end() for line in lines}) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("form", ["table", "markdown", "html", "latex"])
def test_quiet_leaves_out_the_footer_and_nothing_else(
    form: str, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    whole, quiet = (convcalc(f"show resnet18 {flag} -f {form}").out for flag in ("", "-q"))
    assert "all trainable" in whole
    assert "all trainable" not in quiet
    assert "hidden" not in quiet
    assert whole.startswith(quiet.rstrip("\n").removesuffix("</table>").removesuffix("</tfoot>\n"))


def test_what_is_asked_for_is_no_footer(convcalc: Command) -> None:
    assert "halo of a tile" in convcalc("rf resnet18 -q").out
    assert "receptive field alone" in convcalc("diff resnet18 resnet34 -q").out


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["show resnet50", "diff resnet50 mobilenet_v2", "show unet vgg16"])
def test_decimal_points_line_up_where_there_is_room(line: str, convcalc: Command) -> None:
    table = convcalc(line).out.split("\n\n")[0].split("\n")
    found = [{match.start() for match in re.finditer(r"(?<=\d)\.(?=\d)", row)} for row in table]
    columns = set().union(*found)
    assert len(columns) <= (2 if line.startswith("show") else 4)


def test_alignment_gives_way_before_a_column_does(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {}
    for width in (82, 80, 76, 75):
        monkeypatch.setenv("COLUMNS", str(width))
        shown[width] = convcalc("show resnet50").out
    assert "  9.536 k 118.0   M " in shown[80]
    assert " 9.536 k 118.0 M " in shown[76]
    assert "hidden" not in shown[76]
    assert "hidden" in shown[75]


def test_columns_asked_for_are_hidden_last(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = convcalc("show resnet18 --columns +macs_share,macs_bar").out
    assert "of MACs" in out
    assert re.search("hidden +operator", out)


# --- colours -------------------------------------------------------------------------------------


def test_more_is_red_and_less_is_green(convcalc: Command) -> None:
    ran = convcalc("diff resnet34 resnet18 --color always")
    assert "\x1b[32m" in ran.out
    assert "\x1b[31m" not in ran.out
    assert "\x1b[31m" in convcalc("diff resnet18 resnet34 --color always").out
    assert "\x1b" not in convcalc("diff resnet18 resnet34").out


def test_errors_have_the_colours_that_results_have(convcalc: Command) -> None:
    line = "show resnet50 --columns nosuch"
    assert "\x1b" not in convcalc(line).err
    err = convcalc(f"{line} --color always").err
    assert err.startswith("\x1b[1;31merror:\x1b[0m ")
    assert "\x1b" not in convcalc(f"{line} --color never").err


def test_a_name_on_the_command_line_brings_no_colours(convcalc: Command) -> None:
    err = convcalc("show '\x1b[31mx\x1b[0m' --color always").err
    assert "\\x1b[31mx\\x1b[0m" in err


# --- options -------------------------------------------------------------------------------------


def test_memory_of_budgets_that_name_no_type_is_of_the_type_given(
    net: str, convcalc: Command
) -> None:
    text = Path(net).read_text("utf-8")
    # the two maps of 16·32·32 numbers are alive at once, and 448 are stored
    for dtype, size in (("", 4), ("--dtype int8", 1), ("--dtype float16", 2)):
        held = f"budgets: {{memory: {{equals: {size * (32 * 1024 + 448)}}}}}\n"
        Path(net).write_text(text.partition("variants:")[0] + held, "utf-8")
        ran = convcalc(f"check {net} --show-passed {dtype}")
        assert "1 of 1 budget passed" in ran.out, ran.out
        Path(net).write_text(
            Path(net).read_text("utf-8").replace("{equals", "{dtype: float32, equals"), "utf-8"
        )
        assert ("1 of 1 budget passed" in convcalc(f"check {net} {dtype}").out) is (size == 4)
    assert convcalc(f"check {net} --dtype int9").code == 2


def test_a_layer_has_the_columns_of_a_table_and_exact_numbers(convcalc: Command) -> None:
    line = "layer conv out=128 k=3 -i 64x56x56"
    assert "214,990,848 = 215.0 M" in convcalc(line).out
    exact = convcalc(f"{line} --exact").out
    assert "214,990,848 (weights" in exact
    assert " = " not in exact
    header, row = convcalc(f"{line} --columns moved,macs -f csv").out.split()
    assert (header, row) == ("moved,macs", "2591232,214990848")
    assert convcalc(f"{line} --columns +moved").out.split()[:7] == [
        *("layer", "type", "output", "params", "MACs", "RF", "jump")
    ]


def test_two_networks_are_compared_in_one_variant(net: str, convcalc: Command) -> None:
    ran = convcalc(f"diff {net} five.convcalc.yaml --variant wide -f json")
    params = json.loads(ran.out)["totals"]["params"]
    assert (params["old"], params["new"]) == (32 * 28, 32 * 76)
    for side in ("old", "new"):
        Path(side).mkdir()
        Path(side, "a.convcalc.yaml").write_text(
            NET if side == "old" else NET.replace("k: 3}", "k: 5}"), "utf-8"
        )
    titles = re.findall(r"^a\.convcalc.*", convcalc("diff old new --variant wide").out, re.M)
    assert titles == ["a.convcalc.yaml::wide"]
    titles = re.findall(r"^a\.convcalc.*", convcalc("diff old new --variant net").out, re.M)
    assert titles == ["a.convcalc.yaml"]
    assert convcalc("diff old new --variant nosuch").code == 2
    assert convcalc("diff old old --variant nosuch").code == 2
    assert convcalc("diff old old --variant wide").code == 0


def test_memory_is_compared_under_the_same_assumptions(convcalc: Command) -> None:
    ran = convcalc("diff resnet18 resnet34 --memory training,adam -f json")
    memory = json.loads(ran.out)["totals"]["memory"]
    sizes = [
        int(convcalc(f"get totals.memory.total {name} --memory training,adam").out)
        for name in ("resnet18", "resnet34")
    ]
    assert [memory["old"], memory["new"]] == sizes
    convcalc("show resnet18 --memory adam,training -f json -o saved.json")
    assert convcalc("diff saved.json resnet18").code == 2
    assert convcalc("diff saved.json resnet18 --memory training,adam").code == 0


def test_receptive_fields_are_computed_only_where_they_are_shown(
    net: str, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def receptive_fields(network: object, support: bool) -> list[object]:
        asked.append((network, support))
        return [{} for _ in range(2)]

    monkeypatch.setattr("convcalc.analysis.analyse._receptive_fields", receptive_fields)
    for options in ("--columns path,params -f csv", "--by operator -f tsv", "-q --columns params"):
        convcalc(f"show {net} --no-cache {options}")
        assert not asked, options
    for options in ("-f csv", "--columns params,jump -f csv", "--columns +macs -f csv", "-f json"):
        convcalc(f"show {net} --no-cache {options}")
        assert asked, options
        asked.clear()
    convcalc(f"show {net} --no-cache --columns params --sort reach -f csv")
    convcalc(f"show {net} --no-cache --by operator --variant net --variant wide -f csv")
    assert len(asked) == 3


def test_a_layer_that_is_only_probably_right_gives_no_lower_bound(
    net: str, convcalc: Command
) -> None:
    text = NET.partition("variants:")[0].replace("p: same", "padding: same, dilaton: 1")
    Path(net).write_text(text, "utf-8")
    assert (
        "the numbers of conv, and of what reads them, may be wrong" in convcalc(f"show {net}").out
    )
    Path(net).write_text(text + "  - conv: {out: 3, k: 99}\n", "utf-8")
    out = " ".join(convcalc(f"show {net}").out.split())
    assert (
        "1 layer was skipped; the numbers of conv[0], and of what reads them, may be wrong" in out
    )
    assert "≥" not in out
    assert not json.loads(convcalc(f"show {net} -f json").out)["totals"]["at_least"]["convention"]


def test_a_call_of_a_block_that_is_only_probably_right_is_the_whole_block(
    convcalc: Command,
) -> None:
    text = "convcalc: 1\nname: net\ninput: [3, 32, 32]\nblocks:\n  Pair:\n    params: {out: int}\n"
    text += "    layers: [{conv: {out: out, kernal_size: 3}}, relu]\nlayers:\n"
    text += "  - Pair: {out: 4}\n  - Pair: {out: 4}\n  - conv: {out: 3, k: 99}\n"
    Path("net.yaml").write_text(text, "utf-8")
    out = convcalc("show net.yaml").out
    assert "the numbers of Pair[0].conv and 1 more, and" in " ".join(out.split())


def test_settings_of_the_environment_are_named_where_they_act(convcalc: Command) -> None:
    text = " ".join(convcalc("show -h").out.split())
    for name in ("DEPTH", "COLUMNS", "DTYPE", "COUNT", "CONVENTION", "MEMORY"):
        assert f"env: CONVCALC_{name}" in text


def test_a_variant_is_listed_with_its_own_input(
    folder: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = NET + "  large: {input: [3, 64, 64]}\n  two: {inputs: {a: [1, 2], b: [w, 4]}}\n"
    path = folder / "net.convcalc.yaml"
    path.write_text(text, "utf-8")
    monkeypatch.setattr("convcalc.language.catalogue.shipped_files", lambda: [path])
    found = json.loads(convcalc("list networks --no-cache -f json").out)
    assert {each["name"]: each["inputs"] for each in found} == {
        "net": {"input": [3, 32, 32]},
        "wide": {"input": [3, 32, 32]},
        "large": {"input": [3, 64, 64]},
        "two": {"a": [1, 2], "b": [16, 4]},
    }
