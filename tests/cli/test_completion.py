"""What is offered behind TAB: the protocol, and bash, zsh and fish themselves at a pty."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import environment, process
from places import ROOT

from convcalc.analysis.devices.names import device_names, runtime_names
from convcalc.checking.configuration import FORMATS as OF_CHECK
from convcalc.cli.app import COMMANDS
from convcalc.cli.completion import FILES, FOUND, complete
from convcalc.cli.completion.line import asked, split
from convcalc.cli.completion.networks import OF_FIELD, OF_TOTALS
from convcalc.cli.completion.table import FORMATS
from convcalc.cli.shells import SCRIPTS
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.operators.registry import fields_of, operator_class, operator_names
from convcalc.output.bound_columns import BOUND_COLUMNS
from convcalc.output.columns import COLUMNS
from convcalc.output.formats import FORMATS as OF_TABLES

BREAKS = " \t\n\"'><=;|&(:"
NET = """\
convcalc: 1
name: net
params: {width: 8, depth: 2}
inputs: {image: [3, 8, 8], mask: [1, 8, 8]}
layers:
- {conv: {out: width, k: 1}, id: first, from: image}
- seq:
  - {conv: {out: width, k: 1}, id: mix}
  id: stage
  repeat: depth
variants:
  wide: {width: 16}
  deep: {depth: 4}
"""

Offer = Callable[[str], list[str]]


@pytest.fixture(name="offer")
def _offer(folder: Path, capsys: pytest.CaptureFixture[str]) -> Offer:
    """The values that are offered behind a line, in a folder with a network."""
    (folder / "net.convcalc.yaml").write_text(NET, "utf-8")
    (folder / "models").mkdir()
    (folder / "models" / "a.onnx").write_bytes(b"")
    (folder / "notes.txt").write_text("", "utf-8")
    (folder / ".hidden.yaml").write_text("", "utf-8")

    def offered(line: str) -> list[str]:
        capsys.readouterr()
        assert complete("zsh", split(line)[1:]) == FOUND
        return [each.partition("\t")[0] for each in capsys.readouterr().out.split("\n") if each]

    return offered


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("s", ["show", "sweep", "solve", "schema"]),
        ("-f js", ["json"]),
        ("show resnet50", [name for name in shipped_names() if name.startswith("resnet50")]),
        ("show n", ["net.convcalc.yaml", "nasnet_a_mobile", "nfnet_f0"]),
        ("show m", ["models/", "mnasnet1_0"]),
        ("show models/", ["models/a.onnx"]),
        ("show .h", [".hidden.yaml"]),
        ("show net.convcalc.yaml::", ["net.convcalc.yaml::wide", "net.convcalc.yaml::deep"]),
        ("show net.convcalc.yaml::d", ["net.convcalc.yaml::deep"]),
        ("show net.convcalc.yaml --variant w", ["wide"]),
        ("show net.convcalc.yaml --set ", ["width=", "depth="]),
        ("show net.convcalc.yaml -i ", ["image=", "mask="]),
        ("show resnet18 -i ", ["3x224x224"]),
        ("show --variant wide net.convcalc.yaml --set w", ["width="]),
        ("show --dtype b", ["bfloat16"]),
        ("show --dtype=b", ["--dtype=bfloat16"]),
        ("show --columns macs,params_s", ["macs,params_share"]),
        ("show --columns +jum", ["+jump"]),
        ("show --columns +macs,jum", ["+macs,jump"]),
        ("show --sort inten", ["intensity"]),
        ("show --convention fv", ["fvcore"]),
        ("show --memory training,adamw,hel", ["training,adamw,held-inputs"]),
        ("show --count weights,dy", ["weights,dynamic"]),
        ("show --depth ", ["1", "2", "3", "all"]),
        ("show --by ", ["operator", "type", "block", "kernel", "stage"]),
        ("show --color n", ["never"]),
        ("layer conv_tr", ["conv_transpose"]),
        ("layer conv pad", ["padding=", "padding_mode="]),
        ("layer conv k=3 ker", []),
        ("layer conv p=s", ["p=same"]),
        ("layer conv bias=", ["bias=true", "bias=false"]),
        (
            "layer upsample mode=",
            [f"mode={x}" for x in fields_of(operator_class("upsample"))["mode"].choices],
        ),
        ("explain net.convcalc.yaml st", ["stage[0]", "stage[0].", "stage[1]", "stage[1]."]),
        ("explain net.convcalc.yaml stage[1].", ["stage[1].mix"]),
        ("explain net.convcalc.yaml stage[1].mix ", []),
        ("explain net.convcalc.yaml::deep stage[3", ["stage[3]", "stage[3]."]),
        ("explain --variant deep net.convcalc.yaml stage[3", ["stage[3]", "stage[3]."]),
        ("rf vgg11 --at cl", ["classifier", "classifier."]),
        ("get totals.moved", ["totals.moved_bytes"]),
        ("operator conv_tr", ["conv_transpose"]),
        ("convention calf", ["calflops"]),
        ("rule CC20", [f"CC20{k}" for k in range(1, 8)]),
        ("rule does-not", ["does-not-divide"]),
        ("check --ignore CC101,CC20", [f"CC101,CC20{k}" for k in range(1, 8)]),
        ("check -f git", ["github", "gitlab"]),
        ("new x --template u", ["unet"]),
        ("list net", ["networks"]),
        ("schema rep", ["report"]),
        ("cache c", ["clear"]),
        ("export vgg11 --to o", ["onnx"]),
        ("import x.onnx --as ", ["variants"]),
        ("verify a b --fold-norms ", ["auto", "yes", "no"]),
        ("diff vgg11 vgg13 --fail-on para", ["params:"]),
        ("diff vgg11 vgg13 --depth a", ["auto", "all"]),
        ("--limit wo", ["work="]),
        ("show -- --", []),
        ("show --col", ["--columns", "--color"]),
        ("new x --from lenet", ["lenet5"]),
        ("list params lenet", ["lenet5"]),
        ("list operators le", []),
        ("help rec", ["recipes", "receptive-fields"]),
        ("pin --out", ["--output-file"]),
        ("show --out", ["--output-format", "--output-file"]),
        ("nosuchcommand ", []),
        ("show nosuch.yaml::", []),
    ],
)
def test_values_are_offered(line: str, wanted: list[str], offer: Offer) -> None:
    found = offer(f"convcalc {line}")
    if line in ("show n", "show m"):  # among built-in networks, of which there will be more
        assert found[0] == wanted[0]
        assert len(found) > 1
    else:
        assert found == wanted


def test_what_there_is_is_offered_whole(offer: Offer) -> None:
    assert offer("convcalc ") == list(COMMANDS)
    assert offer("convcalc layer ") == operator_names()
    assert offer("convcalc show --sort ") == list(COLUMNS)
    assert offer("convcalc show --device a100 --sort ") == [*COLUMNS, *BOUND_COLUMNS]
    assert offer("convcalc show --device ") == offer("convcalc device show ") == device_names()
    assert offer("convcalc get macs vgg11 --runtime ") == runtime_names()
    assert offer("convcalc check -f ") == list(OF_CHECK)
    assert offer("convcalc show -f ") == list(OF_TABLES) == list(FORMATS["show"])
    for name in ("conv", "lstm", "upsample"):
        declared = fields_of(operator_class(name))
        assert offer(f"convcalc layer {name} ") == [f"{field}=" for field in declared]
    assert set(shipped_names()) <= set(offer("convcalc show "))


def test_a_file_is_left_to_the_shell(offer: Offer) -> None:
    assert offer("convcalc ")
    for line in ("show vgg11 -o ", "check --config ", "--root "):
        assert complete("zsh", split(f"convcalc {line}")[1:]) == FILES


def test_the_keys_of_get_are_keys() -> None:
    from convcalc import analyse, load
    from convcalc.analysis.report.lookup import value_at

    report = analyse(load("vgg11"), support=True)
    for key in OF_TOTALS:
        value_at(report, f"totals.{key.removesuffix('.')}")
    for key in OF_FIELD:
        value_at(report, f"receptive_field.{key}")


PAGE = (ROOT / "docs" / "completion.md").read_text("utf-8")
SHOWN = re.findall(r"^\| `convcalc ([^`]*)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", SHOWN)
def test_what_the_page_shows_is_offered(line: str, folder: Path, offer: Offer) -> None:
    (folder / "net.yaml").write_text(NET, "utf-8")
    found = offer(f"convcalc {line}")
    assert len(found) > 1
    assert len(SHOWN) == 8


# --- a line --------------------------------------------------------------------------------------


def test_a_line_is_split_as_a_shell_splits_it() -> None:
    assert split("convcalc show ") == ["convcalc", "show", ""]
    assert split("convcalc 'a b'c\\ d") == ["convcalc", "a bc d"]
    assert split('convcalc "a\\"b') == ["convcalc", 'a"b']
    assert split("convcalc ''") == ["convcalc", ""]
    assert split("convcalc  a\\") == ["convcalc", "a"]


def test_options_take_their_values_and_no_more() -> None:
    found = asked(["show", "-f", "json", "a.yaml", "--exact", "--set=w=1", "b.yaml", ""])
    assert (found.kind, found.param) == ("value", "targets")
    assert found.given == {
        "output_format": ["json"],
        "targets": ["a.yaml", "b.yaml"],
        "set": ["w=1"],
    }
    assert asked(["get", "totals.macs", ""]).param == "target"
    assert asked(["get", "totals.macs", "x", ""]).param == ""
    assert asked(["show", "-i3x8"]).word == "3x8"
    assert asked(["-q", "layer", "--", "-x"]).param == "operator"


def test_bash_gets_what_it_replaces(offer: Offer, capsys: pytest.CaptureFixture[str]) -> None:
    """Words end at ``=`` and ``:`` there, so only what follows is replaced."""

    def replies(line: str, breaks: str = BREAKS) -> list[str]:
        capsys.readouterr()
        complete("bash", [line, breaks])
        return capsys.readouterr().out.split("\n")[:-1]

    assert offer("convcalc show net")
    assert replies("convcalc show net.convcalc.yaml::w") == ["wide"]
    assert replies("convcalc show net.convcalc.yaml::w", " ") == ["net.convcalc.yaml::wide"]
    assert replies("convcalc layer conv p=s") == ["same"]
    assert replies("convcalc show --dtype=b") == ["bfloat16"]
    wanted = ["stage\\[0\\]", "stage\\[0\\]."]
    assert replies("convcalc explain net.convcalc.yaml stage\\[0") == wanted


# --- strangers -----------------------------------------------------------------------------------


def test_a_strangers_text_is_offered_only_if_it_is_shown_as_it_is(
    folder: Path, offer: Offer
) -> None:
    for name in ("e\x1b[31mvil.yaml", "e\nvil.yaml", "e\u202evil.yaml", "e\tvil.yaml", "even.yaml"):
        (folder / name).write_text("", "utf-8")
    assert offer("convcalc show e")[0] == "even.yaml"
    assert not [word for word in offer("convcalc show e") if "vil" in word]
    text = NET.replace("wide:", '"w\\u001b]0;x\\u0007":').replace("width:", '"a\\nb":')
    (folder / "odd.convcalc.yaml").write_text(text, "utf-8")
    assert offer("convcalc show odd.convcalc.yaml::") == ["odd.convcalc.yaml::deep"]
    assert offer("convcalc show odd.convcalc.yaml --set ") == ["depth="]


def test_no_shell_runs_what_a_file_is_called(
    folder: Path, offer: Offer, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "x$(touch run);`touch run`.yaml").write_text("", "utf-8")
    assert offer("convcalc show x$") == ["x$(touch run);`touch run`.yaml"]
    complete("bash", ["convcalc show x", BREAKS])
    (line,) = [each for each in capsys.readouterr().out.split("\n") if "touch" in each]
    assert line == "x\\$\\(touch\\ run\\)\\;\\`touch\\ run\\`.yaml"
    for script in SCRIPTS.values():
        assert not re.search(r"\beval\b", script)


def test_no_code_is_run_and_nothing_outside_is_read(folder: Path, offer: Offer) -> None:
    (folder / "code.py").write_text("open('run', 'w')\n", "utf-8")
    (folder / "net.yaml").symlink_to("/etc/passwd")
    for target in ("torch:code.py:make", "timm:resnet18", "HEAD:net.convcalc.yaml", "net.yaml"):
        assert offer(f"convcalc explain {target} ") == []
        assert offer(f"convcalc show {target} --set ") == []
    assert not (folder / "run").exists()


def test_a_network_that_takes_long_is_given_up(folder: Path, offer: Offer) -> None:
    layers = "- {seq: [{relu: {}, repeat: 100000}], repeat: 100000}\n"
    (folder / "huge.yaml").write_text(f"convcalc: 1\ninput: [3]\nlayers:\n{layers}", "utf-8")
    assert len(offer("convcalc explain huge.yaml ")) <= 2


# --- start-up ------------------------------------------------------------------------------------


def test_values_are_found_without_what_commands_need() -> None:
    code = (
        "import sys; from convcalc.cli import main; main(sys.argv[1:]);"
        "print([name for name in ('typer', 'rich', 'yaml') if name in sys.modules])"
    )
    for line in ("show res", "layer conv p", "explain resnet18 la", "show --columns +m", "ru"):
        asked_for = {"_CONVCALC_COMPLETE": "fish"}
        out = process(*line.split(), code=code, env=asked_for, text=True).stdout.split("\n")
        assert len(out) > 2
        has_yaml = "'yaml'" in out[-2]  # in a checkout, whose networks are not read in advance
        assert out[-2] in ("[]", "['yaml']") if line.startswith("explain") or has_yaml else "[]"


def test_a_command_imports_nothing_of_it() -> None:
    code = (
        "import sys; from convcalc.cli import main; main(sys.argv[1:]);"
        "print([name for name in sys.modules if 'cli.completion' in name or 'cli.shells' in name])"
    )
    assert process("get", "totals.params", "vgg11", code=code, text=True).stdout.endswith("\n[]\n")


# --- the shells themselves -----------------------------------------------------------------------


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the program ``convcalc`` in ``bin``."""
    home = tmp_path_factory.mktemp("home")
    program = home / "bin" / "convcalc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m convcalc "$@"\n', "utf-8")
    program.chmod(0o755)
    return home


def variables(home: Path) -> dict[str, str]:
    more = {"HOME": str(home), "TERM": "vt100", "ZDOTDIR": str(home), "PS1": "> "}
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return environment(**more, PATH=path, XDG_CONFIG_HOME=str(home / ".config"), LC_ALL="C.UTF-8")


STARTED = {"bash": ["bash", "-i"], "zsh": ["zsh", "-i"], "fish": ["fish", "-i"]}


class Terminal:
    """A shell at a pty."""

    def __init__(self, shell: str, home: Path, folder: Path) -> None:
        own, theirs = pty.openpty()
        self.fd = own
        self.process = subprocess.Popen(
            STARTED[shell],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=variables(home),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(theirs)

    def write(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, done: Callable[[], bool], seconds: float = 60) -> str:
        """What is written until something is so."""
        found, end = b"", time.monotonic() + seconds
        while time.monotonic() < end and not done():
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    found += os.read(self.fd, 65_536)
                except OSError:
                    break
                if b"\x1b[c" in found or b"\x1b[0c" in found:  # fish asks what the terminal is
                    self.write("\x1b[?1;2c")
                    found = found.replace(b"\x1b[c", b"").replace(b"\x1b[0c", b"")
        return found.decode("utf-8", "replace")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


def shells() -> Iterator[object]:
    for name in STARTED:
        absent = shutil.which(name) is None
        yield pytest.param(
            name, marks=pytest.mark.skipif(absent, reason=f"{name} is not installed")
        )


@pytest.mark.parametrize("shell", list(shells()))
def test_a_shell_completes_the_line(shell: str, folder: Path, home: Path) -> None:
    """Types lines with a TAB, which the shell runs; a program in place of ``echo`` notes them."""
    (folder / "net.convcalc.yaml").write_text(NET, "utf-8")
    installed = subprocess.run(
        [shell, "-c", "convcalc --install-completion; true"],
        env=variables(home),
        cwd=folder,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert f"installed the completion of {shell} in " in installed.stdout, installed
    noting = home / "bin" / "convcalc"
    plain = noting.read_text("utf-8").split("\n")[1]
    noting.write_text(
        "#!/bin/sh\n"
        f'if [ -n "$_CONVCALC_COMPLETE" ]; then {plain}; fi\n'
        f"for word; do printf '<%s>' \"$word\" >> '{home}/lines'; done\n"
        f"echo >> '{home}/lines'\n",
        "utf-8",
    )
    typed = [
        ("convcalc sche\trep\t", "<schema><report>"),
        ("convcalc show net.c\t", "<show><net.convcalc.yaml>"),
        ("convcalc show net.convcalc.yaml::w\t", "<show><net.convcalc.yaml::wide>"),
        (
            "convcalc show net.convcalc.yaml --set wi\t9",
            "<show><net.convcalc.yaml><--set><width=9>",
        ),
        ("convcalc layer conv kern\t3 p=sa\t", "<layer><conv><kernel_size=3><p=same>"),
        (
            "convcalc explain net.convcalc.yaml stage[1].\t",
            "<explain><net.convcalc.yaml><stage[1].mix>",
        ),
        ("convcalc show --columns +macs,jum\t", "<show><--columns><+macs,jump>"),
        ("convcalc get totals.mov\tvgg11", "<get><totals.moved_bytes><vgg11>"),
    ]
    lines = home / "lines"
    terminal = Terminal(shell, home, folder)

    def noted(count: int) -> Callable[[], bool]:
        return lambda: lines.exists() and lines.read_text("utf-8").count("\n") >= count

    seen = ""
    try:
        for number, (text, _) in enumerate([("convcalc ready", ""), *typed], 1):
            quoted = text.replace("[", "\\[").replace("]", "\\]") if shell != "fish" else text
            terminal.write(f"{quoted}\n")
            seen += terminal.until(noted(number))
    finally:
        terminal.end()
    assert lines.read_text("utf-8").split("\n")[1:-1] == [wanted for _, wanted in typed], seen


def test_installing_again_adds_nothing(home: Path, folder: Path) -> None:
    def install() -> None:
        subprocess.run(
            ["bash", "-c", "convcalc --install-completion; true"],
            env=variables(home),
            cwd=folder,
            check=True,
            capture_output=True,
        )

    (home / ".bashrc").write_text("alias x=y", "utf-8")
    install()
    first = (home / ".bashrc").read_text("utf-8")
    assert first.startswith("alias x=y\nsource '")
    install()
    assert (home / ".bashrc").read_text("utf-8") == first
    script = (home / ".bash_completions" / "convcalc.sh").read_text("utf-8")
    assert script == SCRIPTS["bash"]


def test_another_shell_is_named(home: Path, folder: Path) -> None:
    (home / "bin" / "tcsh").symlink_to("/bin/sh")
    ran = subprocess.run(
        [sys.executable, "-m", "convcalc", "--show-completion"],
        env={**variables(home), "SHELL": "/bin/tcsh"},
        cwd=folder,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    if "shell 'tcsh'" not in ran.stderr:  # the tests run in one of those that there is one for
        assert ran.stdout.rstrip("\n") + "\n" in SCRIPTS.values()
    else:
        assert ran.returncode == 2
