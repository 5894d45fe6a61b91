"""What the playground asks of convcalc (web/src/playground/adapter.py), in this Python."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import Command
from places import ROOT

from convcalc.language.sources.shipped import shipped_files, shipped_names

ADAPTER = ROOT / "web" / "src" / "playground" / "adapter.py"
SMALL = "convcalc: 1\nname: small\ninput: [3, 32, 32]\nlayers:\n- conv: {out: 8, k: 3}\n"


pytestmark = pytest.mark.usefixtures("folder")  # an empty one, where the module writes the file


@pytest.fixture
def adapter() -> ModuleType:
    """The module that runs in Pyodide."""
    spec = importlib.util.spec_from_file_location("adapter", ADAPTER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asked(function: Any, *values: Any) -> Any:
    return json.loads(function(*values))


def test_it_needs_neither_typer_nor_rich(folder: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import adapter, json\n"
        "adapter.analysis(sys.argv[2]); adapter.findings(sys.argv[2]); adapter.choices()\n"
        "assert 'svg' in json.loads(adapter.field(''))\n"
        "print([m for m in ('rich', 'typer', 'click', 'convcalc.cli') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(ADAPTER.parent), SMALL]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert ran.stdout == "[]\n"


def test_a_table_has_the_cells_of_the_command(adapter: ModuleType, convcalc: Command) -> None:
    columns = "path,operator,output,kernel_size,params,macs,receptive_field,jump"
    for name, depth in (("resnet18", 1), ("unet_original", 2), ("lenet5", 0)):
        target = shipped_names()[name]
        file, variant = Path(target.file), target.variant
        table = asked(adapter.analysis, file.read_text("utf-8"), variant, "", "", depth)["table"]
        levels = str(depth) if depth else "all"
        ran = convcalc(f"show {name} --depth {levels} --columns {columns} -f csv")
        lines = [line.split(",") for line in ran.out.splitlines()]
        assert [column["key"] for column in table["columns"]] == lines[0]
        assert [row["exact"] for row in table["rows"]] == lines[1:]
        totals = json.loads(convcalc(f"show {name} -f json").out)["totals"]
        assert table["totals"]["exact"][4:6] == [str(totals["params"]), str(totals["macs"])]


def test_errors_have_their_places_and_what_is_sound_is_shown(adapter: ModuleType) -> None:
    found = asked(adapter.analysis, SMALL + "- conv: {out: 8, k: 3, g: 5}\n")
    (problem,) = found["problems"]
    assert (problem["name"], problem["line"], problem["column"], problem["end"]) == (
        "does-not-divide",
        6,
        27,
        28,
    )
    assert problem["help"] == "divisors of 8: 1, 2, 4, 8"
    assert [row["path"] for row in found["table"]["rows"]] == ["conv[0]"]
    assert found["table"]["totals"]["cells"][0] == "total (incomplete)"
    assert found["table"]["rows"][0]["place"] == [5, 3]


def test_a_check_finds_what_the_command_finds(adapter: ModuleType) -> None:
    text = SMALL + "- conv: {out: 8, k: 1, s: 2}\nexpect:\n  small: {params: 1}\n"
    found = asked(adapter.findings, text)
    assert {each["severity"] for each in found["problems"]} == {"error", "warning"}
    assert found["budgets"] == {"passed": 0, "all": 1}
    assert all(each["line"] > 0 for each in found["problems"])


@pytest.mark.parametrize(
    ("text", "sizes", "message"),
    [
        (SMALL, "3x7y", "inputs '3x7y': '7y' is not a size"),
        (SMALL, "left=3x8x8", "unknown input 'left'"),
        (SMALL.replace("3, 32, 32", "3, 2, 2"), "", ""),
        ("", "", ""),
        ("layers: [", "", ""),
        ("convcalc: 1\nmodel: no.onnx\n", "", ""),
        ("convcalc: 1\nimports: {a: ../../etc/passwd}\nlayers: []\n", "", ""),
    ],
)
def test_a_wrong_text_or_size_is_an_answer(
    adapter: ModuleType, text: str, sizes: str, message: str
) -> None:
    found = asked(adapter.analysis, text, "", sizes)
    if message:
        assert message in found["error"]["message"]
    else:
        assert found["error"] or found["problems"]
    asked(adapter.findings, text)
    asked(adapter.field, "")


def test_sizes_by_name_and_variants(adapter: ModuleType) -> None:
    text = "convcalc: 1\nparams: {n: 8}\nvariants: {wide: {n: 16}}\n" + (
        "inputs: {a: [3, 8, 8], b: [3, 8, 8]}\nlayers:\n- {concat: {}, from: [a, b]}\n"
        "- conv: {out: n, k: 3}\n"
    )
    assert asked(adapter.analysis, text)["variants"] == ["wide"]
    found = asked(adapter.analysis, text, "wide", "a=3x16x16 b=3x16x16")["table"]
    assert found["rows"][-1]["exact"][2] == "16x14x14"
    assert asked(adapter.analysis, text, "gone")["table"]["rows"][-1]["exact"][2] == "8x6x6"


def test_names_for_completion_are_those_of_the_file_and_its_imports(adapter: ModuleType) -> None:
    text = "convcalc: 1\ninput: [3, 8, 8]\nparams: {n: 8}\n"
    text += "imports: {b: blocks/conv_bn.convcalc.yaml}\nblocks:\n  Pair:\n"
    text += "    params: {c: int}\n    layers: [relu]\nlayers: [relu]\n"
    names = asked(adapter.analysis, text)["names"]
    assert names["params"] == ["n"]
    assert names["blocks"]["Pair"] == ["c"]
    assert "out" in names["blocks"]["b.ConvBn"]


def test_a_field_that_cannot_be_drawn_says_why(adapter: ModuleType) -> None:
    asked(adapter.analysis, SMALL + "- global_avg_pool\n- linear: {out: 2}\n")
    assert asked(adapter.field, "conv")["svg"].startswith("<svg")
    assert "no layer" in asked(adapter.field, "gone")["error"]["message"]


def test_long_tables_are_cut(adapter: ModuleType) -> None:
    text = SMALL.replace("- conv: {out: 8, k: 3}", "- {conv: {out: 8, k: 3, p: 1}, repeat: 2100}")
    found = asked(adapter.analysis, text)
    assert (len(found["table"]["rows"]), found["table"]["more"]) == (adapter.MOST_ROWS, 100)


def test_every_example_can_be_opened(adapter: ModuleType) -> None:
    choices = asked(adapter.choices)
    assert len(choices["patterns"]) >= 10
    assert len(choices["networks"]) == len(shipped_files())
    for _, text in choices["patterns"]:
        found = asked(adapter.analysis, text)
        assert found["error"] is None
        assert found["problems"] == []
    for text in texts(adapter, choices["networks"][::10]):
        assert asked(adapter.analysis, text)["problems"] == []


def texts(adapter: ModuleType, names: list[str]) -> Iterator[str]:
    for name in names:
        yield asked(adapter.network_text, name)["text"]
