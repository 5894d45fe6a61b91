"""Bounds on the command line: tables, JSON, one number, device files, fits and budgets."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from command import Command, environment

from convcalc.output.schemas.report import report_schema

NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
layers:
- conv: {out: 8, k: 3, bias: false}
- batch_norm
- relu
- linear: {out: 4}
"""
BOARD = """\
convcalc-device: 1
title: board
runtime: fused
peak:
  int8: {value: 4T, source: datasheet}
bandwidth: {value: 25.6G, source: datasheet}
launch: {value: 20e-6, source: measured}
"""


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    """A network and a device in the current folder."""
    (folder / "net.convcalc.yaml").write_text(
        NET.replace("- linear", "- flatten\n- linear"), "utf-8"
    )
    (folder / "board.yaml").write_text(BOARD, "utf-8")


def test_a_device_adds_columns_and_lines(convcalc: Command) -> None:
    shown = convcalc("show net.convcalc.yaml --device board.yaml --dtype int8")
    assert shown.code == 0
    assert all(title in shown.out for title in ("bound", "unfused", "bound by"))
    assert "board (board; int8, runtime fused) must spend at least" in shown.out
    assert "not how long a program takes" in shown.out
    assert "atency" not in shown.out
    plain = convcalc("show net.convcalc.yaml --dtype int8").out
    assert "bound" not in plain


def test_csv_has_exact_seconds_and_the_names_of_kernels(convcalc: Command) -> None:
    line = "show net.convcalc.yaml --device board.yaml --dtype int8 --depth all -f csv --columns "
    rows = [*csv.DictReader(io.StringIO(convcalc(f"{line}path,bound,binding,kernel").out))]
    assert [row["path"] for row in rows] == ["conv", "batch_norm", "relu", "flatten", "linear"]
    assert [row["kernel"] for row in rows] == ["", "conv", "conv", "", ""]
    assert float(rows[0]["bound"]) == pytest.approx((3 * 32**2 + 216 + 8 + 8 * 900) / 25.6e9)
    assert rows[0]["binding"] == "memory"
    assert rows[1]["bound"] == rows[3]["bound"] == ""


@pytest.mark.parametrize("options", ["--dtype int8", "--dtype float32", "-i 3x?x? --dtype int8"])
def test_json_follows_its_schema_with_sources(options: str, convcalc: Command) -> None:
    shown = convcalc(f"show net.convcalc.yaml --device board.yaml {options} -f json")
    found = json.loads(shown.out)
    jsonschema.Draft7Validator(report_schema()).validate(found)
    assert found["device"]["numbers"]["bandwidth"]["source"] == "datasheet"
    lower = found["totals"]["bounds"]["lower_seconds"]
    assert (lower is None) is (options != "--dtype int8")
    if options == "--dtype float32":
        assert found["device"]["missing"] == ["peak for float32"]


def test_markdown_and_several_networks_have_them_too(convcalc: Command) -> None:
    line = "--device board.yaml --dtype int8 -f markdown"
    assert "| bound by" in convcalc(f"show net.convcalc.yaml {line}").out
    several = convcalc("show resnet18 resnet34 --device a100 --dtype float16").out
    assert "what a100 (NVIDIA A100 SXM4 40 GB; float16, runtime fused) must spend" in several
    assert "bound by" in several


def test_a_terminal_without_unicode_shows_microseconds() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "convcalc", "show", "resnet18", "--device", "h100", "--no-cache"],
        capture_output=True,
        env=environment(PYTHONIOENCODING="ascii"),
        check=True,
    )
    assert b" us " in ran.stdout


def test_get_gives_one_number_or_says_what_is_missing(convcalc: Command) -> None:
    board = "net.convcalc.yaml --device board.yaml"
    number = float(convcalc(f"get totals.bounds.upper_seconds {board} --dtype int8").out)
    assert number > 80e-6  # four kernels with a launch each
    layer = convcalc(f"get relu.bounds.kernel {board} --dtype int8")
    assert layer.out.strip() == "conv"
    missing = convcalc(f"get totals.bounds.lower_seconds {board} --dtype float16")
    assert missing.code == 1
    assert "board states no peak for float16" in missing.err
    assert convcalc(f"get totals.bounds.lower_at_least_seconds {board} --dtype float16").code == 0
    without = convcalc("get totals.bounds.lower_seconds net.convcalc.yaml")
    assert without.code == 2
    assert "--device a100" in without.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("show net.convcalc.yaml --device a10", "unknown device 'a10'"),
        ("show net.convcalc.yaml --device nosuch.yaml", "cannot read nosuch.yaml"),
        ("show net.convcalc.yaml --device a100 --runtime trt", "unknown runtime 'trt'"),
        ("show net.convcalc.yaml --runtime fused", "--runtime needs --device"),
        ("show net.convcalc.yaml --columns +bound", "the column bound needs a device"),
        ("show net.convcalc.yaml --sort binding", "the column binding needs a device"),
        ("show net.convcalc.yaml --device net.convcalc.yaml", "'convcalc-device' is missing"),
        ("device show a10", "unknown device 'a10'"),
        ("device show a100 resnet18", "device show takes one device"),
        ("device list a100", "'list'"),
        ("device fit nosuch.csv resnet18", "cannot read nosuch.csv"),
        ("device fit board.yaml", "device fit needs the network"),
        ("device fit board.yaml resnet18", "board.yaml has no column path"),
    ],
)
def test_a_wrong_call_is_an_error(line: str, message: str, convcalc: Command) -> None:
    ran = convcalc(line)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_a_device_is_shown_with_its_sources(convcalc: Command) -> None:
    found = json.loads(convcalc("device show a100 -f json").out)
    numbers = {each["number"]: each for each in found["numbers"]}
    assert numbers["bandwidth"]["value"] == 1555e9
    assert all(each["source"] for each in found["numbers"])
    assert "launch, so unknown" in convcalc("device show a100").out
    assert "a100-80gb" in convcalc("list devices").out


def test_a_kept_table_is_made_again_when_its_device_changes(
    convcalc: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVCALC_CACHE_DIR", str(folder.parent / "cache"))
    line = "show net.convcalc.yaml --device board.yaml --dtype int8"
    first = convcalc(line).out
    assert convcalc(line).out == first
    (folder / "board.yaml").write_text(BOARD.replace("25.6G", "12.8G"), "utf-8")
    assert convcalc(line).out != first


def test_a_fit_can_be_used_as_a_device(convcalc: Command, folder: Path) -> None:
    listed = convcalc(
        "show resnet18 --device h100 --dtype float16 --depth all -f csv --columns path,bound"
    )
    rows = [row for row in csv.DictReader(io.StringIO(listed.out)) if row["bound"]]
    lines = [f"{row['path']},{float(row['bound']) * 2 + 5e-6}" for row in rows]
    lines.insert(0, "path,seconds")
    (folder / "t.csv").write_text("\n".join(lines), "utf-8")
    ran = convcalc("device fit t.csv resnet18 --dtype float16 -o mine.yaml")
    assert ran.code == 0
    assert "bandwidth" in (folder / "mine.yaml").read_text("utf-8")
    shown = json.loads(convcalc("device show mine.yaml -f json").out)
    numbers = {each["number"]: each["value"] for each in shown["numbers"]}
    assert numbers["bandwidth"] == pytest.approx(3350e9 / 2, rel=0.02)
    assert numbers["launch"] == pytest.approx(5e-6, rel=0.02)


def test_time_bounds_hold_networks_to_what_devices_can_do(convcalc: Command, folder: Path) -> None:
    def check(bounds: str) -> str:
        text = f"{NET.partition('- linear')[0]}budgets:\n  time_bound: {bounds}\n"
        (folder / "held.convcalc.yaml").write_text(text, "utf-8")
        ran = convcalc("check held.convcalc.yaml")
        return ran.out + ran.err

    # conv, norm and relu: 2·(3·32² + 216 + 8 + 8·30²) bytes of float16 at 1555 GB/s
    assert "1 of 1 budget passed" in check("{max: 13.6ns, device: a100, dtype: float16}")
    broken = check("{max: 13.4ns, device: a100, dtype: float16}")
    assert "CC313" in broken
    assert "the time bound on a100 13.50 ns exceeds 13.40 ns" in broken.replace(
        "13.4 ns", "13.40 ns"
    )
    assert "warning[CC313]" in check("{warn: 10ns, device: a100, dtype: float16}")
    assert "CC313" in check("{max: 13.6ns, device: a100, dtype: float16, batch: 2}")
    assert "at conv" in check("{max: 1ns, device: a100, dtype: float16, at: conv}")
    joined = check("{max: 1ns, device: a100, dtype: float16, at: relu}")
    assert "CC310" in joined
    assert "no kernel begins there" in joined
    launches = check("{max: 1s, device: a100, dtype: float16, end: upper}")
    assert "CC310" in launches
    assert "a100 states no launch" in launches
    assert "1 of 1 budget passed" in check("{max: 6us, device: h100, dtype: float16, end: upper}")
    least = check("{max: 1ns, device: a100, dtype: float16, end: upper}")
    assert "at least" in least  # certain all the same
    assert "unknown device './board.yaml'" in check("{max: 1s, device: ./board.yaml}")
    assert "needs 'device'" in check("{max: 1s}")
    for wrong in ("5", "5%", "5GB", "-1us", "us", "[1us]", "1e-6"):
        assert "a time is expected" in check(f"{{max: {wrong}, device: a100}}")
    assert "unknown key 'min'" in check("{min: 1s, device: a100}")


def test_a_looser_time_bound_is_a_weaker_budget(folder: Path) -> None:
    from convcalc.checking.budgets.strictness import weaker_bounds
    from convcalc.language.reading import read_network
    from convcalc.language.sources.target import Target

    def read(limit: str) -> list:  # type: ignore[type-arg]
        text = f"{NET}budgets:\n  time_bound: {{max: {limit}, device: a100}}\n"
        network = read_network(Target(str(folder / "n.convcalc.yaml"), None, text))
        assert network.budgets
        return [*network.budgets.assertions]

    assert [each.text for each in weaker_bounds(read("5us"), read("1ms"))] == [
        "max rose from 5us to 1ms"
    ]
    assert not [*weaker_bounds(read("5us"), read("4us"))]


@pytest.mark.parametrize("line", ["show resnet18", "get totals.params resnet18"])
def test_without_a_device_nothing_of_it_is_imported(line: str) -> None:
    code = (
        "import sys; from convcalc.cli import main; main(sys.argv[1:]);"
        "print([name for name in sys.modules if 'devices' in name or 'bound' in name])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *line.split()],
        capture_output=True,
        text=True,
        env=environment(CONVCALC_NO_CACHE="1"),
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"
