"""Two thousand command lines on broken files: see :mod:`fuzz` for what must hold of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import environment
from places import TESTS

SHARE = 100


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(0, 2000, SHARE))
def test_every_command_line_ends_well(first: int, tmp_path: Path) -> None:
    """In a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, TESTS / "fuzz.py", str(first), str(SHARE)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        env=environment(),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
