# ruff: noqa: E501  # a row on one line is easier to read than one in pieces
"""Hostile trees: links, pipes, devices, sizes and names, and outputs that would do harm.

Each row builds a tree in a project and runs one command there. Beside the project lies a folder
with secrets: nothing may print a line of them, and nothing in it may change.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confined import confined, require_calm

SECRET = "TOP-SECRET"
NET = "convcalc: 1\nname: net\ninput: [3, 8, 8]\nlayers: [relu]\n"
STALE = f"{NET}expect:\n  net: {{macs: 1}}\n"
BLOCKS = f"convcalc: 1\nblocks:\n  A: [{SECRET}, relu]\n"
BUDGETS = f"convcalc: 1\n{SECRET}: 7\nbudgets: []\n"
SPARSE = 10 * 2**30
WORD = "net.convcalc.yaml"

Build = Callable[[Path], object]


def put(name: str, text: str = NET) -> Build:
    def build(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    return build


def link(name: str, target: str) -> Build:
    def build(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)

    return build


def fifo(name: str) -> Build:
    return lambda folder: os.mkfifo(folder / name)


def sparse(name: str, size: int = SPARSE) -> Build:
    def build(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(size)

    return build


def listening(name: str) -> Build:
    def build(folder: Path) -> None:
        here = Path.cwd()
        os.chdir(folder)  # the name of a socket is short
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(name)
        finally:
            os.chdir(here)

    return build


def folders(count: int, name: str = "d") -> Build:
    def build(folder: Path) -> None:
        here = Path.cwd()
        os.chdir(folder)
        try:
            for _ in range(count):
                Path(name).mkdir()
                os.chdir(name)
            Path(WORD).write_text(NET, "utf-8")
        finally:
            os.chdir(here)

    return build


def many(count: int, text: Callable[[int], str], name: str = "n{}.convcalc.yaml") -> Build:
    def build(folder: Path) -> None:
        for number in range(count):
            (folder / name.format(number)).write_text(text(number), "utf-8")

    return build


def imports(path: str) -> str:
    return NET.replace("layers:", f"imports: {{b: {json.dumps(path)}}}\nlayers:")


def compared(base: str) -> str:
    return (
        f"{NET}budgets:\n  compare: {{base: {json.dumps(base)}}}\n  params: {{max_increase: 0}}\n"
    )


class Row:
    """A hostile tree, the command that meets it, its exit code, and what it says."""

    def __init__(self, name: str, *build: Build, run: str, code: int, says: str = "") -> None:
        self.name = name
        self.build = build
        self.run = run
        self.code = code
        self.says = says


def check(name: str, *build: Build, code: int = 2, says: str = "leads out of the project") -> Row:
    return Row(name, *build, run="check .", code=code, says=says)


LEADS_OUT = "leads out of the project"
NOT_PLAIN = "it is not a regular file"
OUT = [
    check("a link", link(WORD, "../outside/net.txt")),
    check("an absolute link", lambda p: link(WORD, f"{p.parent}/outside/net.txt")(p)),
    check("a link to a link", link("a", "../outside/net.txt"), link(WORD, "a")),
    check("a link to nothing outside", link(WORD, "../outside/nothing")),
    check("a link to a device", link(WORD, "/dev/zero")),
    check("a link to the memory of the process", link(WORD, "/proc/self/environ")),
    check("linked budgets", put(WORD), link("convcalc.budgets.yaml", "../outside/budgets.yaml")),
    check("linked settings", put(WORD), link("convcalc.toml", "../outside/settings.toml")),
    check("linked shared settings", put(WORD), link("pyproject.toml", "../outside/settings.toml")),
    check("linked patterns", put(WORD), link(".gitignore", "../outside/net.txt")),
    check(
        "budgets by an absolute path",
        put(WORD),
        lambda p: put("convcalc.toml", f'budgets = "{p.parent}/outside/budgets.yaml"\n')(p),
        says="it lies outside the project's folder",
    ),
    check(
        "budgets by dots",
        put(WORD),
        put("convcalc.toml", 'budgets = "../outside/budgets.yaml"\n'),
        says="it lies outside the project's folder",
    ),
    check(
        "budgets behind a linked folder",
        put(WORD),
        link("b", "../outside"),
        put("convcalc.toml", 'budgets = "b/budgets.yaml"\n'),
    ),
    Row(
        "a linked folder by name",
        link("models", "../outside"),
        run=f"check models/{WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "a linked folder", link("models", "../outside"), run="check models", code=2, says=LEADS_OUT
    ),
    Row(
        "a linked folder by a pattern",
        link("models", "../outside"),
        run="check 'models/*.yaml'",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "a linked folder with a project of its own",
        link("models", "../outside/project"),
        run=f"check models/{WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "get of a link",
        link(WORD, "../outside/net.txt"),
        run=f"get network {WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "show of a link",
        link(WORD, "../outside/net.txt"),
        run=f"show {WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    Row("rf of a link", link(WORD, "../outside/net.txt"), run=f"rf {WORD}", code=2, says=LEADS_OUT),
    Row(
        "explain of a link",
        link(WORD, "../outside/net.txt"),
        run=f"explain {WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "diff of a link",
        put("a.convcalc.yaml"),
        link(WORD, "../outside/net.txt"),
        run=f"diff a.convcalc.yaml {WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "diff of a saved report",
        put(WORD),
        link("old.json", "../outside/report.json"),
        run=f"diff old.json {WORD}",
        code=2,
        says=LEADS_OUT,
    ),
    check(
        "compare with a link",
        put(WORD, compared("x.json")),
        link("x.json", "../outside/report.json"),
        code=1,
    ),
    check(
        "compare with an absolute path",
        lambda p: put(WORD, compared(f"{p.parent}/outside/report.json"))(p),
        code=1,
        says="outside the project",
    ),
    check(
        "compare with dots",
        put(WORD, compared("../outside/report.json")),
        code=1,
        says="outside the project",
    ),
    check(
        "import of a link",
        put(WORD, imports("b.yaml")),
        link("b.yaml", "../outside/blocks.yaml"),
        code=1,
    ),
    check(
        "import behind a link", put(WORD, imports("b/blocks.yaml")), link("b", "../outside"), code=1
    ),
    check(
        "import by dots",
        put(WORD, imports("../outside/blocks.yaml")),
        code=1,
        says="lies outside the project's folder",
    ),
    check(
        "import by an absolute path",
        lambda p: put(WORD, imports(f"{p.parent}/outside/blocks.yaml"))(p),
        code=1,
        says="lies outside the project's folder",
    ),
    check(
        "import past the shipped blocks",
        put(WORD, imports("blocks/../../../../../../../../../../etc/passwd")),
        code=1,
        says="lies outside the project's folder",
    ),
    Row(
        "pin through a link",
        link(WORD, "../outside/stale.txt"),
        run="pin .",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "add-ignore through a link",
        link(WORD, "../outside/net.txt"),
        run="check --add-ignore .",
        code=2,
        says=LEADS_OUT,
    ),
    Row(
        "another project's file by a folder that is not the root",
        put("models/a.convcalc.yaml"),
        put(WORD),
        run=f"check --root models {WORD}",
        code=2,
        says="it lies outside the project's folder",
    ),
]

ODD = [
    check("a pipe", fifo(WORD), says=NOT_PLAIN),
    check("a socket", listening(WORD), says=NOT_PLAIN),
    check("a pipe of budgets", put(WORD), fifo("convcalc.budgets.yaml"), code=0, says=""),
    Row("a pipe of budgets by name", put(WORD), fifo("b"), run=f"check --budgets b {WORD}", code=2),
    check("a pipe of settings", put(WORD), fifo("convcalc.toml"), code=0, says=""),
    check("a pipe of patterns", put(WORD), fifo(".gitignore"), says=NOT_PLAIN),
    check("import of a pipe", put(WORD, imports("b")), fifo("b"), code=1, says=NOT_PLAIN),
    check("compare with a pipe", put(WORD, compared("x.json")), fifo("x.json"), code=1, says=NOT_PLAIN),
    Row("get of a pipe", fifo(WORD), run=f"get network {WORD}", code=2),
    Row("show of a pipe", fifo(WORD), run=f"show {WORD}", code=2),
    Row("pin of a pipe", fifo(WORD), run="pin .", code=2, says=NOT_PLAIN),
    Row("diff of a pipe", put("a.yaml"), fifo("b.json"), run="diff b.json a.yaml", code=2, says=NOT_PLAIN),
    Row("a device", link(WORD, "/dev/zero"), run="check --allow-outside .", code=2, says=NOT_PLAIN),
    Row("get of a device", link(WORD, "/dev/zero"), run=f"get network {WORD} --allow-outside", code=2),
    Row("pin of a device", link(WORD, "/dev/zero"), run="pin --allow-outside", code=2, says=NOT_PLAIN),
    Row("diff of a device", put(WORD), run=f"diff /dev/zero {WORD}", code=2),
    Row("a terminal", put(WORD), run="get name /dev/tty", code=2),
    check("10 GB of network", sparse(WORD), code=1, says="CC013"),
    check("10 GB of budgets", put(WORD), sparse("convcalc.budgets.yaml"), code=1, says="CC013"),
    check("10 GB of settings", put(WORD), sparse("convcalc.toml"), says="it is too large: more than 262,144 bytes"),
    check("10 GB of shared settings", put(WORD), sparse("pyproject.toml"), says="it is too large"),
    check("10 GB of patterns", put(WORD), sparse(".gitignore"), says="it is too large"),
    check("10 GB of import", put(WORD, imports("b")), sparse("b"), code=1, says="CC013"),
    check("10 GB of report", put(WORD, compared("x.json")), sparse("x.json"), code=1, says="more than 20 MiB"),
    Row("diff of 10 GB", put(WORD), sparse("x.json"), run=f"diff x.json {WORD}", code=2, says="more than 20 MiB"),
    Row("get of 10 GB", sparse(WORD), run=f"get network {WORD}", code=1, says="CC013"),
    Row("pin of 10 GB", sparse(WORD), run="pin", code=1, says="CC013"),
    Row(
        "the largest report of lists",
        put(WORD),
        put("x.json", "[" + "[]," * (20 * 2**20 // 3 - 2) + "0]"),
        run=f"diff x.json {WORD}",
        code=2,
    ),
    check("a folder for a network", lambda p: (p / WORD).mkdir(), says="no network file"),
    Row("a folder by name", lambda p: (p / WORD).mkdir(), run=f"show {WORD}", code=2, says="is a folder"),
    check("a folder for settings", put(WORD), lambda p: (p / "convcalc.toml").mkdir(), code=0, says=""),
    check("a folder for patterns", put(WORD), lambda p: (p / ".gitignore").mkdir(), code=0, says=""),
    check("a folder for a report", put(WORD, compared("x.json")), lambda p: (p / "x.json").mkdir(), code=1, says="it is a folder"),
    check("a folder to import", put(WORD, imports("b")), lambda p: (p / "b").mkdir(), code=1, says="it is a folder"),
    check("a link to itself", link(WORD, WORD), says="too many levels of symbolic links"),
    check("a link to nothing", link(WORD, "nothing"), says="no such file"),
    check("600 nested folders", folders(600), code=0, says="1 model"),
    check("long nested folders", folders(40, "d" * 200), says="file name too long"),
    check("a name of 255 bytes", put("n" * 241 + ".convcalc.yaml"), code=0, says="1 model"),
    check("a name that is not UTF-8", put(os.fsdecode(b"\xff\xfe.convcalc.yaml")), code=0, says="1 model"),
    check("a name with a line break", put("a\nb.convcalc.yaml"), code=0, says="1 model"),
    check("a name with an escape code", put("a\x1b[31m.convcalc.yaml"), code=0, says="1 model"),
    check("a name that is an option", put("-o.convcalc.yaml"), code=0, says="1 model"),
    check("a name like a variant", put("a::b.convcalc.yaml"), code=0, says="1 model"),
    check("a name like a pattern", put("[a]*.convcalc.yaml"), code=0, says="1 model"),
    check("a folder that is not UTF-8", put(os.fsdecode(b"\xff/n.convcalc.yaml")), code=0, says="1 model"),
    Row("a path too long", run=f"show {'d' * 5000}.yaml", code=2),
    Row("a path too deep", run=f"show {'d/' * 3000}{WORD}", code=2),
    check("import of a path too long", put(WORD, imports("d" * 5000)), code=1, says="CC015"),
    check("import of a NUL", put(WORD, imports("a\0b")), code=1, says="CC0"),
    check("import of half a character", put(WORD, imports("a\ud800b")), code=1, says="CC0"),
    check("budgets of a NUL", put(WORD), put("convcalc.toml", 'budgets = "a\\u0000b"\n'), says="no file can have this name"),
    check("budgets of a path too long", put(WORD), put("convcalc.toml", f'budgets = "{"d" * 5000}"\n'), says="file name too long"),
    check("compare with a NUL", put(WORD, compared("a\0.json")), code=1, says="CC001"),
    check("compare with a path too long", put(WORD, compared("d" * 5000 + ".json")), code=1, says="file name too long"),
    check("compare with the network itself", put(WORD, compared("net.json")), link("net.json", WORD), code=1, says="net.json"),
    check(
        "imports through links to the folder itself",
        link("x", "."),
        link("y", "."),
        many(2, lambda n: f"convcalc: 1\nimports: {{x: x/n{1 - n}.convcalc.yaml, y: y/n{1 - n}.convcalc.yaml}}\nblocks: {{A: [relu]}}\n"),
        code=1,
        says="CC007",
    ),
    check(
        "a tower of imports through links",
        link("x", "."),
        link("y", "."),
        many(31, lambda n: f"convcalc: 1\nimports: {{x: x/n{n + 1}.convcalc.yaml, y: y/n{n + 1}.convcalc.yaml}}\nblocks: {{A: [relu]}}\n"),
        put("n31.convcalc.yaml", "convcalc: 1\nblocks: {A: [relu]}\n"),
        code=0,
        says="",
    ),
    Row("a pattern through links to the folder itself", link("x", "."), link("y", "."), put(WORD), run="check '**/*.yaml'", code=0, says="in 1 model"),
    Row("a pattern with many stars", folders(60), run=f"check '{'**/*/' * 20}**/*.yaml'", code=0, says="in 1 model"),
    Row("a pattern through a link to everything", link("x", "/"), put(WORD), run="check '**/*.yaml'", code=0, says="in 1 model"),
    Row("a pattern of pin through links", link("x", "."), link("y", "."), put(WORD), run="pin --check '**/*.yaml'", code=1),
    Row("two slashes", put(WORD), run="check //etc/hostname", code=1, says="//etc/hostname"),
    check(
        "201 imports",
        many(201, lambda _: "convcalc: 1\nblocks: {A: [relu]}\n", "b{}.yaml"),
        put(WORD, NET.replace("layers:", "imports:\n" + "".join(f"  i{n}: b{n}.yaml\n" for n in range(201)) + "layers:")),
        code=1,
        says="more than 200 files are imported",
    ),
    check(
        "2,000 imports of one file",
        put("b.yaml", "convcalc: 1\nblocks: {A: [relu]}\n"),
        put(WORD, NET.replace("layers:", "imports:\n" + "".join(f"  i{n}: ./././b.yaml\n" for n in range(2000)) + "layers:")),
        code=0,
        says="1 model",
    ),
]  # fmt: skip

INPUT = "it is an input of this command"
OUTPUT = [
    Row("the input", put(WORD), run=f"show {WORD} -o {WORD}", code=2, says=INPUT),
    Row("the input by another path", put(WORD), run=f"show {WORD} -o ./{WORD}", code=2, says=INPUT),
    Row("a link to the input", put(WORD), link("l", WORD), run=f"show {WORD} -o l", code=2, says=INPUT),
    Row("another name of the input", put(WORD), lambda p: os.link(p / WORD, p / "l"), run=f"show {WORD} -o l", code=2, says=INPUT),
    Row("an import", put(WORD, imports("b.yaml")), put("b.yaml", "convcalc: 1\nblocks: {A: [relu]}\n"), run=f"get network {WORD} -o b.yaml", code=2, says=INPUT),
    Row("get onto the input", put(WORD), run=f"get network {WORD} -o {WORD}", code=2, says=INPUT),
    Row("diff onto the old", put(WORD), put("o.yaml"), run=f"diff o.yaml {WORD} -o o.yaml", code=2, says=INPUT),
    Row("a picture onto the input", put(WORD), run=f"rf {WORD} --svg {WORD}", code=2, says=INPUT),
    Row("check onto the network", put(WORD), run=f"check . -o {WORD}", code=2, says=INPUT),
    Row("check onto one of many", many(24, lambda _: NET), run="check . -o n3.convcalc.yaml", code=2, says=INPUT),
    Row("check onto the budgets", put(WORD), put("convcalc.budgets.yaml", "convcalc: 1\nbudgets: []\n"), run="check . -o convcalc.budgets.yaml", code=2, says=INPUT),
    Row("check onto the settings", put(WORD), put("convcalc.toml", ""), run="check . -o convcalc.toml", code=2, says=INPUT),
    Row("check onto the patterns", put(WORD), put(".gitignore", "x"), lambda p: (p / ".git").mkdir(), run="check . -o .gitignore", code=2, says=INPUT),
    Row("the summary onto the network", put(WORD), run=f"check . --summary-file {WORD}", code=2, says=INPUT),
    Row("a link out", put(WORD), link("o.json", "../outside/net.txt"), run=f"show {WORD} -f json -o o.json", code=2, says=LEADS_OUT),
    Row("a link out to nothing", put(WORD), link("o.json", "../outside/new"), run=f"show {WORD} -o o.json", code=2, says=LEADS_OUT),
    Row("a linked folder", put(WORD), link("o", "../outside"), run=f"show {WORD} -o o/new", code=2, says=LEADS_OUT),
    Row("a linked folder and dots", put(WORD), link("o", "../outside/project"), run=f"show {WORD} -o o/../net.txt", code=2, says=LEADS_OUT),
    Row("the summary through a link", put(WORD), link("s", "../outside/net.txt"), run="check . --summary-file s", code=2, says=LEADS_OUT),
    Row("a new network through a link", link("x.convcalc.yaml", "../outside/new"), run="new x", code=2, says=LEADS_OUT),
    Row("a new network over a link", link("x.convcalc.yaml", "../outside/net.txt"), run="new x --force", code=2, says=LEADS_OUT),
    Row("a new schema through a link", link("convcalc.schema.json", "../outside/new"), run="new x", code=2, says=LEADS_OUT),
    Row("a schema through a link", link("s.json", "../outside/new"), run="schema network -o s.json", code=2, says=LEADS_OUT),
    Row("a picture through a link", put(WORD), link("s.svg", "../outside/new"), run=f"rf {WORD} --svg s.svg", code=2, says=LEADS_OUT),
    Row("a patch through a link", put(WORD, STALE), link("p", "../outside/new"), run="pin --diff -o p", code=2, says=LEADS_OUT),
    Row("one of several names", put(WORD), put("a", "a"), lambda p: os.link(p / "a", p / "b"), run=f"show {WORD} -o a", code=2, says="it has several names"),
    Row("pin of several names", put(WORD, STALE), lambda p: os.link(p / WORD, p / "b"), run="pin", code=2, says="it has several names"),
    Row("a pipe that nobody reads", put(WORD), fifo("o"), run=f"show {WORD} -o o", code=2, says="nobody reads from it"),
    Row("a full device", put(WORD), run=f"show {WORD} -o /dev/full", code=2, says="cannot write /dev/full: no space left"),
    Row("a summary on a full device", put(WORD), run="check . --summary-file /dev/full", code=2, says="no space left"),
    Row("a folder", put(WORD), run=f"show {WORD} -o .", code=2, says="it is a folder"),
    Row("a folder that is not there", put(WORD), run=f"show {WORD} -o a/b", code=2, says="no such file"),
    Row("below a file", put(WORD), run=f"show {WORD} -o {WORD}/b", code=2, says="not a directory"),
    Row("a name too long", put(WORD), run=f"show {WORD} -o {'o' * 300}", code=2, says="file name too long"),
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project beside a folder with secrets, in which nothing changes."""
    outside = tmp_path / "outside"
    (outside / "project" / ".git").mkdir(parents=True)
    for name, text in {
        "net.txt": f"{NET}{SECRET}: 7\n",
        "stale.txt": STALE,
        "budgets.yaml": BUDGETS,
        "blocks.yaml": BLOCKS,
        "settings.toml": f"{SECRET} = 7\n",
        "report.json": f'{{"{SECRET}": 7}}',
        WORD: f"{NET}{SECRET}: 7\n",
        f"project/{WORD}": f"{NET}{SECRET}: 7\n",
    }.items():
        (outside / name).write_text(text, "utf-8")
    before = contents(outside)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    yield folder
    assert contents(outside) == before
    shutil.rmtree(folder, ignore_errors=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", [*OUT, *ODD], ids=lambda row: row.name)
def test_a_hostile_tree_is_met_calmly(row: Row, project: Path) -> None:
    if "shared settings" in row.name:
        (project / "pyproject.toml").unlink()
    for build in row.build:
        build(project)
    outcome = confined(shlex.split(row.run), project)
    require_calm(outcome, codes=(row.code,))
    assert row.says in outcome.text or row.says in outcome.unwrapped, outcome.text
    assert SECRET not in outcome.text


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", OUTPUT, ids=lambda row: row.name)
def test_an_output_harms_nothing(row: Row, project: Path) -> None:
    for build in row.build:
        build(project)
    before = contents(project)
    outcome = confined(shlex.split(row.run), project)
    require_calm(outcome, codes=(row.code,))
    assert row.says in outcome.text or row.says in outcome.unwrapped, outcome.text
    assert SECRET not in outcome.text
    after = contents(project)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.endswith(".tmp")]
