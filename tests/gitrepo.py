"""A real git repository for a test, apart from the developer's settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {
    f"GIT_{who}_{what}": "test@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
APART = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> str:
    """What a git command prints; it must succeed."""
    environment = {**os.environ, **IDENTITY, **APART}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, check=True, env=environment, text=True
    )
    return done.stdout.strip()


def repository(folder: Path, *commits: Mapping[str, str]) -> Path:
    """A repository on branch ``main`` with these commits of files by path."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number, files in enumerate(commits, 1):
        commit(folder, files, f"commit {number}")
    return folder


def commit(folder: Path, files: Mapping[str, str], message: str = "change") -> None:
    """Writes files and commits all that is there."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


def shallow_clone(source: Path, folder: Path) -> Path:
    """A clone of the last commit only, as CI makes one."""
    git(source, "clone", "--quiet", "--depth=1", source.as_uri(), str(folder))
    return folder
