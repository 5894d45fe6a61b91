"""``convcalc sweep`` on the command line: what it shows, what it writes, and how it goes on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from command import RUN, Command, environment, process, verb

from convcalc.analysis.sweeps import explained, parts
from convcalc.analysis.sweeps.plan import plan
from convcalc.analysis.sweeps.words import factors
from convcalc.cli.commands import sweep as sweep_command
from convcalc.output import row_files
from convcalc.output.table import Style
from convcalc.output.views import front

sweep = verb("sweep")

MOBILENET = "mobilenet_v2 --over width=0.35:1.4:0.35 --over input=96:224:64"
STACK = """\
convcalc: 1
name: stack
input: [3, 32, 32]
params: {depth: 2, width: 8}
layers:
  - {conv: {out: width, k: 3}, repeat: depth}
"""


def rows(sweep: Command, line: str) -> list[dict[str, Any]]:
    """All rows of a sweep, as lines of JSON."""
    ran = sweep(f"{line} --top all -f jsonl")
    assert ran.code == 0, ran.err
    return [json.loads(each) for each in ran.out.splitlines()]


# --- what is shown -------------------------------------------------------------------------------


def test_a_table_shows_the_first_rows_and_says_how_many_there_are(sweep: Command) -> None:
    ran = sweep(f"{MOBILENET} --by -macs --top 2 --metrics params,macs")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "mobilenet_v2 · sweep over width, input"
    assert lines[1].split() == ["width", "input", "params", "MACs"]
    assert [line.split()[:2] for line in lines[3:5]] == [["1.4", "224"], ["1.05", "224"]]
    assert "12 configurations" in ran.out
    assert "the 2 with the most macs" in ran.out


def test_the_front_is_shown_and_sorted(sweep: Command) -> None:
    whole = rows(sweep, f"{MOBILENET} --metrics params,macs")
    ran = sweep(f"{MOBILENET} --metrics params,macs --pareto macs,-params -f json")
    found = json.loads(ran.out)
    front = [
        row
        for row in whole
        if not any(
            other["macs"] <= row["macs"] and other["params"] >= row["params"] and other != row
            for other in whole
        )
    ]
    assert found["rows"] == sorted(front, key=lambda row: int(row["macs"]))
    assert found["front"] == len(front) > 1
    assert found["counts"]["rows"] == 12
    assert found["pareto"] == ["macs", "-params"]
    assert "mobilenet_v2.convcalc.yaml" in found["files"]


def test_rows_with_problems_are_counted_and_come_last(sweep: Command, folder: Path) -> None:
    (folder / "s.convcalc.yaml").write_text(STACK, "utf-8")
    line = "s.convcalc.yaml --over input=2,3,4,5 --metrics macs"
    ran = sweep(line)
    assert ran.code == 0
    assert [each.split()[0] for each in ran.out.splitlines()[3:7]] == ["5", "2", "3", "4"]
    assert "4 configurations, 3 with a problem" in ran.out
    assert "3 × CC105 empty-output at s.convcalc.yaml:6" in ran.out
    assert sweep("s.convcalc.yaml --over input=2,3").code == 1  # no row has a number
    assert sweep(f"{line} --where 'macs > 0' --top all -f csv").out.splitlines() == [
        "input,macs",
        "5,2520",  # 3·3·27·8 + 72·8
    ]


@pytest.mark.parametrize("form", ["csv", "tsv", "markdown", "latex", "html", "json", "jsonl"])
def test_every_format_shows_the_same_rows(sweep: Command, form: str) -> None:
    ran = sweep(f"{MOBILENET} --top 3 -f {form}")
    assert ran.code == 0
    assert "1677128" in ran.out.replace(",", "") or "1.677" in ran.out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mobilenet_v2", "nothing is swept"),
        ("mobilenet_v2 --over width", "does not say what is swept"),
        ("mobilenet_v2 --over widht=1,2", "use 'width'"),
        ("mobilenet_v2 --over width=1,2 --where 'parms < 3'", "use 'params'"),
        ("mobilenet_v2 --over width=1,2 --where 'params + 3'", "is not a condition"),
        ("mobilenet_v2 --over width=1,2 --metrics parms", "use 'params'"),
        ("mobilenet_v2 --over width=1,2 --pareto parms", "use 'params'"),
        ("mobilenet_v2 --over width=1,2 --by parms", "use 'params'"),
        ("mobilenet_v2 --over width=1,2 --top 0", "--top is '0'"),
        ("mobilenet_v2 --over width=1,2 --sample x", "--sample is 'x'"),
        ("mobilenet_v2 --over width=1,2 --seed -1", "--seed is '-1'"),
        ("mobilenet_v2 --over width=1,2 --jobs 0", "--jobs is '0'"),
        ("mobilenet_v2 --over width=1,2 --shard 3", "--shard is '3'"),
        ("mobilenet_v2 --over width=1,2 --shard 4/3", "--shard is '4/3'"),
        ("mobilenet_v2 --over width=1,2 --resume", "--resume goes on"),
        ("mobilenet_v2 --over width=1,2 --dtype float3", "--dtype is 'float3'"),
        ("mobilenet_v2 --over width=1,2 --count x", "--count is 'x'"),
        ("mobilenet_v2 --over width=1,2 --variant x", "x"),
        ("nosuch --over width=1,2", "nosuch"),
    ],
)
def test_wrong_usage_says_what_would_be_right(sweep: Command, line: str, message: str) -> None:
    ran = sweep(line)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_a_broken_file_is_shown_with_its_place(sweep: Command, folder: Path) -> None:
    (folder / "s.convcalc.yaml").write_text(STACK.replace("params:", "parms:"), "utf-8")
    ran = sweep("s.convcalc.yaml --over input=8,9")
    assert ran.code == 1
    assert "s.convcalc.yaml:4:1" in ran.err


def test_names_and_words_of_a_stranger_do_not_steer_a_terminal(
    sweep: Command, folder: Path
) -> None:
    text = STACK.replace("width: 8}", "width: 8, act: {default: relu, type: str}}")
    name = "a\u202eb\x1b[31m.convcalc.yaml"
    (folder / name).write_text(text.replace("name: stack", 'name: "n\\u0085\\u2028"'), "utf-8")
    for form in ("table", "csv", "jsonl", "json", "markdown"):
        ran = sweep(f"'{name}' --over input=1,8 --over 'act=::error x,=1+1,\x1b[31m' -f {form}")
        for stream in (ran.out, ran.err):
            assert "\x1b" not in stream
            assert "\u202e" not in stream
            assert not any(line.startswith("::") for line in stream.splitlines())


# --- files of all rows ---------------------------------------------------------------------------


def test_csv_and_lines_of_json_hold_all_rows(sweep: Command, folder: Path) -> None:
    line = f"{MOBILENET} --metrics params,macs,receptive_field"
    expected = rows(sweep, line)
    assert sweep(f"{line} -o a.jsonl").out.startswith("mobilenet_v2")
    found = [json.loads(each) for each in (folder / "a.jsonl").read_text().splitlines()]
    assert sorted(found, key=str) == sorted(expected, key=str)
    sweep(f"{line} -o a.csv --top 1")
    with (folder / "a.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [{name: str(value) for name, value in row.items()} for row in found] == table


def test_sizes_and_lists_in_csv(sweep: Command, folder: Path) -> None:
    sweep("resnet18 --over input=3x32x64 --over depths=[1:2,1,1,1] --metrics macs -o a.csv")
    lines = (folder / "a.csv").read_text().splitlines()
    assert lines[0] == "input,depths,macs,problem"
    assert lines[1].startswith('3x32x64,"[1, 1, 1, 1]",')


def test_parquet_holds_all_rows_and_what_the_sweep_is(sweep: Command, folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    line = f"{MOBILENET} --metrics params,macs,jump"
    sweep(f"{line} -o a.parquet --seed 5 --chunk 5")
    table = parquet.read_table(folder / "a.parquet")
    expected = rows(sweep, line)
    assert sorted(table.to_pylist(), key=str) == sorted(expected, key=str)
    assert [str(field.type) for field in table.schema] == [
        *("double", "int64", "int64", "int64", "double", "string"),
    ]
    about = json.loads(table.schema.metadata[b"convcalc"])
    assert about["network"] == "mobilenet_v2"
    assert about["over"]["input"] == [96, 160, 224]
    assert about["seed"] == 5


def test_polars_writes_the_same_rows(
    sweep: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    line = f"{MOBILENET} --metrics params,macs,jump --chunk 5"
    sweep(f"{line} -o a.parquet")
    table = polars.read_parquet(folder / "a.parquet", use_pyarrow=False)
    assert sorted(table.to_dicts(), key=str) == sorted(rows(sweep, line), key=str)
    about = json.loads(polars.read_parquet_metadata(folder / "a.parquet")["convcalc"])
    assert about["network"] == "mobilenet_v2"


def test_a_number_that_parquet_does_not_hold_is_an_error(sweep: Command, folder: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (folder / "s.convcalc.yaml").write_text(STACK, "utf-8")
    line = "s.convcalc.yaml --over input=3x999999999x999999999,3x8x8 --metrics macs"
    (folder / "a.parquet").write_bytes(b"before")
    ran = sweep(f"{line} -o a.parquet")
    assert ran.code == 2
    assert "'macs' has a number" in ran.err
    assert (folder / "a.parquet").read_bytes() == b"before"


def test_parquet_needs_a_package(sweep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("pyarrow", "polars"):
        monkeypatch.setitem(sys.modules, package, None)
    ran = sweep(f"{MOBILENET} -o a.parquet")
    assert ran.code == 2
    assert "pip install pyarrow" in ran.err
    assert "pip install pyarrow" not in sweep(f"{MOBILENET} -o a.csv").err


# --- long sweeps ---------------------------------------------------------------------------------

LONG = "mobilenet_v2 --over width=0.35:1.4:0.05 --over input=96:224:16 --metrics macs,params"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_processes_and_shards_write_the_same_bytes(sweep: Command, folder: Path) -> None:
    line = f"{LONG} --chunk 20 --pareto macs,-params"
    whole = sweep(f"{line} -o whole/ --jobs 1")
    assert len(content(folder / "whole")) == 1 + 2 * 10
    two = sweep(f"{line} -o two/ --jobs 2")
    assert two.out == whole.out
    assert content(folder / "two") == content(folder / "whole")
    for share in range(7, 0, -1):
        assert sweep(f"{line} -o shares/ --resume --shard {share}/7 --jobs 1").code == 0
    assert content(folder / "shares") == content(folder / "whole")
    assert sweep(f"{line} -o shares/ --resume").out == whole.out


def test_a_sweep_that_was_killed_goes_on_with_the_same_bytes(folder: Path) -> None:
    words = ["sweep", *LONG.split(), "--chunk", "8", "--jobs", "1"]
    assert process(*words, "-o", "whole/").returncode == 0
    whole = content(folder / "whole")
    for times in range(2):
        killed = subprocess.Popen(
            [sys.executable, "-c", RUN, *words, "-o", "killed/", "--resume"],
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        done = 0
        while done < 4 + 8 * times and killed.poll() is None:
            time.sleep(0.01)
            done = len(list((folder / "killed").glob("*.json")))
        killed.kill()
        killed.wait()
    assert process(*words, "-o", "killed/", "--resume").returncode == 0
    found = {name: each for name, each in content(folder / "killed").items() if name[0] != "."}
    assert found == whole


def test_an_interrupt_keeps_what_is_done(
    sweep: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sweep(f"{LONG} --chunk 20 -o whole.csv --jobs 1")
    part = parts.Sweep.part

    def interrupted(self: parts.Sweep, number: int, *more: Any) -> parts.Part:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return part(self, number, *more)

    monkeypatch.setattr(parts.Sweep, "part", interrupted)
    ran = sweep(f"{LONG} --chunk 20 -o some.csv --jobs 1")
    assert ran.code == 130
    assert "stopped after 80 of 198 configurations" in ran.err
    lines = (folder / "some.csv").read_text().splitlines()
    assert lines == (folder / "whole.csv").read_text().splitlines()[:81]
    assert whole.code == 0
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler


def test_another_sweep_is_refused(sweep: Command, folder: Path) -> None:
    (folder / "s.convcalc.yaml").write_text(STACK, "utf-8")
    line = "s.convcalc.yaml --over width=4:12 --metrics macs -o runs/"
    assert sweep(line).code == 0
    before = content(folder / "runs")
    assert "holds a sweep already" in sweep(line).err
    for other, key in (
        ("s.convcalc.yaml --over width=4:13 --metrics macs -o runs/", "over"),
        (f"{line} --where 'macs > 3'", "where"),
        (f"{line} --batch 2", "batch"),
        (f"{line} --chunk 3", "chunk"),
        (f"{line} --sample 3 --seed 2", "sample"),
    ):
        ran = sweep(f"{other} --resume")
        assert ran.code == 2
        assert f"another sweep: its '{key}' differs" in ran.err
    (folder / "s.convcalc.yaml").write_text(STACK.replace("k: 3", "k: 1"), "utf-8")
    assert "its 'files' differs" in sweep(f"{line} --resume").err
    assert content(folder / "runs") == before


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"part": 0}', '{"part": 0, "counts": {"rows": 1e9}}', "[" * 5000,
     '{"part": 0, "counts": {"rows": "x"}, "problems": {}, "best": []}',
     '{"part": 0, "counts": {}, "problems": {}, "best": [[1]]}',
     '{"part": 0, "counts": {}, "problems": {}, "best": [["a", "b", ""]]}',
     '{"part": 1, "counts": {}, "problems": {}, "best": []}'],
)  # fmt: skip
def test_damaged_files_of_a_folder_are_named(sweep: Command, folder: Path, text: str) -> None:
    (folder / "s.convcalc.yaml").write_text(STACK, "utf-8")
    line = "s.convcalc.yaml --over width=4:12 --metrics macs -o runs/ --resume"
    assert sweep(line).code == 0
    whole = content(folder / "runs")
    for name in ("rows-000000.json", "manifest.json"):
        (folder / "runs" / name).write_text(text, "utf-8")
        ran = sweep(line)
        assert ran.code == 2
        assert name in ran.err or "another sweep" in ran.err
        (folder / "runs" / name).write_bytes(whole[name])
    for name in ("rows-000000.json", next(each for each in whole if "json" not in each)):
        (folder / "runs" / name).unlink()
        assert sweep(line).code == 0
        assert content(folder / "runs") == whole


def test_a_folder_behind_a_link_out_of_the_project_is_not_written(
    sweep: Command, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (folder / "pyproject.toml").touch()
    (folder / "out").symlink_to(outside)
    ran = sweep("vgg11 --over input=32,64 -o out/runs/")
    assert ran.code == 2
    assert "leads out of the project" in ran.err
    assert not any(path.is_file() for path in outside.rglob("*"))


# --- samples and numpy ---------------------------------------------------------------------------


def test_a_sample_is_the_same_for_the_same_seed(sweep: Command) -> None:
    line = f"{LONG} --sample 30"
    found = rows(sweep, f"{line} --seed 3")
    assert found == rows(sweep, f"{line} --seed 3 --chunk 7")
    assert found != rows(sweep, f"{line} --seed 4")
    whole = {json.dumps(row) for row in rows(sweep, LONG)}
    assert {json.dumps(row) for row in found} <= whole
    assert len({json.dumps(row) for row in found}) == 30


def test_without_numpy_the_rows_are_the_same(folder: Path) -> None:
    words = ["sweep", *f"{MOBILENET} --pareto macs,-params --where macs<300M".split()]
    code = f"import sys; sys.modules['numpy'] = None; {RUN}"
    slow = process(*words, code=code, text=True, cwd=folder)
    fast = process(*words, text=True, cwd=folder)
    assert slow.returncode == fast.returncode == 0
    assert "numpy is not installed" in slow.stderr
    assert "convcalc[sweep]" in slow.stderr
    assert fast.stderr == ""
    assert slow.stdout.splitlines()[:6] == fast.stdout.splitlines()[:6]


def test_other_commands_do_not_import_numpy(folder: Path) -> None:
    code = "import sys; from convcalc.cli import main; main(); print('numpy' in sys.modules)"
    for words in (["get", "macs", "vgg11"], ["--help"], ["list", "networks"], ["sweep", "--help"]):
        ran = process(*words, code=code, text=True, cwd=folder)
        assert ran.stdout.splitlines()[-1] == "False", words


def test_the_kinds_of_files_are_those_that_can_be_written() -> None:
    assert tuple(sweep_command.ROW_FILES.values()) == row_files.KINDS


# --- the plan, and pictures ----------------------------------------------------------------------


def test_a_plan_is_explained_and_nothing_is_written(sweep: Command, folder: Path) -> None:
    line = f"{LONG} --sample 150 --seed 4 --chunk 20 --where 'width > 0.5' --where 'macs < 300M'"
    ran = sweep(f"{line} -o runs/ --explain-plan --jobs 1 --shard 1/2 -f json")
    assert ran.code == 0
    steps = {each["what"]: each["how"] for each in json.loads(ran.out)}
    assert steps["space"] == "198 configurations: width 22 × input 9"
    assert steps["sample"] == "150 different ones, seed 4"
    assert steps["parts"] == "4 of up to 20 rows, 80 in all"
    assert steps["kept first"] == "width > 0.5"
    assert steps["kept then"] == "macs < 300M"
    assert steps["numbers"].startswith("many configurations at once: ")
    assert steps["checked"] == "at least 20 rows, by the ordinary path"
    assert "in 1 process" in steps["takes about"]
    assert not (folder / "runs").exists()
    for form in ("table", "csv", "jsonl"):
        assert "198 configurations" in sweep(f"{LONG} --explain-plan -f {form}").out


def test_a_plan_without_lanes_says_why(sweep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explained, "HAS_NUMPY", False)
    ran = sweep("vgg11 --over input=32:64 --metrics macs --explain-plan")
    assert "each configuration by itself: numpy is not installed" in ran.out


def test_a_front_is_drawn_as_wide_as_the_terminal(
    sweep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"{LONG} --pareto macs,-params --top 2 --plot"
    for width in (40, 60, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = sweep(line).out.split("\n\n")[-1].splitlines()
        assert max(map(len, lines)) <= width
        assert lines[0] == "params"
        assert lines[-1].endswith(" macs")
        drawn = [each for each in lines if "●" in each]
        # More params go with more MACs: each point is further to the right than the one below.
        firsts = [each.index("●") for each in drawn]
        assert firsts == sorted(firsts, reverse=True)
        assert len(drawn) == front.HEIGHT


def test_a_picture_holds_every_point_at_its_place() -> None:
    wanted = plan(factors(["a=1:9"]), metrics=["params", "macs"], pareto=["params", "macs"])
    rows = [(1, 0, 100, ""), (2, 50, 50, ""), (3, 100, 0, "")]
    lines = front.plot_lines(wanted, rows, Style(width=40, ascii=True))
    middle = front.HEIGHT // 2
    body = lines[1 : front.HEIGHT + 1]
    places = {(k, line.index("*") - line.index("|")) for k, line in enumerate(body) if "*" in line}
    width = 40 - 3 - len("100")
    assert places == {(0, 1), (front.HEIGHT - 1, width)} | {
        (k, at) for k, at in places if k in (middle, middle - 1) and abs(at - width // 2) <= 1
    }
    assert len(places) == 3
    assert front.plot_lines(wanted, [], Style()) == ["the front is empty"]


def test_a_figure_is_xml_with_a_point_for_each_row_of_the_front(
    sweep: Command, folder: Path
) -> None:
    ran = sweep(f"{LONG} --pareto macs,-params -f json --svg a.svg")
    root = ElementTree.fromstring((folder / "a.svg").read_text("utf-8"))
    points = {(row["macs"], row["params"]) for row in json.loads(ran.out)["rows"]}
    count = json.loads(ran.out)["front"]
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(points) <= len(circles) <= count
    for circle in circles:
        assert 0 < float(circle.attrib["cx"]) < front.WIDTH_SVG
        assert 0 < float(circle.attrib["cy"]) < front.HEIGHT_SVG
    for option in ("--plot", "--svg b.svg"):
        assert "only a front of two columns" in sweep(f"{LONG} --pareto macs {option}").err
    assert not (folder / "b.svg").exists()
