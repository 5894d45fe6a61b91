"""``convcalc check`` in a project of its own."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from checked import Check, Checked
from command import Command


@pytest.fixture
def project(folder: Path) -> Path:
    """An empty repository as the current folder."""
    (folder / ".git").mkdir()
    return folder


@pytest.fixture
def check(convcalc: Command) -> Check:
    """Runs ``convcalc check`` in this process, with one line per finding."""
    return lambda *words: Checked(*convcalc(shlex.join(["check", "-f", "concise", *words])))
