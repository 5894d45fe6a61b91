"""Any command, with any options, on any files: what must hold of every run.

    python tests/fuzz.py FIRST COUNT

runs the cases with the numbers from FIRST on in this process and prints those that fail, one JSON
object per line. A case is its number: the same number is the same command line on the same files.

A case fails if the exit code is not 0, 1 or 2; if the output holds a traceback, the words "this is
a bug", or a character that a terminal does not print; if it takes more than 5 s of processor time
or 300 MB.
"""

from __future__ import annotations

import io
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from confined import MEGABYTES, SECONDS
from damage import ORIGINALS, damaged
from gitrepo import APART, IDENTITY

from convcalc.checking import FORMATS as CHECKED
from convcalc.cli import main
from convcalc.cli.app import COMMANDS, Commands, _build_app, convcalc, get_command, module_of
from convcalc.output.formats import FORMATS

HOSTILE = [
    "a\n::stop-commands::tok\nb",
    "\x1b[31mred\x1b[0m",
    "\u202egpj.exe",
    "zero\u200bwidth\ufeff",
    "@octocat #1 :tada: $x$ <script> [a](b) `c`",
    "a\x00b",
    "\udcff",
    "%0A::error::x",
    "-",
    "--",
    "..",
    "/",
    "~",
    "*",
    "[",
    "x" * 5000,
    "𝓊𝓃𝒾",
    "é",
    "",
    " ",
    "::",
    "a::b",
    "HEAD",
    "HEAD:",
    "HEAD:./",
    "HEAD~1:a.convcalc.yaml",
    "HEAD:/etc/passwd",
    "nosuch:x",
    "=",
    "a=b",
    "1e309",
    "0",
    "-1",
    "99999999999999999999",
    "3x32x32",
    "3x?x?",
    "params:+2%",
    "conv k=3 out=8",
    "resnet50",
    "vgg16",
    "layers",
    "all",
    "auto",
    "1,2,3",
]


class Case(NamedTuple):
    """A command line, what it gets on stdin, and the files of its folder."""

    arguments: list[str]
    given: bytes
    files: dict[str, bytes]


# --- cases ---------------------------------------------------------------------------------------


def case(number: int) -> Case:
    """The case with a number."""
    rng = random.Random(number)
    files = dict(some_files(rng))
    name = rng.choice(OFTEN)
    words = [name]
    for parameter in COMMAND_OBJECTS[name].params:
        if parameter.param_type_name == "argument":
            count = rng.choice((1, 1, 1, 2, 3)) if parameter.nargs == -1 else 1
            if not parameter.required and rng.random() < 0.3:
                continue
            words += [argument(rng, files, name, parameter.name) for _ in range(count)]
        elif parameter.name == "output_format":
            if rng.random() < 0.6:
                words += ["-f", form(rng, name)]
        elif rng.random() < (0.6 if (name, parameter.name) in NEEDED else 0.07):
            words.append(rng.choice(parameter.opts))
            if not parameter.is_flag:
                words.append(value(rng, files, parameter.name))
    given = rng.choice(list(files.values()) or [b""])
    words = [word.replace("\x00", "") for word in words]  # no system passes these on
    return Case(words, given, files)


def argument(rng: random.Random, files: dict[str, bytes], command: str, name: str) -> str:
    """A word that stands without an option: mostly the name of what the command takes."""
    if rng.random() < 0.04:
        return rng.choice(HOSTILE)
    if f"{command} {name}" in VALUES:
        return rng.choice(VALUES[f"{command} {name}"])
    if rng.random() < 0.1:
        return rng.choice(("resnet18", "unet", "mobilenet_v2", ".", "-", "HEAD:./", "models"))
    listed = [each for each in files if each.endswith(".yaml")] or ["alexnet"]
    return rng.choice(listed) + rng.choice(("", "", "", "", "", "", "::a", "::"))


def value(rng: random.Random, files: dict[str, bytes], name: str) -> str:
    """The value of an option: mostly one that fits."""
    if name in VALUES and rng.random() < 0.85:
        return rng.choice(VALUES[name])
    return rng.choice(HOSTILE) if rng.random() < 0.7 else rng.choice(list(files) or ["."])


def form(rng: random.Random, command: str) -> str:
    """An output format: mostly one that the command has."""
    if rng.random() < 0.05:
        return rng.choice(HOSTILE)
    if command == "check":
        return rng.choice(CHECKED)
    module = import_module(f"convcalc.cli.commands.{module_of(command)}")
    return rng.choice(getattr(module, "FORMATS", FORMATS))


NEEDED = {("layer", "input"), ("sweep", "over")}
PLACES = [
    "totals.params",
    "totals.macs",
    "layers",
    "name",
    "inputs.input",
    "layers[0].macs",
    "stem",
]
PLACES += ["conv1", "0"]
VALUES = {
    "color": ["auto", "always", "never"],
    "output_file": [
        "out.txt",
        "out.csv",
        "out.jsonl",
        "runs/",
        "a.convcalc.yaml",
        "/dev/null",
        "-",
        "no/such/folder",
    ],
    "summary_file": ["summary.md", "a.convcalc.yaml"],
    "depth": ["1", "2", "all", "auto"],
    "columns": ["path,params", "all", "receptive_field", "+macs", "-macs", "channels,reads"],
    "convention": ["fvcore", "thop", "ptflops", "torchinfo", "keras"],
    "versus": ["fvcore", "thop"],
    "dtype": ["float32", "int8", "float16"],
    "count": ["weights", "weights,dynamic", "all"],
    "memory": ["in-place", "training", "fused,held-inputs"],
    "select": ["CC2", "CC", "CC301"],
    "ignore": ["CC2", "CC", "CC301"],
    "variant": ["all", "a"],
    "stack": ["k=3,3 s=2", "k=3 d=1,2,3", "conv:3", "s=1000003,1000003,1000003", "k=3,5,7"],
    "set": ["width=8", "n=10**9", "a=[1,2,3]", "width='x'", "depth=[2,2,2,2]"],
    "batch": ["1", "8", "0"],
    "input": ["3x32x32", "3x?x?", "1x1x1x1", "3", "3x64x64", "224"],
    "fail_on": ["params:+2%", "macs:+10M", "receptive_field:-0", "memory:+1MiB"],
    "at": PLACES,
    "of": PLACES,
    "position": ["0", "5,5", "99", "0,0"],
    "svg": ["out.svg", "-"],
    "suggest": ["63", "31", "1000003"],
    "channel": ["0", "63", "10000"],
    "by": ["type", "block", "kind"],
    "sort": ["params", "macs", "path"],
    "top": ["1", "10"],
    "layer operator": ["conv", "conv_transpose", "linear", "deform_conv_v2", "attention", "add"],
    "layer fields": ["out=8", "k=3", "p=same", "g=3", "s=2", "d=2", "k=1,3", "out=8", "heads=2"],
    "explain parts": PLACES,
    "get path": PLACES,
    "list kind": ["networks", "operators", "rules", "columns", "blocks", "conventions", "nosuch"],
    "over": [
        "input=31,32",
        "input=3x9x9,3x64x32",
        "input=1:90:30",
        "n=1:3",
        "a=[1:2,3|4]",
        "b=x,y",
    ],
    "where": ["params <= 5M", "macs > 3 and input > 8", "height < 9", "n", "params / 0 > 1"],
    "pareto": ["params,macs", "-macs", "macs,-receptive_field,memory", "input,macs"],
    "metrics": ["params", "macs,jump", "memory,layers,receptive_field", "training"],
    "sample": ["1", "3", "100"],
    "seed": ["0", "7"],
    "shard": ["1/2", "2/2", "3/2", "1/9"],
    "chunk": ["1", "2", "100"],
    "jobs": ["1", "2"],
    "list filter": ["resnet", "conv"],
    "operator name": ["conv", "deform_conv", "residual", "cnov"],
    "convention name": ["fvcore", "keras", "keras.params", "flops"],
    "rule code": ["CC013", "CC201", "CC999", "gridding"],
    "schema kind": ["network", "report", "budgets", "settings"],
    "new name": ["mine", "a"],
}
# The commands that read files come up more often than those that print what convcalc knows.
OFTEN = (*COMMANDS, *("show", "check", "diff", "rf", "explain", "pin", "get", "layer") * 3)


def some_files(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """The files of a folder: networks, settings, budgets, saved reports, most of them broken."""
    for name in ("a", "b", "models/c"):
        if rng.random() < 0.8:
            content = rng.choice(ORIGINALS).read_bytes()
            kept = rng.random() < 0.5
            yield f"{name}.convcalc.yaml", content if kept else damaged(content, rng)
    for name, content in KINDS.items():
        if rng.random() < 0.15:
            yield name, content if rng.random() < 0.3 else damaged(content, rng)


KINDS = {
    "convcalc.toml": b'select = ["CC"]\nignore = ["CC204"]\nexclude = ["old/**"]\nstrict = true\n'
    b'variant = "all"\nbudgets = "convcalc.budgets.yaml"\noutput-format = "concise"\n'
    b'[severity]\nCC201 = "error"\n[per-file-ignores]\n"a*" = ["CC2"]\n[limits]\nlayers = 5000\n',
    "pyproject.toml": b'[project]\nname = "x"\n[tool.convcalc]\nselect = ["CC2"]\n',
    "convcalc.budgets.yaml": b"convcalc-budgets: 1\nbudgets:\n  - name: x\n    models: ['**/*']\n"
    b"    compare: {base: HEAD, missing: pass}\n    inputs: [3x32x32]\n    message: why\n"
    b"    assert: {params: {max: 5M, max_increase: 2%}, macs: {max: 1G}, memory: {max: 1MiB}}\n"
    b"    rules: {CC201: error}\n",
    ".gitignore": b"old/\n*.bak\n!keep\n*a*a*a*b\n/models/\n[a-\n",
    "old.json": b"",  # a saved report, filled in below
}

GROUP: Any = get_command(_build_app(convcalc, Commands))
COMMAND_OBJECTS = {name: GROUP.get_command(None, name) for name in COMMANDS}


# --- running -------------------------------------------------------------------------------------


class TooLong(BaseException):
    """A case took too much processor time."""


def faults(one: Case) -> str:
    """What is wrong with the run of a case in the current folder; empty if nothing is."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2)]
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO(one.given), "utf-8")
    sys.stdout, sys.stderr = streams
    Path("/proc/self/clear_refs").write_text(
        "5", "utf-8"
    )  # the greatest memory so far is forgotten
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    code: int | str
    try:
        code = main(one.arguments)
    except TooLong:
        code = "too long"
    except BaseException as error:  # whatever escapes is a fault
        code = f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        for stream in streams:
            stream.flush()
        out, err = (stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams)  # type: ignore[attr-defined]
        sys.stdin, sys.stdout, sys.stderr = before
    is_coloured = "--color" in one.arguments
    return "; ".join(_complaints(code, out, is_coloured) + _complaints(code, err, is_coloured))


def _complaints(code: int | str, text: str, is_coloured: bool) -> list[str]:
    found = [] if code in (0, 1, 2) else [f"exit code {code}"]
    words = ("Traceback", "this is a bug", "convcalc failed")
    found += [text[max(0, text.index(each) - 200) :][:600] for each in words if each in text]
    odd = {c for c in text if is_odd(c)} - ({"\x1b"} if is_coloured else set())
    if odd:
        found.append(f"prints {sorted(map(ascii, odd))}")
    if (peak := memory()) > MEGABYTES:
        found.append(f"takes {peak} MB")
    return found


def is_odd(character: str) -> bool:
    """Whether a character has no place in an output: control, bidi, zero width, surrogates."""
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co")


def memory() -> int:
    """The greatest memory of this process since it was last forgotten, in MB."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    (peak,) = (int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
    return peak


def run(first: int, count: int) -> Iterator[dict[str, Any]]:
    """Runs cases, each in a folder of its own; yields those that fail."""

    def stop(*_: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    for name in list(os.environ):
        if name.startswith(("CONVCALC_", "GITHUB_", "CI")) or name in ("COLUMNS", "NO_COLOR"):
            del os.environ[name]
    os.environ.update(APART | IDENTITY)
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        KINDS["old.json"] = _saved(Path(temporary))
        for number in range(first, first + count):
            folder = Path(temporary, "case")
            folder.mkdir()
            os.chdir(folder)
            one = case(number)
            for name, content in one.files.items():
                Path(name).parent.mkdir(exist_ok=True)
                Path(name).write_bytes(content)
            if number % 8 == 0:
                for words in ("init -q", "add -A", "commit -qm x --allow-empty"):
                    subprocess.run(["git", *words.split()], check=True)
            try:
                problem = faults(one)
            finally:
                os.chdir(here)
                shutil.rmtree(folder)
            if problem:
                line = shlex.join(one.arguments)
                yield {"case": number, "line": line[:300], "problem": problem}


def _saved(folder: Path) -> bytes:
    path = folder / "old.json"
    assert main(["show", "resnet18", "-f", "json", "-o", str(path)]) == 0
    return path.read_bytes()


if __name__ == "__main__":
    failed = 0
    for each in run(int(sys.argv[1]), int(sys.argv[2])):
        failed += 1
        sys.stdout.write(json.dumps(each) + "\n")
        sys.stdout.flush()
    sys.exit(failed > 0)
