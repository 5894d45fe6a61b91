"""The command line: results, exit codes, and what happens when things go wrong.

Whole outputs are in ``tests/golden/cli``; ``CONVCALC_UPDATE_GOLDEN=1 pytest tests/test_cli.py``
writes them anew.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kept import kept

from convcalc.analysis.analyse import analyse
from convcalc.cli import main
from convcalc.cli.app import COMMANDS
from convcalc.cli.commands.get import raw, value_at
from convcalc.cli.commands.layer import network_text
from convcalc.cli.commands.new import templates
from convcalc.cli.console import Failure, Settings
from convcalc.cli.loading import input_shapes
from convcalc.language import catalogue
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.syntax import nodes, reader
from convcalc.output.formats import FORMATS

GOLDEN = Path(__file__).parent / "golden" / "cli"
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


RUN = "import sys; from convcalc.cli import main; sys.exit(main())"


RESNET18 = analyse(read_network(resolve("resnet18")))


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the developer's environment nor the folder plays a part."""
    for name in list(os.environ):
        if name.startswith("CONVCALC_") or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("broken.convcalc.yaml").write_text(BROKEN, "utf-8")


@pytest.fixture
def convcalc(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command line in this process."""

    def run(line: str) -> Ran:
        code = main(shlex.split(line))
        return Ran(code, *capsys.readouterr())

    return run


def process(*arguments: str, code: str = RUN, **more: Any) -> subprocess.CompletedProcess[Any]:
    """Runs a command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    environment |= more.pop("env", {})
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=False,
        env=environment,
        **more,
    )


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
    "list_columns": "list columns",
    "list_metrics": "list metrics",
    "show_sorted_output": "show resnet18 --sort output --columns path,output,moved --top 4",
    "operator": "operator conv",
    "operator_markdown": "operator max_pool -f markdown",
    "list_networks": "list networks fasternet",
    "list_operators": "list operators softmax -f csv",
    "list_blocks": "list blocks DwBn -f json",
}


@pytest.mark.parametrize("name", LINES)
def test_a_whole_output_is_as_it_was(name: str, convcalc: Any) -> None:
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
        ("show resnet50 -i 3x0x0", 2, "'0' is no size"),
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
def test_the_exit_code_tells_what_happened(line: str, code: int, says: str, convcalc: Any) -> None:
    ran = convcalc(line)
    assert ran.code == code
    assert says in ran.err
    assert "Traceback" not in ran.err
    if code == 2:
        assert ran.out == ""
        assert ran.err.startswith("error: ")


def test_without_a_command_the_help_page_is_shown(convcalc: Any) -> None:
    ran = convcalc("")
    assert ran.code == 2
    assert all(f"\n  {name} " in ran.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_a_help_page_with_the_shared_options(
    name: str, flag: str, convcalc: Any
) -> None:
    ran = convcalc(f"{name} {flag}")
    assert ran.code == 0
    assert f"Usage: convcalc {name}" in ran.out
    shared = ("-f, --output-format", "-o, --output-file", "--color", "-q, --quiet")
    assert all(option in ran.out for option in shared)


def test_the_version_is_that_of_the_package(convcalc: Any) -> None:
    from convcalc import __version__

    assert convcalc("--version") == Ran(0, f"convcalc {__version__}\n", "")


def test_a_crash_is_short_and_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, convcalc: Any
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("convcalc.language.reading.read_network", crash)
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
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "show", "-"],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment,
        preexec_fn=interruptible,  # noqa: PLW1509
    ) as running:
        assert running.stdin is not None
        running.stdin.write(b"#" * 100_000)  # more than a pipe holds: now it reads
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out, err.strip()) == (130, b"", b"")


# --- problems ----------------------------------------------------------------------------------


def test_layers_before_an_error_are_shown_and_every_problem_once(convcalc: Any) -> None:
    ran = convcalc("show broken.convcalc.yaml broken.convcalc.yaml")
    assert ran.err.count("error[CC103]") == 1
    assert ran.err.count("error[CC003]") == 1
    ran = convcalc("show broken.convcalc.yaml --depth all")
    assert re.search(r"^stem +conv ", ran.out, re.MULTILINE)
    assert "error[" not in ran.out


def test_json_holds_the_problems_too(convcalc: Any) -> None:
    ran = convcalc("show broken.convcalc.yaml -f json")
    report = json.loads(ran.out)
    assert ran.code == 1
    assert report["complete"] is False
    assert [problem["code"] for problem in report["problems"]] == ["CC103", "CC003"]


def test_quiet_leaves_errors_and_results(convcalc: Any) -> None:
    ran = convcalc("show broken.convcalc.yaml -q")
    assert "error[CC103]" in ran.err
    assert "Found" not in ran.err
    assert "stem" in ran.out


# --- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["-f csv show resnet18", "show -f csv resnet18", "show resnet18 --output-format csv"]
)
def test_shared_options_stand_before_or_after_the_command(line: str, convcalc: Any) -> None:
    assert convcalc(line).out.startswith("path,")


def test_the_last_flag_wins_and_any_flag_beats_the_environment(
    monkeypatch: pytest.MonkeyPatch, convcalc: Any
) -> None:
    assert convcalc("-f json show resnet18 -f csv").out.startswith("path,")
    monkeypatch.setenv("CONVCALC_OUTPUT_FORMAT", "csv")
    assert convcalc("show resnet18").out.startswith("path,")
    assert convcalc("-f json show resnet18").out.startswith("{")
    # A format that a command does not have is meant for others.
    assert convcalc("operator relu").out.startswith("relu\n")


def test_the_environment_sets_what_is_counted(
    monkeypatch: pytest.MonkeyPatch, convcalc: Any
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


def test_a_result_goes_to_a_file(convcalc: Any) -> None:
    ran = convcalc("show resnet18 -f csv -o table.csv --color always")
    assert (ran.code, ran.out) == (0, "")
    text = Path("table.csv").read_text("utf-8")
    assert text.startswith("path,")
    assert text.endswith("\n")
    assert convcalc("show resnet18 -f csv -o -").out == text


def test_rows_and_columns_are_chosen(convcalc: Any) -> None:
    rows = convcalc("show resnet18 --top 2 -f csv --columns path,macs").out.splitlines()
    assert rows[0] == "path,macs"
    assert rows[1].startswith("layer[0],")
    assert rows[3].startswith("other,")
    assert sum(int(row.split(",")[1]) for row in rows[1:]) == 1814073344
    more = convcalc("show resnet18 -f csv --columns +flops,moved").out.splitlines()[0]
    assert more.endswith(",flops,moved")
    assert more.startswith("path,")


# --- inputs and values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shapes"),
    [
        (["3x512x256"], [[3, 512, 256]]),
        (["3×512×256"], [[3, 512, 256]]),
        (["3,512,256"], [[3, 512, 256]]),
        (["[3, 512, 256]"], [[3, 512, 256]]),
        (["3x?xnull"], [[3, None, None]]),
        (["100"], [[100]]),
        (["3x1x1", "3x2x2"], [[3, 1, 1], [3, 2, 2]]),
        (["a=3x1", "b=4x1"], [{"a": [3, 1], "b": [4, 1]}]),
        (["a=3x1", "b=4x1", "a=3x2"], [{"a": [3, 1], "b": [4, 1]}, {"a": [3, 2]}]),
    ],
)
def test_input_shapes_are_read_as_people_write_them(words: list[str], shapes: Any) -> None:
    assert input_shapes(words) == shapes


@pytest.mark.parametrize("word", ["", "x", "3x", "3xx3", "-3x3", "3.5x3", "1e3", "3x3x3x3x3", "٣"])
def test_what_is_no_shape_is_refused(word: str) -> None:
    with pytest.raises(Failure):
        input_shapes([word])


@given(st.text(max_size=20) | st.text("{}[],:#\"'&*!|>%@`~?=- \n\t3xks", max_size=12))
@example("3}, repeat: 9, note: {")
@example("3, d: 7")
@example("3 # s")
@example("\udcff")  # a byte of the command line that is not UTF-8
def test_a_field_of_layer_cannot_reach_beyond_its_value(value: str) -> None:
    text = network_text("conv", ["out=3", f"k={value}", "s=2"], ["3x5x5"])
    root, _ = reader.read(text, "<layer>")
    if root is None:
        assert not value.isprintable()  # refused for a character that YAML forbids
        return
    assert isinstance(root, nodes.Mapping)
    assert [key.text for key, _ in root.entries] == ["convcalc", "input", "layers"]
    layers = root.get("layers")
    assert isinstance(layers, nodes.Sequence)
    (item,) = layers.items
    assert isinstance(item, nodes.Mapping)
    fields = item.get("conv")
    assert isinstance(fields, nodes.Mapping)
    assert list(fields.keys) == ["out", "k", "s"]
    assert isinstance(node := fields.get("k"), nodes.Sequence) or _text(node) == value.strip()


def _text(node: nodes.Node | None) -> str:
    return node.text if isinstance(node, nodes.Scalar) else ""


@pytest.mark.parametrize("value", ["3x5", "3,5", "[3,5]", "[3, 5]", "3×5"])
def test_a_list_is_written_as_people_like(value: str, convcalc: Any) -> None:
    ran = convcalc(f"layer conv out=2 'k={value}' -i 3x9x9 -f json")
    assert json.loads(ran.out)["weights"]["weight"] == [2, 3, 3, 5]


def test_a_network_comes_from_stdin(monkeypatch: pytest.MonkeyPatch, convcalc: Any) -> None:
    text = b"convcalc: 1\ninput: [3, 8, 8]\nlayers: [{conv: {out: 2, k: 3}}]\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert convcalc("get totals.params -") == Ran(0, "56\n", "")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert convcalc("show -").code == 1


# --- get ---------------------------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a JSON document that holds no others, by its path."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if re.fullmatch(r"\w+", key):
                yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def test_get_finds_every_value_of_the_json_report(convcalc: Any) -> None:
    Path("net.convcalc.yaml").write_text(
        "convcalc: 1\ninput: [3, 8, 8]\nlayers: [{conv: {out: 2, k: 3}}, relu]\n", "utf-8"
    )
    report = json.loads(convcalc("show net.convcalc.yaml -f json").out)
    found = list(leaves(report))
    assert len(found) > 80
    for path, value in found:
        if value is not None:
            assert convcalc(f"get {path} net.convcalc.yaml").out == f"{raw(value)}\n", path


@given(
    st.lists(
        st.sampled_from(
            ["totals", "layers", "layer", "stem", "conv", ".", "[", "]", "0", "99", "x", " "]
        ),
        max_size=8,
    ).map("".join)
)
def test_any_path_leads_to_a_value_or_to_a_message(path: str) -> None:
    try:
        value_at(RESNET18, path)
    except Failure as failure:
        assert failure.message
        assert failure.advice


def test_get_adds_up_a_block(convcalc: Any) -> None:
    report = json.loads(convcalc("show resnet18 -f json").out)
    for block in ("layer[2]", "layer[2].BasicBlock[0]", "stem"):
        inside = [layer for layer in report["layers"] if layer["path"].startswith(f"{block}.")]
        for key in ("params", "macs", "elementwise"):
            total = sum(layer[key] for layer in inside)
            assert convcalc(f"get {block}.{key} resnet18").out == f"{total}\n"
        assert convcalc(f"get {block}.layers resnet18").out == f"{len(inside)}\n"
        assert json.loads(convcalc(f"get {block}.output resnet18").out) == inside[-1]["output"]


def test_cost_gives_the_published_winograd_saving_less_the_edge_tiles(convcalc: Any) -> None:
    """F(6x6, 3x3) saves 5.06 times in arXiv 1509.09308; 56 is no multiple of 6."""
    ran = convcalc("layer conv out=64 k=3 p=1 -i 64x56x56 --cost winograd6 -f json")
    (cost,) = json.loads(ran.out)["costs"]
    assert cost["multiplications"] == 26_214_400


def test_cost_names_what_it_knows(convcalc: Any) -> None:
    ran = convcalc("layer conv out=64 k=3 -i 64x56x56 --cost winogrd")
    assert ran.code == 2
    assert "did you mean 'winograd'?" in ran.err
    assert convcalc("layer relu -i 64x56x56 --cost all").code == 2


def test_get_finds_a_layer_by_its_path_and_by_its_number(convcalc: Any) -> None:
    assert convcalc("get stem.conv.macs resnet50").out == "118013952\n"
    assert convcalc("get layers[0].macs resnet50").out == "118013952\n"
    assert convcalc("get receptive_field.size resnet50").out == "[427, 427]\n"
    assert convcalc("get network resnet50 -f json").out == '"resnet50"\n'


# --- the place where text is shown ---------------------------------------------------------------


class Screen(io.StringIO):
    """A stream that may be a terminal, in some encoding."""

    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self.terminal = terminal
        self.__dict__["_encoding"] = encoding

    def isatty(self) -> bool:
        return self.terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self.__dict__["_encoding"])


@pytest.mark.parametrize(
    ("flag", "environment", "terminal", "colored"),
    [
        ("", {}, True, True),
        ("", {}, False, False),
        ("", {"TERM": "dumb"}, True, False),
        ("", {"NO_COLOR": "1"}, True, False),
        ("", {"FORCE_COLOR": "1"}, False, True),
        ("", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("", {"CONVCALC_COLOR": "always", "NO_COLOR": "1"}, False, True),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1", "CONVCALC_COLOR": "always"}, True, False),
    ],
)
def test_colour_goes_by_flag_then_environment_then_terminal(
    flag: str,
    environment: dict[str, str],
    terminal: bool,
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", Screen(terminal=terminal))
    settings = Settings()
    settings.take("", "", flag, False)
    assert settings.style().color is colored


def test_no_escape_is_printed_where_colour_is_off(convcalc: Any) -> None:
    assert "\x1b" in convcalc("show resnet18 --color always").out
    assert "\x1b" not in convcalc("show resnet18 --color never").out
    assert "\x1b" not in convcalc("layer relu -i 3 --color never").out


def test_a_pipe_is_as_wide_as_the_table_and_columns_are_obeyed(
    monkeypatch: pytest.MonkeyPatch, convcalc: Any
) -> None:
    assert max(map(len, convcalc("show resnet50").out.splitlines())) > 80
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, convcalc("show resnet50").out.splitlines())) <= 60


@pytest.mark.parametrize(
    "line",
    [
        "show resnet50",
        "show -h",
        "layer -h",
        "layer conv out=3 k=3 -i 3x5x5",
        "operator conv",
        "show x×y.yaml",
        "new -h",
    ],
)
def test_an_ascii_terminal_gets_ascii(line: str) -> None:
    ran = process(*line.split(), env={"PYTHONIOENCODING": "ascii"})
    assert ran.returncode in (0, 2)
    assert (ran.stdout + ran.stderr).isascii()
    assert b"\\x" not in ran.stdout
    assert b"Traceback" not in ran.stderr


def test_a_closed_pipe_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    for line in ("show resnet50", "show resnet50 -f json", "schema", "get totals.macs resnet50"):
        ran = subprocess.run(
            [sys.executable, "-c", RUN, *line.split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            env=environment,
        )
        assert (ran.returncode, ran.stderr) == (0, b""), line
    os.close(writing)


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
        environment = {"COMP_WORDS": words, "COMP_CWORD": str(index)}
        environment["_CONVCALC_COMPLETE"] = "complete_bash"
        return process(env=environment, text=True).stdout.split()

    assert completed("convcalc s", 1) == ["show", "schema"]
    assert "--columns" in completed("convcalc show --co", 2)


# --- new, list, operator -------------------------------------------------------------------------


@pytest.mark.parametrize("name", templates())
def test_a_template_is_a_network_without_problems(name: str, convcalc: Any) -> None:
    ran = convcalc(f"new mine --template {name}")
    assert ran.code == 0
    first, second = Path("mine.convcalc.yaml").read_text("utf-8").splitlines()[:2]
    assert first == "# yaml-language-server: $schema=convcalc.schema.json"
    assert second == "convcalc: 1"
    assert json.loads(Path("convcalc.schema.json").read_text("utf-8"))["title"]
    assert convcalc("show mine.convcalc.yaml").err == ""
    assert convcalc("get network mine.convcalc.yaml").out == "mine\n"
    assert name in convcalc("new -h").out


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("resnet", 11689512),  # torchvision's resnet18
        ("mobilenet", 3504872),  # torchvision's mobilenet_v2
        ("unet", 31037698),  # milesial/Pytorch-UNet, 2 classes, bilinear=False
    ],
)
def test_a_template_has_the_parameters_of_its_model(
    template: str, params: int, convcalc: Any
) -> None:
    convcalc(f"new mine --template {template}")
    assert convcalc("get totals.params mine.convcalc.yaml").out == f"{params}\n"


def test_new_replaces_nothing_unless_it_must(convcalc: Any) -> None:
    Path("mine.convcalc.yaml").write_text("mine", "utf-8")
    Path("convcalc.schema.json").write_text("{}", "utf-8")
    ran = convcalc("new mine")
    assert (ran.code, ran.out) == (2, "")
    assert "--force" in ran.err
    assert Path("mine.convcalc.yaml").read_text("utf-8") == "mine"
    assert convcalc("new mine.convcalc.yaml --force -q") == Ran(0, "", "")
    assert "name: mine\n" in Path("mine.convcalc.yaml").read_text("utf-8")
    assert Path("convcalc.schema.json").read_text("utf-8") == "{}"


def test_the_catalogue_says_what_an_analysis_would(convcalc: Any) -> None:
    listed = json.loads(convcalc("list networks -f json").out)
    assert [entry["name"] for entry in listed] == [entry.name for entry in catalogue.networks()]
    for entry in listed:
        inputs = read_network(resolve(entry["name"])).inputs
        shapes = {name: list(shape.dims[1:]) for name, shape in inputs.items()}
        assert entry["inputs"] == shapes, entry["name"]
        assert entry["params"] is not None
        assert entry["macs"] is not None


def test_the_help_page_names_every_format_of_tables(convcalc: Any) -> None:
    page = convcalc("-h").out
    assert all(re.search(rf"\b{name}\b", page) for name in FORMATS)


def test_every_operator_and_block_is_listed_with_a_description(convcalc: Any) -> None:
    for kind in ("operators", "blocks"):
        listed = json.loads(convcalc(f"list {kind} -f json").out)
        assert listed
        assert all(entry["name"] and entry["description"] for entry in listed)


@pytest.mark.parametrize("name", ["conv", "batch_norm", "opaque", "concat", "upsample"])
def test_a_manual_page_has_every_field(name: str, convcalc: Any) -> None:
    from convcalc.model.operators.registry import fields_of, operator_class

    page = convcalc(f"operator {name}").out
    entries = json.loads(convcalc(f"operator {name} -f json").out)["fields"]
    declared = fields_of(operator_class(name))
    assert [entry["name"] for entry in entries] == list(declared)
    assert all(re.search(rf"^{field}\b", page, re.MULTILINE) for field in declared)


def test_small_slips_get_what_was_meant(convcalc: Any) -> None:
    head = "convcalc: 1\nname: net\ninput: [3, 9, 9]\nlayers:\n"
    Path("slip.convcalc.yaml").write_text(
        f"{head}  - conv: {{out: 8, k: 3, bias: flase}}\n", "utf-8"
    )
    assert "use 'false'" in convcalc("show slip.convcalc.yaml").err
    assert convcalc("convention FVCORE").out == convcalc("convention fvcore").out
