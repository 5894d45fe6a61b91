"""Which files ``convcalc check`` looks at."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checked import GOOD, WARNS, Check, Checked, write
from command import Ran

from convcalc.checking.discovery import discover, walk
from convcalc.checking.patterns import is_within, parse_patterns, path_regex

pytestmark = pytest.mark.usefixtures("project")


# --- which files -------------------------------------------------------------------------------


def found(*words: str, **options: Any) -> list[str]:
    return [each.file for each in discover(words, **options)]


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


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
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
        assert sorted(walk(".")) == sorted(filter(None, listed)), texts


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
    assert is_within(parse_patterns(["old"]), "x/old/y.convcalc.yaml")
