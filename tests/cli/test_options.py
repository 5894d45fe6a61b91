"""Options of all commands: output formats, the version, what layers are summed by, short paths."""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path

import pytest
from command import Command

from convcalc.cli.app import COMMANDS, command_line
from convcalc.cli.console import Settings

pytestmark = pytest.mark.usefixtures("folder")

NETWORK = """\
convcalc: 1
input: [3, 8, 8]
blocks:
  Pair:
    layers:
      - conv: {out: 4, k: 3, p: same}
      - relu
layers:
  - Pair
  - Pair
  - conv: {out: 4, k: [1, 3]}
  - pointwise_conv: {out: 5}
  - global_avg_pool
  - linear: {out: 2}
"""

# A command line of each command that writes in a format.
LINES = {
    "show": "show alexnet",
    "check": "check alexnet",
    "diff": "diff alexnet alexnet",
    "verify": "verify alexnet model.onnx",
    "sweep": "sweep alexnet --over input=128,224",
    "solve": "solve alexnet --form classes",
    "layer": "layer conv out=4 -i 3x8x8",
    "rf": "rf alexnet",
    "explain": "explain alexnet",
    "get": "get totals.macs alexnet",
    "list": "list columns",
    "operator": "operator conv",
    "convention": "convention fvcore",
    "device": "device show a100",
    "rule": "rule CC001",
    "version": "version",
    "help": "help",
}


@pytest.fixture
def network(folder: Path) -> str:
    (folder / "net.convcalc.yaml").write_text(NETWORK, encoding="utf-8")
    return "net.convcalc.yaml"


# --- output formats ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_lists_the_formats_that_it_has(name: str, convcalc: Command) -> None:
    page = " ".join(convcalc(f"{name} -h").out.split())
    if name not in LINES:
        assert "--output-format" not in page
        assert "no such option" in convcalc(f"{name} -f json").err.lower()
        return
    refused = convcalc(f"{LINES[name]} -f nonsense")
    assert refused.code == 2
    *some, last = re.search(r"must be one of: (.*)", refused.err)[1].split(", ")  # type: ignore[index]
    assert f"-f, --output-format FORMAT {', '.join(some)} or {last}. [env:" in page


def test_the_formats_of_a_command_are_not_those_of_the_whole() -> None:
    group = command_line()
    context = group.make_context("convcalc", ["get"], obj=Settings())
    before = [param.help for param in group.params]
    group.get_command(context, "get")
    assert [param.help for param in group.params] == before


# --- the version ---------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["-V", "--version", "version"])
def test_the_version(line: str, convcalc: Command) -> None:
    assert re.fullmatch(r"convcalc \d+\.\d+\.\d+\n", convcalc(line).out)


@pytest.mark.parametrize(
    "line", ["version --verbose", "--version --verbose", "--verbose --version", "-V --verbose"]
)
def test_the_version_for_reports_of_faults(line: str, convcalc: Command) -> None:
    found = dict(re.split(r"  +", row, maxsplit=1) for row in convcalc(line).out.splitlines())
    assert found["Python"].startswith(platform.python_version())
    assert found["executable"] == sys.executable
    assert {"installed in", "platform", "typer", "rich", "PyYAML", "cache"} <= {*found}


def test_the_version_hides_the_home_folder(
    convcalc: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONVCALC_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/env/bin/python")
    found = json.loads(convcalc("version --verbose -f json").out)
    assert found["executable"] == "~/env/bin/python"
    assert found["cache"].partition(" (")[0] == "~/kept"  # which lies in the project here
    assert found["set"] == "CONVCALC_CACHE_DIR"
    assert str(tmp_path) not in str(found)
    monkeypatch.setattr(sys, "executable", f"{tmp_path}s/python")  # another folder
    assert json.loads(convcalc("version --verbose -f json").out)["executable"][0] == "/"


def test_the_version_as_json(convcalc: Command) -> None:
    assert "Python" in json.loads(convcalc("version --verbose -f json").out)
    assert [*json.loads(convcalc("version -f json").out)] == ["convcalc"]


# --- what layers are summed by -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        (
            "operator",
            {"conv": 3, "relu": 2, "pointwise_conv": 1, "global_avg_pool": 1, "linear": 1},
        ),
        ("type", {"convolution": 5, "activation": 2, "pooling": 1}),
        ("block", {"Pair": 4, "conv": 1, "pointwise_conv": 1, "global_avg_pool": 1, "linear": 1}),
        ("kernel", {"3×3": 2, "no kernel": 4, "1×3": 1, "1×1": 1}),
        ("stage", {"8×8": 4, "8×6": 2, "no size": 2}),
    ],
)
def test_layers_are_summed_by(
    by: str, labels: dict[str, int], network: str, convcalc: Command
) -> None:
    out = convcalc(f"show {network} --by {by} -f csv --columns path,layers,macs").out
    rows = [line.split(",") for line in out.splitlines()[1:]]
    found = {label: int(layers) for label, layers, _ in rows}
    assert found == labels
    total = int(convcalc(f"get macs {network}").out)
    assert sum(int(macs) for *_, macs in rows) == total


def test_depth_says_which_block_counts(convcalc: Command) -> None:
    def labels(depth: str) -> set[str]:
        out = convcalc(f"show resnet50 --by block --depth {depth} -f csv --columns path").out
        return {*out.split()}

    assert "Stage" in labels("1")
    assert "Bottleneck" not in labels("1")
    assert "Bottleneck" in labels("2")
    assert "Stage" not in labels("2")


def test_another_grouping_is_an_error(convcalc: Command) -> None:
    ran = convcalc("show alexnet --by kernels")
    assert ran.code == 2
    assert "use 'kernel'" in ran.err


# --- short paths ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["macs", "params", "flops", "activations", "trainable", "MACs"])
def test_get_takes_the_name_of_a_total(name: str, convcalc: Command) -> None:
    ran = convcalc(f"get {name} resnet18")
    assert ran.code == 0
    assert ran.out == convcalc(f"get totals.{name.lower()} resnet18").out


def test_a_layer_of_that_name_comes_first(convcalc: Command) -> None:
    Path("own.convcalc.yaml").write_text(
        "convcalc: 1\ninput: [3, 8, 8]\nlayers:\n  - conv: {out: 4, k: 3}\n    id: macs\n",
        encoding="utf-8",
    )
    assert convcalc("get macs.params own.convcalc.yaml").code == 0
    assert (
        convcalc("get totals.macs own.convcalc.yaml").out
        != convcalc("get macs own.convcalc.yaml").out
    )


def test_an_unknown_total_by_its_short_name_says_why(convcalc: Command) -> None:
    ran = convcalc("get macs resnet18 -i 3x?x?")
    assert ran.code == 1
    assert "totals.macs of resnet18 is unknown" in ran.err
