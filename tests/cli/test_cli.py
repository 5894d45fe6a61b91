"""The command line: results, exit codes, and what happens when things go wrong.

Whole outputs are in ``tests/golden/cli``; ``CONVCALC_UPDATE_GOLDEN=1 pytest tests/cli/test_cli.py``
writes them anew.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import RUN, Command, Ran, environment, process
from kept import kept
from places import TESTS
from shipped import report

from convcalc.cli.app import COMMANDS
from convcalc.output.formats import FORMATS

GOLDEN = TESTS / "golden" / "cli"
BROKEN = """\
convcalc: 1
name: broken
input: [3, 32, 32]
layers:
  - {conv: {out: 16, k: 3, p: 1}, id: stem}
  - conv: {out: 16, k: 3, g: 5}
  - relu
  - {conv: {out: 16, kernal_size: 3}, from: stem}
"""


RESNET18 = report("resnet18")


@pytest.fixture(autouse=True)
def _clean(folder: Path) -> None:
    """Neither the developer's environment nor the repository plays a part."""
    (folder / "broken.convcalc.yaml").write_text(BROKEN, "utf-8")


# --- whole outputs -----------------------------------------------------------------------------

LINES = {
    "show": "show resnet50",
    "show_depth": "show squeezenet1_1 --depth all --columns +flops",
    "show_by_operator": "show mobilenet_v2 --by operator --exact",
    "show_top": "show vgg16 --sort params --top 3",
    "show_several": "show resnet18 vgg16 -i 3x224x224 -i 3x320x320",
    "show_unknown_size": "show unet --input '3x?x?'",
    "show_problems": "show broken.convcalc.yaml",
    "show_csv": "show unet -f csv",
    "layer": "layer conv out=128 k=3 s=2 p=1 -i 64x56x56",
    "list_columns": "list columns",
    "list_metrics": "list metrics",
    "show_sorted_output": "show resnet18 --sort output --columns path,output,moved --top 4",
    "layer_per_axis": "layer conv_transpose out=8 k=3x5 s=2 'p=[[0,1],[2,1]]' -i 16x10x?",
    "layer_several_inputs": "layer concat -i a=3x5x5 -i b=4x5x5 --batch 2",
    "layer_cost": "layer conv out=64 k=3 p=1 -i 64x56x56 --cost direct,im2col,winograd,fft",
    "layer_ports": "layer octave_conv out=32 k=3 p=1 alpha_out=0.5 -i 32x16x16",
    "layer_deformable": "layer deform_conv version=2 out=32 k=3 p=1 -i 16x8x8",
    "layer_problem": "layer conv out=30 k=3 g=7 -i 64x5x5",
    "layer_json": "layer conv_transpose out=1 k=4 s=3 -i 1x2x2 -f json",
    "show_convention": "show mobilenet_v3_large --convention ptflops --batch 2 --exact",
    "show_convention_params": "show convnext_tiny --by operator --convention thop",
    "show_convention_sorted": "show resnet18 --convention thop --columns path,thop.params,thop "
    "--sort thop --depth all --top 4 --exact",
    "show_fused_sorted": "show resnet18 --fuse-batch-norm --columns path --sort params_fused",
    "show_several_convention": "show resnet50 vgg16 --convention torchscan",
    "show_fused": "show resnet50 --fuse-batch-norm --exact",
    "show_training": "show mobilenet_v2 --columns path,macs,training --top 4",
    "layer_convention": "layer squeeze_excite -i 64x14x14 --convention fvcore",
    "layer_fused": "layer ghost_conv out=8 k=1 -i 8x6x6 --fuse-batch-norm",
    "layer_convention_csv": "layer conv out=8 k=3 -i 3x9x9 --convention calflops -f csv",
    "convention": "convention torchscan",
    "convention_markdown": "convention keras -f markdown",
    "list_conventions": "list conventions torch",
    "operator": "operator conv",
    "operator_markdown": "operator max_pool -f markdown",
    "list_networks": "list networks fasternet",
    "list_operators": "list operators softmax -f csv",
    "list_blocks": "list blocks DwBn -f json",
}


def test_the_help_page_names_every_format_of_tables(convcalc: Command) -> None:
    page = convcalc("-h").out
    assert all(re.search(rf"\b{name}\b", page) for name in FORMATS)


@pytest.mark.parametrize("name", LINES)
def test_a_whole_output_is_as_it_was(name: str, convcalc: Command) -> None:
    ran = convcalc(LINES[name])
    text = f"$ convcalc {LINES[name]}\n{ran.out}[stderr]\n{ran.err}[exit {ran.code}]\n"
    assert text == kept(GOLDEN / f"{name}.txt", text)


# --- exit codes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("show resnet18 -q", 0, ""),
        ("show broken.convcalc.yaml", 1, "Found 2 errors"),
        ("get totals.params broken.convcalc.yaml", 1, "does-not-divide"),
        ("get totals.macs unet -i '3x?x?'", 1, "unknown"),
        ("layer conv out=3 -i 3x5x5", 1, "kernel_size"),
        ("show missing.yaml", 2, "no such file: missing.yaml"),
        ("show .", 2, "folder"),
        ("show resnet51", 2, "resnet50"),
        ("show resnet50::resnet33", 2, "resnet34"),
        ("show resnet50 --variant resnet33", 2, "resnet34"),
        ("show resnet34 --variant resnet18", 2, "the target is variant resnet34"),
        ("show resnet50 --set wid=2", 2, "wide"),
        ("show resnet50 --set wide", 2, "NAME=VALUE"),
        ("show resnet50 -i 3x0x0", 2, "'0' is not a size"),
        ("show resnet50 -i 3x224", 2, "3x224x224"),
        ("show resnet50 -i image=3x224x224", 2, "input"),
        ("show resnet50 --depth deep", 2, "or all"),
        ("show resnet50 --by layer", 2, "operator"),
        ("show resnet50 --columns parms", 2, "use 'params'"),
        ("show resnet50 --columns +mac", 2, "use 'macs'"),
        ("show resnet50 --sort outptu", 2, "use 'output'"),
        ("show resnet50 --count weight", 2, "use 'weights'"),
        ("show resnet50 --dtype flot16", 2, "use 'float16'"),
        ("show resnet50 --convention fvcor", 2, "use 'fvcore'"),
        ("show resnet50 --convention fvcore --sort fvcore.flop", 2, "use 'fvcore.flops'"),
        ("show resnet50 --convention fvcore --columns fvcorr", 2, "use 'fvcore'"),
        ("show resnet50 --sort params_fused", 2, "must be one of: path, "),
        ("convention fvcor", 2, "use 'fvcore'"),
        ("convention fvcore -f csv", 2, "table, markdown, json"),
        ("get totals.flops resnet50 --convention fvcore", 2, "totals.convention.macs"),
        ("get totals.convention.macs resnet50 --convention fvcore", 2, "flops, activations"),
        ("show resnet50 -f jsn", 2, "use 'json'"),
        ("show resnet50 --color red", 2, "auto, always, never"),
        ("show resnet50 -o .", 2, "cannot write ."),
        ("show resnet50 --dept 2", 2, "--depth"),
        ("show resnet50 --batch 0", 2, "--batch"),
        ("show", 2, "convcalc show -h"),
        ("shwo resnet50", 2, "use 'show'"),
        ("resnet50", 2, "convcalc show resnet50"),
        ("operator cov", 2, "use 'conv'"),
        ("operator conv -f csv", 2, "table, markdown, json"),
        ("list netwrks", 2, "use 'networks'"),
        ("schema netwok", 2, "use 'network'"),
        ("get totals.parms resnet18", 2, "use 'params'"),
        ("get total.params resnet18", 2, "use 'totals'"),
        ("get totals.params.x resnet18", 2, "has no parts"),
        ("get totals[ resnet18", 2, "cannot be read"),
        ("get layers[99].macs resnet18", 2, "layers[67]"),
        ("get layer[0].out resnet18", 2, "use 'output'"),
        ("get totals.macs resnet18 -f csv", 2, "raw, json"),
        ("get totals.macs resnet18 -i 3x9x9 -i 3x8x8", 2, "one input"),
        ("layer conv out=3 k=3", 2, "-i 64x56x56"),
        ("layer conv 3 -i 3x5x5", 2, "FIELD=VALUE"),
        ("layer 3d -i 3x5x5", 2, "list operators"),
        ("new 3d", 2, "a letter"),
        ("new a --template resnt", 2, "use 'resnet'"),
        ("new no/such/folder/net", 2, "cannot write"),
    ],
)
def test_the_exit_code_tells_what_happened(
    line: str, code: int, says: str, convcalc: Command
) -> None:
    ran = convcalc(line)
    assert ran.code == code
    assert says in ran.err
    assert "Traceback" not in ran.err
    if code == 2:
        assert ran.out == ""
        assert ran.err.startswith("error: ")


def test_without_a_command_the_help_page_is_shown(convcalc: Command) -> None:
    ran = convcalc("")
    assert ran.code == 2
    assert all(f"\n  {name} " in ran.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_a_help_page_with_the_shared_options(
    name: str, flag: str, convcalc: Command
) -> None:
    ran = convcalc(f"{name} {flag}")
    assert ran.code == 0
    assert f"Usage: convcalc {name}" in ran.out
    shared = ("-o, --output-file", "--color", "-q, --quiet")
    assert all(option in ran.out for option in shared)


def test_the_version_is_that_of_the_package(convcalc: Command) -> None:
    from convcalc import __version__

    assert convcalc("--version") == Ran(0, f"convcalc {__version__}\n", "")


def test_a_crash_is_short_and_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, convcalc: Command
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("convcalc.importing.opening.NetworkSource", crash)
    monkeypatch.delitem(sys.modules, "convcalc.cli.loading", raising=False)
    ran = convcalc("show resnet50")
    assert ran.code == 2
    assert "ZeroDivisionError: two lines" in ran.err
    assert "report" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("CONVCALC_DEBUG", "1")
    assert "Traceback" in convcalc("show resnet50").err
    monkeypatch.delitem(sys.modules, "convcalc.cli.loading", raising=False)


def interruptible() -> None:
    """A shell that runs tests in the background has told them to ignore interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_is_quiet() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "show", "-"],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment(),
        preexec_fn=interruptible,  # noqa: PLW1509
    ) as running:
        assert running.stdin is not None
        running.stdin.write(b"#" * 100_000)  # more than a pipe holds: now it reads
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out, err.strip()) == (130, b"", b"")


# --- problems ----------------------------------------------------------------------------------


def test_layers_before_an_error_are_shown_and_every_problem_once(convcalc: Command) -> None:
    ran = convcalc("show broken.convcalc.yaml broken.convcalc.yaml")
    assert ran.err.count("error[CC103]") == 1
    assert ran.err.count("error[CC003]") == 1
    ran = convcalc("show broken.convcalc.yaml --depth all")
    assert re.search(r"^stem +conv ", ran.out, re.MULTILINE)
    assert "error[" not in ran.out


def test_json_holds_the_problems_too(convcalc: Command) -> None:
    ran = convcalc("show broken.convcalc.yaml -f json")
    report = json.loads(ran.out)
    assert ran.code == 1
    assert report["complete"] is False
    assert [problem["code"] for problem in report["problems"]] == ["CC103", "CC003"]


def test_quiet_leaves_errors_and_results(convcalc: Command) -> None:
    ran = convcalc("show broken.convcalc.yaml -q")
    assert "error[CC103]" in ran.err
    assert "Found" not in ran.err
    assert "stem" in ran.out


# --- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["-f csv show resnet18", "show -f csv resnet18", "show resnet18 --output-format csv"]
)
def test_shared_options_stand_before_or_after_the_command(line: str, convcalc: Command) -> None:
    assert convcalc(line).out.startswith("path,")


def test_the_last_flag_wins_and_any_flag_beats_the_environment(
    monkeypatch: pytest.MonkeyPatch, convcalc: Command
) -> None:
    assert convcalc("-f json show resnet18 -f csv").out.startswith("path,")
    monkeypatch.setenv("CONVCALC_OUTPUT_FORMAT", "csv")
    assert convcalc("show resnet18").out.startswith("path,")
    assert convcalc("-f json show resnet18").out.startswith("{")
    # A format that a command does not have is meant for others.
    assert convcalc("operator relu").out.startswith("relu\n")


def test_the_environment_sets_what_is_counted(
    monkeypatch: pytest.MonkeyPatch, convcalc: Command
) -> None:
    monkeypatch.setenv("CONVCALC_COUNT", "elementwise")
    monkeypatch.setenv("CONVCALC_DTYPE", "int8")
    assert (
        convcalc("get totals.macs resnet18").out == convcalc("get totals.elementwise resnet18").out
    )
    ran = convcalc("get totals.macs resnet18 --count weights,dynamic")
    assert ran.out == "1814073344\n"
    # 11,689,512 parameters and 9,600 running statistics, one byte each.
    assert convcalc("get totals.memory.weights resnet18").out == "11699112\n"


def test_a_result_goes_to_a_file(convcalc: Command) -> None:
    ran = convcalc("show resnet18 -f csv -o table.csv --color always")
    assert (ran.code, ran.out) == (0, "")
    text = Path("table.csv").read_text("utf-8")
    assert text.startswith("path,")
    assert text.endswith("\n")
    assert convcalc("show resnet18 -f csv -o -").out == text


def test_rows_and_columns_are_chosen(convcalc: Command) -> None:
    rows = convcalc("show resnet18 --top 2 -f csv --columns path,macs").out.splitlines()
    assert rows[0] == "path,macs"
    assert rows[1].startswith("layer[0],")
    assert rows[3].startswith("other,")
    assert sum(int(row.split(",")[1]) for row in rows[1:]) == 1814073344
    more = convcalc("show resnet18 -f csv --columns +flops,moved").out.splitlines()[0]
    assert more.endswith(",flops,moved")
    assert more.startswith("path,")


# --- start-up ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("--version", ["yaml", "rich", "convcalc.language.reading", "convcalc.cli.commands.show"]),
        ("-h", ["yaml", "convcalc.language.reading"]),
        ("show -h", ["yaml", "convcalc.language.reading", "convcalc.cli.commands.get"]),
        (
            "get totals.macs resnet50",
            ["rich", "convcalc.cli.commands.show", "convcalc.output.schemas.network", "pydantic"],
        ),
        (
            "show resnet50 -f json",
            ["rich", "convcalc.cli.commands.get", "convcalc.output.schemas.network", "pydantic"],
        ),
        ("layer conv out=3 k=3 -i 3x5x5", ["rich", "convcalc.model.ops.convolution.linear"]),
    ],
)
def test_only_what_a_command_needs_is_imported(line: str, absent: list[str]) -> None:
    code = (
        "import sys; from convcalc.cli import main; code = main(sys.argv[1:]); "
        f"print([name for name in {absent} if name in sys.modules], file=sys.stderr)"
    )
    assert process(*line.split(), code=code, text=True).stderr == "[]\n"


def test_the_shell_completes_commands_and_options() -> None:
    def completed(words: str, index: int) -> list[str]:
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(index)}
        asked["_CONVCALC_COMPLETE"] = "complete_bash"
        return process(env=asked, text=True).stdout.split()

    assert completed("convcalc s", 1) == ["show", "sweep", "solve", "schema"]
    assert "--columns" in completed("convcalc show --co", 2)
