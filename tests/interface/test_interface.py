"""What a Python program meets: names, arguments, errors, and what results show of themselves."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command import Command, environment
from jsonschema import Draft202012Validator
from places import ROOT
from rich.console import Console

import convcalc
from convcalc.language.sources.shipped import shipped_files
from convcalc.output.schemas.report import report_schema

TINY = "convcalc: 1\nname: tiny\ninput: [3, 8, 8]\nlayers:\n- conv: {out: 4, k: 3}\n- relu\n"
ESCAPE = "\x1b[31m"
HOSTILE = '<script>alert("x")</script>' + ESCAPE + "\u202e&amp;"


@cache
def resnet() -> convcalc.Report:
    return convcalc.analyse(convcalc.load("resnet50"), support=True)


# --- one line ------------------------------------------------------------------------------------


def results() -> Iterator[Any]:
    """One of everything that a program gets."""
    network, report = convcalc.load("resnet50"), resnet()
    change = convcalc.diff("resnet18", "resnet34")
    assert change.comparison is not None
    yield from (network, report, report.totals, report.totals.memory, report.receptive_field)
    yield from (report.per_output["linear"], convcalc.study(network), change, change.comparison)
    yield from (change.comparison.layers[0], convcalc.verify("resnet18", "resnet34"))
    for layer, found in zip(network.layers[:30], report.layers, strict=False):
        yield from (layer, found, found.core, found.output, found.receptive_field)


def test_every_result_fits_on_a_line() -> None:
    for found in results():
        assert len(repr(found)) < 400, type(found)
        assert "\n" not in repr(found)


@pytest.mark.exhaustive
def test_every_built_in_network_and_report_fits_on_a_line() -> None:
    for path in shipped_files():
        network = convcalc.load(str(path))
        report = convcalc.analyse(network, parts=())
        assert len(repr(network)) < 400
        assert len(repr(report)) < 400


def test_the_line_of_a_report_says_what_it_is() -> None:
    line = repr(resnet())
    assert "resnet50: 3×224×224 → 1000" in line
    assert "25.56 M params, 4.089 GMAC" in line
    assert repr(resnet().totals).startswith("<Totals of 174 layers: 25,557,032 params, ")
    assert repr(convcalc.loads(TINY)) == "<Network tiny: 2 layers, input 3×8×8>"


def hostile() -> convcalc.Network:
    """A network whose names are a stranger's."""
    builder = convcalc.Builder(HOSTILE)
    x = builder.input(HOSTILE * 20, [3, 8, 8])
    for k in range(3):
        x = builder.add("conv", x, path=f"{HOSTILE * 30}{k}", out_channels=4, kernel_size=1)
    return builder.network()


def test_hostile_names_neither_steer_a_terminal_nor_a_page() -> None:
    network = hostile()
    report = convcalc.analyse(network)
    found = [network, report, report.layers[0], network.layers[0], convcalc.study(network)]
    found += [convcalc.diff(report, convcalc.analyse(convcalc.loads(TINY)))]
    for each in found:
        assert len(repr(each)) < 400, type(each)
        shown = [repr(each)]
        if hasattr(each, "to_text"):
            shown += [each.to_text(), each.to_text(40), each._repr_html_(), printed(each)]
        for text in shown:
            assert ESCAPE not in text
            assert "\u202e" not in text
        if hasattr(each, "_repr_html_"):
            assert "<script" not in each._repr_html_()


# --- notebook and terminal -----------------------------------------------------------------------


def printed(found: Any, **more: Any) -> str:
    """What ``rich.print`` writes."""
    out = io.StringIO()
    Console(file=out, width=100, **{"color_system": None, **more}).print(found)
    return out.getvalue()


def test_rich_prints_the_table_that_show_prints(convcalc_command: Command) -> None:
    shown = convcalc_command("show resnet50").out
    assert resnet().to_text() + "\n" == shown
    lines = [line.rstrip() for line in printed(resnet()).split("\n")]
    wide = resnet().to_text(100).split("\n")
    assert lines[: len(wide) - 2] == wide[:-2]
    assert "\x1b[1m" in printed(resnet(), color_system="standard", force_terminal=True)


@pytest.fixture(name="convcalc_command")
def _convcalc_command(convcalc: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.delenv("COLUMNS", raising=False)
    return convcalc


class _Tags(HTMLParser):
    """Which elements are open at the end, and the cells of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[int] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += int(dict(attrs).get("colspan") or 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_notebook_gets_a_small_table_in_its_own_colours() -> None:
    html = resnet()._repr_html_()
    tags = _Tags()
    tags.feed(html)
    assert tags.open == []
    assert len(set(tags.rows)) == 1
    assert len(html) < 10_000
    assert "25.56 M" in html
    assert not re.search(r"(?:color|background)\s*:", html)


def test_a_notebook_gets_the_first_rows_of_a_long_network() -> None:
    builder = convcalc.Builder("long")
    x = builder.input("image", [1, 4, 4])
    for _ in range(500):
        x = builder.add("relu", x)
    html = convcalc.analyse(builder.network())._repr_html_()
    assert html.count("<tr") < 80
    assert "rows: 440 more" in html


def test_what_has_no_table_is_shown_as_its_text() -> None:
    found = convcalc.diff("resnet18", "resnet34")
    html = found._repr_html_()
    assert html.startswith("<pre")
    assert "+82.4 %" in html
    assert "102.0 %" in printed(found)
    same = convcalc.diff("resnet18", "resnet18")
    assert same.is_same
    assert "nothing changed" in same.to_text()
    assert "halo of a tile" in convcalc.study(convcalc.load("resnet18")).to_text()


# --- JSON and frames -----------------------------------------------------------------------------


def test_to_json_is_what_the_command_writes(convcalc: Command) -> None:
    report = resnet()
    assert json.loads(convcalc("show resnet50 -f json").out) == report.to_dict()
    assert json.loads(report.to_json()) == report.to_dict()
    assert report.to_json(None).count("\n") == 0
    Draft202012Validator(report_schema()).validate(report.to_dict())
    assert report.to_dict()["layers"][3] == report.layers[3].to_dict()


def test_other_results_are_what_their_commands_write(convcalc: Command) -> None:
    import convcalc as library

    found = library.diff("resnet18", "resnet34").to_dict()
    assert found == json.loads(convcalc("diff resnet18 resnet34 -f json").out)
    agreement = library.verify("resnet18", "resnet34")
    assert agreement.to_dict() == json.loads(convcalc("verify resnet18 resnet34 -f json").out)


def has(package: str) -> pytest.MarkDecorator:
    absent = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(absent, reason=f"{package} is not installed: pip install {package}")


@has("pandas")
def test_a_frame_of_pandas_holds_the_exact_numbers() -> None:
    report = resnet()
    frame = report.to_pandas()
    assert len(frame) == len(report.layers)
    assert int(frame["params"].sum()) == report.totals.params
    assert int(frame["macs"].sum()) == report.totals.macs
    assert frame.loc["linear", "operator"] == "linear"
    assert frame.loc["linear", "output"] == (1000,)
    assert str(frame["macs"].dtype) == "Int64"
    assert abs(float(frame["macs_share"].sum()) - 1) < 1e-9
    blocks = report.to_pandas(depth=1)
    assert len(blocks) < 12
    assert int(blocks["params"].sum()) == report.totals.params


@has("pandas")
def test_a_frame_has_no_number_where_none_is_known() -> None:
    report = convcalc.analyse(convcalc.load("resnet18", inputs="3x?x?"))
    assert report.to_pandas()["macs"].isna().any()
    wide = convcalc.analyse(convcalc.loads(TINY, batch=2**62))
    assert list(wide.to_pandas()["macs"]) == [layer.macs for layer in wide.layers]


@has("polars")
def test_a_frame_of_polars_holds_the_exact_numbers() -> None:
    report = resnet()
    frame = report.to_polars()
    assert frame.height == len(report.layers)
    assert frame["params"].sum() == report.totals.params
    assert frame["output"][-1].to_list() == [1000]
    unknown = convcalc.analyse(convcalc.load("resnet18", inputs="3x?x?"))
    assert unknown.to_polars()["macs"].null_count() > 0


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_an_absent_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(convcalc.MissingPackage, match=f"needs the package {package}") as error:
        getattr(resnet(), f"to_{package}")()
    assert error.value.help == f"install it: pip install {package}"
    assert isinstance(error.value, ImportError)


# --- arguments -----------------------------------------------------------------------------------


def test_sizes_may_be_a_text() -> None:
    wanted = convcalc.load("resnet18", inputs=[3, 320, 256]).inputs
    for text in ("3x320x256", "3×320×256", "3, 320, 256", "[3, 320, 256]", "3X320X256"):
        assert str(convcalc.load("resnet18", inputs=text).inputs) == str(wanted)
    named = convcalc.load("resnet18", inputs={"input": "3x320x256"})
    assert str(named.inputs) == str(wanted)
    unknown = convcalc.load("resnet18", inputs="3x?x?")
    assert str(unknown.inputs) == str(convcalc.load("resnet18", inputs=[3, None, None]).inputs)


def test_a_text_is_a_network_too(tmp_path: Path) -> None:
    report = convcalc.analyse(convcalc.loads(TINY))
    assert report.totals.params == 3 * 4 * 9 + 4
    assert convcalc.analyse(convcalc.loads(TINY.encode(), inputs="1x8x8")).totals.params == 40
    file = tmp_path / "tiny.convcalc.yaml"
    file.write_text(TINY, "utf-8")
    assert convcalc.diff(convcalc.load(file), convcalc.loads(TINY)).is_same
    with pytest.raises(convcalc.NetworkError, match="<text>:5:18") as error:
        convcalc.loads(TINY.replace("k: 3", "kernal_size: 3"))
    assert error.value.diagnostics[0].help == "use 'kernel_size'"
    assert len(repr(error.value.diagnostics[0])) < 400


def test_check_finds_what_the_command_finds(folder: Path, convcalc: Command) -> None:
    import convcalc as library

    (folder / "tiny.convcalc.yaml").write_text(TINY + "budgets: {params: {max: 100}}\n", "utf-8")
    found = library.check()
    assert not found.passed
    assert [each.name for each in found.findings] == ["params-over-budget"]
    assert [verdict.passed for verdict in found.verdicts] == [False]
    assert found.to_dict() == json.loads(convcalc("check -f json").out)
    assert found.to_text() + "\n" == convcalc("check").out
    assert repr(found) == "<Outcome failed: 1 error, 0 warnings in 1 file>"
    assert repr(found.files[0]).endswith("tiny.convcalc.yaml: 1 error, 0 warnings>")
    (folder / "tiny.convcalc.yaml").write_text(TINY + "budgets: {params: {max: 1k}}\n", "utf-8")
    assert library.check(folder).passed
    with pytest.raises(library.TargetError, match="no network file in"):
        library.check(folder / "nowhere*")


# --- errors, names, types ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: convcalc.load("nosuchnet"),
        lambda: convcalc.load("resnet18", inputs="3xa"),
        lambda: convcalc.load("resnet18", inputs="3x1x2x3x4"),
        lambda: convcalc.load("resnet18", inputs={"mask": "3x8x8"}),
        lambda: convcalc.load("resnet18", inputs=[3, 0, 8]),
        lambda: convcalc.load("resnet18", variant="x"),
        lambda: convcalc.load("resnet18", params={"x": 1}),
        lambda: convcalc.loads("- 1"),
        lambda: convcalc.loads(""),
        lambda: convcalc.loads(b"\xff\xfe\x00"),
        lambda: convcalc.analyse(convcalc.loads(TINY), dtype="float31"),
        lambda: convcalc.analyse(convcalc.loads(TINY), counted=("macs",)),
        lambda: convcalc.analyse(convcalc.loads(TINY), convention="fvcor"),
        lambda: convcalc.analyse(convcalc.loads(TINY), memory=("adm",)),
        lambda: convcalc.study(convcalc.loads(TINY), "nosuchlayer"),
        lambda: convcalc.diff("resnet18", "nosuchnet"),
        lambda: convcalc.verify("resnet18", "nosuchnet"),
        lambda: convcalc.check("nosuchfolder"),
        lambda: convcalc.check("resnet18", select=["XX9"]),
        lambda: convcalc.Builder().input("x", "3xa"),
    ],
)
def test_every_error_is_of_one_family(call: Any) -> None:
    try:
        found = call()
    except convcalc.Error as error:
        assert error.message
        assert "\n" not in error.message
    else:
        assert isinstance(found, convcalc.Outcome)
        assert not found.passed


def test_dir_lists_all_that_is_there_and_nothing_else() -> None:
    assert dir(convcalc) == sorted(convcalc.__all__)
    assert convcalc.analyze is convcalc.analyse
    for name in ("loads", "diff", "check", "analyze", "Builder", "Outcome", "Difference"):
        assert name in dir(convcalc)
    for name in convcalc.__all__:
        found = getattr(convcalc, name)
        assert name == "__version__" or len(found.__doc__) > 48, name


@has("mypy")
def test_mypy_accepts_a_users_program_in_strict_mode(tmp_path: Path) -> None:
    program = Path(__file__).parent / "user" / "strict.py"
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}", str(program)],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=environment(MYPYPATH=str(ROOT)),
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
