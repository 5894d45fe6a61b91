"""The pages of the book as programs: files are written and commands run, in the order of the page.

A block whose first line is a comment with the name of a file (``# net.convcalc.yaml``) is that
file. A block of the language ``console`` shows commands behind ``$`` and what they print; one of
``bash`` shows commands that work. ``CONVCALC_UPDATE_GOLDEN=1 pytest tests/book`` writes into the
pages what is printed now.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from command import Command, environment
from kept import UPDATE
from places import ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"# (\S+\.(?:ya?ml|toml|json|py|cfg|csv))\n")


class Shown(NamedTuple):
    """A command of a page, and what the page says that it prints."""

    line: str
    output: str


def blocks(text: str) -> list[tuple[str, str]]:
    """The blocks of a page: language and content."""
    return BLOCK.findall(text)


def commands(content: str) -> list[Shown]:
    """The commands of a block of the language ``console``."""
    parts = re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]
    return [Shown(*part.partition("\n")[::2]) for part in parts]


def run(line: str, folder: Path, convcalc: Command) -> str:
    """What a command prints; convcalc runs in this process, git and python in their own."""
    program, _, rest = line.partition(" ")
    if program == "convcalc":
        ran = convcalc(rest)
        return ran.out + ran.err
    words = shlex.split(line)
    assert words[0] in ("git", "python", "cp", "tail"), line
    words[0] = sys.executable if words[0] == "python" else words[0]
    more = environment(**dict.fromkeys(WHO, "me@example.org"), **WHEN)
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True, env=more)
    return done.stdout + done.stderr


WHO = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
WHEN = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}


def follow(page: Path, folder: Path, convcalc: Command) -> list[tuple[Shown, str]]:
    """Does what a page says; returns each command with what it printed."""
    text = page.read_text("utf-8")
    done: list[tuple[Shown, str]] = []
    for language, content in blocks(text):
        named = NAME.match(content)
        if named:
            (folder / named[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / named[1]).write_text(content, "utf-8")
        elif language == "console":
            done += [(each, run(each.line, folder, convcalc)) for each in commands(content)]
    if UPDATE:
        update(page, text, done)
    return done


def update(page: Path, text: str, done: list[tuple[Shown, str]]) -> None:
    """Writes into a page what its commands print now."""
    printed = iter(done)

    def block(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        lines = [f"$ {s.line}\n{next(printed)[1].strip()}".strip() for s in commands(match[2])]
        return "```console\n" + "\n".join(lines) + "\n```"

    page.write_text(BLOCK.sub(block, text), "utf-8")
