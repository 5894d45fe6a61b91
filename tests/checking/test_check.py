"""``convcalc check``: which files, by which settings, what is silenced, and exit codes."""

from __future__ import annotations

import io
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import Command, Ran
from places import ROOT

from convcalc.checking.baseline import commented
from convcalc.checking.configuration import Configuration, configuration
from convcalc.checking.discovery import discovered, walked
from convcalc.checking.patterns import is_within, path_regex, patterns
from convcalc.checking.processes import in_order, jobs_for
from convcalc.checking.suppression import comments
from convcalc.cli import main
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.sources.plain_files import content
from convcalc.language.sources.target import TargetError

GOOD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\nlayers: [relu]\n"
WARNS = GOOD.replace("[relu]", "\n- conv: {out: 8, k: 3}\n- batch_norm")
FAILS = GOOD.replace("[relu]", "[rleu]")


class Checked(Ran):
    """What the command did, with a line per finding."""

    @property
    def places(self) -> list[str]:
        """``file:line code`` of each finding."""
        found = re.findall(r"^(\S+?):(\d+):\d+: \w+\[(CC\d+)\]", self.out, re.MULTILINE)
        return [f"{Path(file).name}:{line} {code}" for file, line, code in found]


Check = Callable[..., Checked]


@pytest.fixture(autouse=True)
def _project(folder: Path) -> None:
    (folder / ".git").mkdir()


@pytest.fixture
def check(convcalc: Command) -> Check:
    """Runs ``convcalc check`` in this process, with one line per finding."""
    return lambda *words: Checked(*convcalc(shlex.join(["check", "-f", "concise", *words])))


def write(path: str, text: str = GOOD) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


# --- exit codes --------------------------------------------------------------------------------


def test_exit_codes(check: Check) -> None:
    write("good.convcalc.yaml")
    write("warns.convcalc.yaml", WARNS)
    write("fails.convcalc.yaml", FAILS)
    assert check("good.convcalc.yaml").code == 0
    assert check("warns.convcalc.yaml").code == 0
    assert check("warns.convcalc.yaml", "--strict").code == 1
    assert check("fails.convcalc.yaml").code == 1
    assert check("fails.convcalc.yaml", "--exit-zero").code == 0
    assert check("warns.convcalc.yaml", "--strict", "--exit-zero").code == 0
    assert check("nowhere.convcalc.yaml").code == 2
    assert check("nowhere.convcalc.yaml", "--exit-zero").code == 2
    assert check("--select", "CC999").code == 2
    assert check("--nothing").code == 2


def test_one_file_does_not_stop_the_others(check: Check) -> None:
    for name in "abc":
        write(f"{name}.convcalc.yaml", FAILS)
    Path("b.convcalc.yaml").write_bytes(b"name: \xff\n")
    ran = check("a.convcalc.yaml", "gone.convcalc.yaml", "b.convcalc.yaml", "c.convcalc.yaml")
    assert ran.code == 2
    assert ran.places == [
        "a.convcalc.yaml:4 CC012",
        "gone.convcalc.yaml:1 CC000",
        "b.convcalc.yaml:1 CC001",
        "c.convcalc.yaml:4 CC012",
    ]


def test_no_file_at_all_is_an_error(check: Check) -> None:
    for words in ([], ["."], ["models"], ["*.convcalc.yaml"]):
        Path("models").mkdir(exist_ok=True)
        ran = check(*words)
        assert ran.code == 2
        assert "no network file in " in ran.err
    assert check("models", "--force-exclude").code == 0


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("nowhere"), "no such file or directory"),
        (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
        (os.mkfifo, "it is no plain file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is no plain file"),
    ],
)
def test_what_is_no_file_says_so(make: Any, reason: str, check: Check) -> None:
    make(Path("net.convcalc.yaml"))
    for words in ([], ["net.convcalc.yaml"]):
        ran = check(*words)
        assert ran.code == 2
        assert f"cannot read the file: {reason}" in ran.out


def test_a_file_without_permission_says_so(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    write("net.convcalc.yaml")

    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    ran = check()
    assert ran.code == 2
    assert "cannot read the file: permission denied" in ran.out


def test_a_file_that_changes_while_it_is_read_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write("net.convcalc.yaml")
    fstat = os.fstat

    def changing(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        with file.open("a") as more:
            more.write("# more\n")
        return found

    monkeypatch.setattr(os, "fstat", changing)
    with pytest.raises(OSError, match="changed while it was read"):
        content(str(file), 10**6)


def test_a_file_is_read_up_to_its_limit_only() -> None:
    with Path("big.convcalc.yaml").open("wb") as file:
        file.truncate(10**12)
    assert len(content("big.convcalc.yaml", 1000)) == 1001


# --- which files -------------------------------------------------------------------------------


def found(*words: str, **options: Any) -> list[str]:
    return [each.file for each in discovered(words, **options)]


def test_folders_are_searched_in_a_fixed_order() -> None:
    for path in (
        "b/x.convcalc.yaml",
        "a/z.convcalc.yml",
        "a/b.convcalc.yaml",
        "c.convcalc.yaml",
        "a/plain.yaml",
        ".hidden/x.convcalc.yaml",
        "node_modules/x.convcalc.yaml",
        "env/pyvenv.cfg",
        "env/x.convcalc.yaml",
        "convcalc.budgets.yaml",
    ):
        write(path)
    expected = ["a/b.convcalc.yaml", "a/z.convcalc.yml", "b/x.convcalc.yaml", "c.convcalc.yaml"]
    assert found(".") == expected
    assert found("a", "b", "c.convcalc.yaml", "a") == expected
    assert found("[ab]/*.convcalc.y*ml", "c*") == expected
    assert found("a/plain.yaml") == ["a/plain.yaml"]
    assert found("../" + Path.cwd().name + "/b") == [f"../{Path.cwd().name}/b/x.convcalc.yaml"]


def test_shipped_names_and_variants(check: Check) -> None:
    assert check("resnet50").code == 0
    assert "in 11 models" not in check("resnet18").out
    ran = check("resnet18", "--show-passed")
    assert "in 1 model," in ran.out
    write(
        "net.convcalc.yaml",
        GOOD.replace("layers", "params: {w: 1}\nvariants: {big: {w: 2}}\nlayers"),
    )
    assert "in 2 models" in check("net.convcalc.yaml").out
    assert "in 1 model." in check("net.convcalc.yaml::big").out
    assert "in 1 model." in check("net.convcalc.yaml", "--variant", "net").out
    assert check("net.convcalc.yaml::bgi").code == 2
    assert check("net.convcalc.yaml", "--variant", "bgi").code == 2
    write("broken.convcalc.yaml", "layers: [")
    assert check("broken.convcalc.yaml", "--variant", "big").places == [
        "broken.convcalc.yaml:1 CC001"
    ]
    assert check("broken.convcalc.yaml::big").places == ["broken.convcalc.yaml:1 CC001"]
    Path("broken.convcalc.yaml").unlink()
    write("other.convcalc.yaml")
    ran = check("--variant", "big")
    assert (ran.code, ran.out) == (0, "Found 0 errors, 0 warnings in 1 model.\n")


def test_exclude_holds_for_files_that_are_named_only_if_asked() -> None:
    write("old/a.convcalc.yaml")
    write("new/b.convcalc.yaml")
    write("convcalc.toml", "exclude = ['old/']\n")
    named = ["old/a.convcalc.yaml", "new/b.convcalc.yaml"]
    assert found(".") == ["new/b.convcalc.yaml"]
    assert found(*named) == named
    assert found(*named, force_exclude=True) == ["new/b.convcalc.yaml"]


def test_stdin(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    write("models/blocks.convcalc.yaml", "convcalc: 1\nblocks: {Act: [relu]}\n")
    write("models/convcalc.toml", "ignore = ['CC203']\n")
    text = WARNS.replace("layers", "imports: {b: blocks.convcalc.yaml}\nlayers") + "- b.Act\n"

    def stdin(*words: str) -> Ran:
        class Stream:
            buffer = io.BytesIO(text.encode())

        monkeypatch.setattr(sys, "stdin", Stream())
        result: Checked = check(*words)
        return result

    ran = stdin("-", "--stdin-filename", "models/new.convcalc.yaml")
    assert (ran.code, ran.places) == (0, [])
    assert stdin("-").places == ["-:4 CC015"]
    assert stdin("-", "models").code == 2
    assert stdin("--stdin-filename", "a.convcalc.yaml").code == 2


# --- .gitignore --------------------------------------------------------------------------------

GIT = shutil.which("git")
LINES = [
    "*.yaml",
    "a/",
    "/a",
    "a/b",
    "**/b",
    "a/**",
    "!a",
    "!*.convcalc.yaml",
    "b?",
    "[ab]*",
    "[!a]",
    "c*/",
    "*",
    "!/a/",
    "a/**/c",
    "\\!a",
    "# a",
    "  ",
    "a  ",
    "/*",
    "!c.convcalc.yaml",
    "**/a/b/",
    "b/*.convcalc.yaml",
    "x.convcalc.*",
    "[a-c]/",
    "**",
    "a\\*",
    "!b/**",
]


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_what_git_ignores_is_not_found() -> None:
    """Against git itself, on random patterns at random places."""
    shutil.rmtree(".git")
    subprocess.run(["git", "init", "-q", "."], check=True)
    folders = ["", "a/", "b/", "a/b/", "b/a/", "a/b/c/", "c1/", "c1/a/"]
    files = [f"{f}{name}.convcalc.yaml" for f in folders for name in ("x", "c", "b1")]
    for file in files:
        write(file)
    rng = random.Random(1)
    for _ in range(60):
        for old in Path().rglob(".gitignore"):
            old.unlink()
        for folder in rng.sample(folders, 2):
            write(f"{folder}.gitignore", "\n".join(rng.sample(LINES, rng.randint(1, 4))) + "\n")
        listed = (
            subprocess.run(
                [
                    "git",
                    "ls-files",
                    "-z",
                    "--others",
                    "--exclude-standard",
                    "--",
                    "*.convcalc.yaml",
                ],
                check=True,
                capture_output=True,
            )
            .stdout.decode()
            .split("\0")
        )
        texts = {str(p): p.read_text() for p in Path().rglob(".gitignore")}
        assert sorted(walked(".")) == sorted(filter(None, listed)), texts


def test_gitignore_of_folders_above_counts_and_can_be_turned_off() -> None:
    write(".gitignore", "/models/old\n*.tmp.convcalc.yaml\n")
    write("models/old/a.convcalc.yaml")
    write("models/new/b.convcalc.yaml")
    write("models/new/c.tmp.convcalc.yaml")
    assert found("models") == ["models/new/b.convcalc.yaml"]
    write("convcalc.toml", "respect-gitignore = false\n")
    assert found("models") == [
        "models/new/b.convcalc.yaml",
        "models/new/c.tmp.convcalc.yaml",
        "models/old/a.convcalc.yaml",
    ]


def test_patterns_end_soon_on_long_paths() -> None:
    # Backtracking over these would not end in anybody's lifetime.
    assert not path_regex("**/" * 50 + "*a*a*a*a*b").fullmatch("a/" * 60 + "a" * 60)
    assert is_within(patterns(["old"]), "x/old/y.convcalc.yaml")


# --- settings ----------------------------------------------------------------------------------


def test_the_closest_file_holds_alone(check: Check) -> None:
    write("a/net.convcalc.yaml", WARNS)
    write("a/b/net.convcalc.yaml", WARNS)
    write("convcalc.toml", "ignore = ['CC203']\nstrict = true\n")
    assert check("a").code == 0
    write("a/b/pyproject.toml", "[tool.convcalc]\n")
    assert check("a").places == ["net.convcalc.yaml:5 CC203"]
    write("a/b/pyproject.toml", "[tool.other]\n")  # is none of ours
    assert check("a").places == []


def test_nothing_outside_the_project_plays_a_part(check: Check) -> None:
    write("convcalc.toml", "ignore = ['CC203']\n")
    write("project/.git/HEAD", "")
    write("project/net.convcalc.yaml", WARNS)
    assert check("project").places == ["net.convcalc.yaml:5 CC203"]


def test_flags_win_over_the_environment_and_that_over_the_file(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.convcalc.yaml", WARNS)
    write("convcalc.toml", "select = ['CC1']\n")
    assert check().places == []
    monkeypatch.setenv("CONVCALC_SELECT", "CC203")
    assert check().places == ["net.convcalc.yaml:5 CC203"]
    assert check("--select", "CC1").places == []
    monkeypatch.setenv("CONVCALC_STRICT", "1")
    assert check().code == 1


@pytest.mark.parametrize(
    "text",
    [
        "selct = ['CC2']",
        "select = 'CC2'",
        "select = ['XX']",
        "strict = 1",
        "limits = 3",
        "[limits]\nlayrs = 3",
        "[limits]\nlayers = 0",
        "[limits]\nlayers = true",
        "[severity]\nCC9 = 'error'",
        "[severity]\nCC204 = 'off'",
        "[per-file-ignores]\n'a/*' = 'CC2'",
        "exclude = [1]",
        "output-format = 'xml'",
        "budgets = 3",
        "a = [",
        "variant = 3",
        "per-file-ignores = 3",
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(text: str, check: Check) -> None:
    write("net.convcalc.yaml")
    write("convcalc.toml", text + "\n")
    ran = check()
    assert ran.code == 2
    assert "convcalc.toml" in ran.err + ran.out


def test_all_settings_at_once() -> None:
    table = {
        "select": ["CC2"],
        "ignore": ["CC204"],
        "severity": {"CC203": "error"},
        "per-file-ignores": {"old/": ["CC2"]},
        "exclude": ["x/"],
        "respect-gitignore": False,
        "budgets": "b.yaml",
        "variant": "all",
        "strict": True,
        "output-format": "github",
        "limits": {"bytes": 9, "nodes": 8, "depth": 7, "problems": 6, "layers": 5},
    }
    found = configuration(table, "/p/convcalc.toml")
    assert set(table) == {name.replace("_", "-") for name in Configuration._fields[2:]}
    assert found.limits.document == (9, 8, 7, 6)
    assert found.limits.layers == 5
    with pytest.raises(TargetError):
        configuration([], "/p/convcalc.toml")


def test_severities_selection_and_per_file_ignores(check: Check) -> None:
    write("new/net.convcalc.yaml", WARNS)
    write("old/net.convcalc.yaml", WARNS)
    write("convcalc.toml", "[severity]\nCC203 = 'error'\n[per-file-ignores]\n'old/*' = ['CC2']\n")
    ran = check()
    assert (ran.code, ran.places) == (1, ["net.convcalc.yaml:5 CC203"])
    budgets = (
        "convcalc-budgets: 1\nbudgets: [{name: a, models: '*/*.yaml', assert: {layers: {max: 1}}}]"
    )
    write("convcalc.budgets.yaml", budgets)
    assert check("old").places == ["convcalc.budgets.yaml:2 CC309"]
    write("convcalc.toml", "[per-file-ignores]\n'old/*' = ['CC2', 'CC3']\n")
    assert check("old").places == []
    Path("convcalc.budgets.yaml").unlink()
    write("convcalc.toml", "[severity]\nCC203 = 'ignore'\n")
    assert check().places == []
    write("convcalc.toml", "select = ['CC203']\nignore = ['CC2']\n")
    assert len(check().places) == 2  # the longer beginning decides
    write("convcalc.toml", "select = ['CC2']\nignore = ['CC203']\n")
    assert check().places == []


def test_errors_of_a_file_cannot_be_hidden(check: Check) -> None:
    write("net.convcalc.yaml", FAILS.replace("[rleu]", "[rleu]  # convcalc: ignore[CC012]"))
    write("convcalc.toml", "ignore = ['CC0']\n[severity]\nCC012 = 'ignore'\n")
    assert check("--ignore", "CC").places == ["net.convcalc.yaml:4 CC012"]


def test_limits_are_settings(check: Check) -> None:
    write("net.convcalc.yaml", GOOD.replace("[relu]", "[{relu: {}, repeat: 50}]"))
    assert check().places == []
    for limit in ("layers = 20", "nodes = 10", "bytes = 20", "depth = 1"):
        write("convcalc.toml", f"[limits]\n{limit}\n")
        assert [place.rpartition(" ")[2] for place in check().places] == ["CC013"], limit


# --- comments ----------------------------------------------------------------------------------


def silenced(text: str) -> list[str]:
    write("net.convcalc.yaml", text)
    return [place.partition(":")[2] for place in found_by_check()]


def found_by_check() -> list[str]:
    from convcalc.checking.run import Options, Run

    (result, *_) = Run(Options()).checked(discovered(["net.convcalc.yaml"]))
    return [f"net:{found.place.line} {found.code}" for found in result.findings]


CONV = "- conv: {out: 8, k: 3}"


def test_a_comment_silences_its_line() -> None:
    assert silenced(WARNS) == ["5 CC203"]
    assert silenced(WARNS.replace(CONV, f"{CONV}  # convcalc: ignore[CC203] as published")) == []
    assert silenced(WARNS.replace(CONV, f"{CONV} # convcalc:ignore[ CC203 ]")) == []
    assert silenced(WARNS.replace(CONV, f"# convcalc: ignore[CC203]\n\n# why\n{CONV}")) == []
    assert silenced("# convcalc: ignore-file[CC203] old\n" + WARNS) == []
    other = WARNS.replace(CONV, f"{CONV}  # convcalc: ignore[CC204]")
    assert silenced(other) == ["5 CC203", "5 CC009"]
    wrong_line = WARNS.replace("- batch_norm", "- batch_norm  # convcalc: ignore[CC203]")
    assert silenced(wrong_line) == ["5 CC203", "6 CC009"]


def test_comments_that_say_nothing_are_reported() -> None:
    for word in ("ignore", "ignore[]", "ignore[ , ]"):
        assert silenced(GOOD.replace("[relu]", f"[relu]  # convcalc: {word}")) == ["4 CC009"]
    assert silenced(GOOD.replace("[relu]", "[relu]  # convcalc: ignore[CC999]")) == ["4 CC009"]
    assert silenced(GOOD.replace("[relu]", "[relu]  # convcalc: ignored, once")) == []
    assert silenced(GOOD.replace("[relu]", "[relu]  # the comment 'convcalc: ignore[CC999]'")) == []


def test_unused_comments_are_told_only_if_all_was_looked_at(check: Check) -> None:
    text = WARNS.replace("layers", "params: {b: true}\nvariants: {plain: {b: false}}\nlayers")
    text = text.replace("k: 3}", "k: 3, bias: b}  # convcalc: ignore[CC203]")
    write("net.convcalc.yaml", text)
    assert check().places == []
    assert check("--variant", "plain").places == []  # the base needs it
    assert check("--select", "CC0,CC1").places == []  # CC203 was not looked for
    write("net.convcalc.yaml", text.replace("bias: b", "bias: false"))
    assert check().places == ["net.convcalc.yaml:7 CC009"]
    assert check("--ignore", "CC009").places == []


def test_a_fault_in_the_text_of_a_shared_file_is_told_once(check: Check) -> None:
    write("blocks.convcalc.yaml", "convcalc: 1\nblocks:\n  Act: [rleu]\n")
    for name in "abc":
        text = GOOD.replace("layers: [relu]", "imports: {b: blocks.convcalc.yaml}\nlayers: [b.Act]")
        write(f"{name}.convcalc.yaml", text)
    assert check().places == ["blocks.convcalc.yaml:3 CC012"]


def test_what_a_shared_block_means_is_told_to_every_network(check: Check) -> None:
    write(
        "blocks.convcalc.yaml",
        "convcalc: 1\nblocks:\n  Cb:\n  - conv: {out: 8, k: 3}\n  - batch_norm\n",
    )
    for name in "abc":
        text = GOOD.replace("layers: [relu]", "imports: {b: blocks.convcalc.yaml}\nlayers: [b.Cb]")
        write(f"{name}.convcalc.yaml", text)
    assert check().places == ["blocks.convcalc.yaml:4 CC203"] * 3
    write(
        "a.convcalc.yaml",
        "# convcalc: ignore-file[CC203] as published\n" + Path("a.convcalc.yaml").read_text(),
    )
    assert check().places == ["blocks.convcalc.yaml:4 CC203"] * 2
    Path("a.convcalc.yaml").unlink()
    text = Path("blocks.convcalc.yaml").read_text()
    write("blocks.convcalc.yaml", text.replace("k: 3}", "k: 3}  # convcalc: ignore[CC203]"))
    assert check().places == []
    assert check("blocks.convcalc.yaml").places == []  # its users were not looked at


def test_places_of_comments() -> None:
    text = "a: 1\nb: 2  # convcalc: ignore[CC201, CC2O2]\n"
    found = comments("f", text)
    (ignore,) = found.ignores
    assert (ignore.code, ignore.line, ignore.place) == ("CC201", 2, Place("f", 2, 26, 31))
    (problem,) = found.problems
    assert problem.place == Place("f", 2, 33, 38)
    assert problem.help == "use 'CC202'"


# --- baseline ----------------------------------------------------------------------------------


def test_add_ignore_silences_what_is_there_and_nothing_else(check: Check) -> None:
    text = WARNS.replace("\n", "\r\n").replace("- batch_norm", "- batch_norm   # a norm")
    text += "- conv: {out: 8,\r\n         k: 1, s: 2}\r\n"
    text += "budgets:\r\n  params: {max: 1}\r\n"
    file = write("net.convcalc.yaml")
    file.write_bytes(text.encode())
    write("broken.convcalc.yaml", FAILS)
    ran = check("--add-ignore")
    assert ran.code == 1
    assert "left: broken.convcalc.yaml:4:10: error[CC012]" in ran.err
    assert "net.convcalc.yaml" not in ran.err
    after = file.read_bytes().decode()
    assert re.sub(r"  # convcalc: ignore\[[^]]*\]", "", after) == text
    assert after.count("ignore[") == 3
    assert check("net.convcalc.yaml", "--strict").code == 0
    assert check("net.convcalc.yaml", "--add-ignore").code == 0
    assert file.read_bytes().decode() == after


def test_add_ignore_leaves_what_ships_alone(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        "shipped/blocks/b.convcalc.yaml",
        "convcalc: 1\nblocks:\n  Cb:\n  - conv: {out: 8, k: 3}\n  - batch_norm\n",
    )
    for module in ("language.sources.plain_files", "checking.baseline"):
        monkeypatch.setattr(f"convcalc.{module}.shipped_folder", lambda: Path("shipped").resolve())
    write("a/convcalc.toml", "")
    text = GOOD.replace("layers: [relu]", "imports: {b: blocks/b.convcalc.yaml}\nlayers: [b.Cb]")
    write("a/net.convcalc.yaml", text)
    before = Path("shipped/blocks/b.convcalc.yaml").read_text()
    ran = check("a", "--add-ignore")
    assert "left: " in ran.err
    assert Path("shipped/blocks/b.convcalc.yaml").read_text() == before
    write("a/net.convcalc.yaml", f"# convcalc: ignore-file[CC203] as shipped\n{text}")
    assert check("a").places == []


def test_a_comment_never_becomes_part_of_a_text() -> None:
    text = 'a:\n- "b\n  c"\n- d: e\n'
    found = {2: [Diagnostic("gridding", "", Place("f", 2, 3))]}
    changed, count = commented(text, found)
    assert changed == 'a:\n# convcalc: ignore[CC201]\n- "b\n  c"\n- d: e\n'
    assert count == 1
    text = "a: |\n  b\n  c\n"
    inside = {2: [Diagnostic("gridding", "", Place("f", 2, 3))]}
    assert commented(text, inside) == (text, 0)


def test_a_file_that_cannot_be_written_is_an_error(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.convcalc.yaml", WARNS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convcalc.checking.baseline.replace_file", full)
    assert check("--add-ignore").code == 2
    assert Path("net.convcalc.yaml").read_text() == WARNS


# --- results stream ----------------------------------------------------------------------------


def test_results_stream_in_a_fixed_order() -> None:
    from convcalc.checking.run import Options, Run
    from convcalc.output.findings.base import View, chunks

    for name in "ab":
        write(f"{name}.convcalc.yaml", FAILS)
    begun: list[str] = []

    def slowly() -> Any:
        for result in Run(Options()).checked(discovered(["."])):
            begun.append(result.file)
            yield result

    for form in ("full", "concise"):
        begun.clear()
        first = next(iter(chunks(form, slowly(), View())))
        assert "a.convcalc.yaml" in first
        assert begun == ["a.convcalc.yaml"]


def test_several_processes_give_the_same_in_the_same_order() -> None:
    items = list(range(100))
    assert list(in_order(lambda n: (n, "x" * n * 2000), items, 4)) == [
        (n, "x" * n * 2000) for n in items
    ]
    processes = set(in_order(lambda _: os.getpid(), items, 3))
    assert len(processes) == 3
    assert os.getpid() not in processes
    first = in_order(lambda n: n, items, 2)
    assert next(first) == 0
    first.close()  # nobody waits for the rest
    assert jobs_for(3) == 1


def test_what_a_process_leaves_when_it_dies_is_done_here() -> None:
    here = os.getpid()

    def work(number: int) -> int:
        if number == 7 and os.getpid() != here:
            os._exit(1)
        return number

    assert list(in_order(work, list(range(20)), 2)) == list(range(20))


def test_many_files_give_what_each_gives_alone(check: Check) -> None:
    for n in range(30):
        write(f"{n:02}.convcalc.yaml", (GOOD, WARNS, FAILS)[n % 3])
    alone = [check(f"{n:02}.convcalc.yaml").places for n in range(30)]
    assert check().places == [place for places in alone for place in places]


def test_quiet_says_nothing_where_nothing_is_wrong(check: Check) -> None:
    write("net.convcalc.yaml")
    assert check("-q").out == ""


# --- a repository with two commits ---------------------------------------------------------------


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_growth_since_a_revision(check: Check) -> None:
    shutil.rmtree(".git")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    budgets = (
        "convcalc-budgets: 1\nbudgets:\n- name: no-surprises\n"
        "  models: ['models/**/*.convcalc.yaml']\n"
        "  compare: {base: HEAD, missing: pass}\n  assert:\n    params: {max_increase: 2%}\n"
    )
    write("convcalc.budgets.yaml", budgets)
    file = write("models/a/net.convcalc.yaml", WARNS.replace(CONV, CONV[:-1] + ", bias: false}"))
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", "one"], check=True)
    assert check().code == 0
    text = file.read_text()
    file.write_text(text.replace("out: 8", "out: 9"))
    ran = check()
    assert (ran.code, ran.places) == (1, ["convcalc.budgets.yaml:7 CC306"])
    assert "params grew from 232 in HEAD to 261 (+12.5 %), by more than 2%" in ran.out
    write("models/new/other.convcalc.yaml", GOOD)
    assert check("models/new").code == 0  # 'missing: pass'
    write("convcalc.budgets.yaml", budgets.replace("pass", "fail"))
    ran = check("models/new")
    assert "HEAD has no such network to compare with" in ran.out
    write("convcalc.budgets.yaml", budgets.replace("HEAD", "origin/main"))
    ran = check("models/a")
    assert "error[CC310] unknown-number: nothing to compare with: no revision is called" in ran.out


def test_a_file_of_budgets_can_be_named_itself(check: Check) -> None:
    write("convcalc.budgets.yaml", "convcalc-budgets: 1\nbudgts: []\n")
    ran = check("convcalc.budgets.yaml")
    assert ran.code == 1
    assert ran.places == ["convcalc.budgets.yaml:1 CC010", "convcalc.budgets.yaml:2 CC003"]


# --- the README --------------------------------------------------------------------------------


def test_the_readme_shows_what_check_prints(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    network = next(body for kind, body in blocks if body.startswith("# tiny.convcalc.yaml"))
    budgets = next(body for kind, body in blocks if body.startswith("budgets:"))
    shown = next(body for kind, body in blocks if body.startswith("error[CC301]"))
    write("tiny.convcalc.yaml", network + budgets)
    assert main(["check"]) == 1
    assert capsys.readouterr().out == shown
