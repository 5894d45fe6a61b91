"""Instructions of a command, counted by valgrind: the same number at each run on any machine load.

The environment is fixed, since its size alone moves the number, and so does the order of sets.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
}
# Cachegrind without its caches counts as callgrind does, in half of the time.
VALGRIND = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


class Uncountable(Exception):
    """Valgrind is missing, or the command failed."""


def kept(folder: Path) -> Path:
    """Where a command that runs in a folder keeps results: beside it, not within the project."""
    return folder.with_name(f"{folder.name}.kept")


def instructions(command: Sequence[str], folder: Path, *, again: bool = False) -> int:
    """The instructions that a command executes in a folder, in its first process.

    It runs once before, so that its modules are compiled; results that convcalc kept are removed,
    so that it starts cold, unless it is to find them ``again``. Raises Uncountable.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Uncountable("valgrind is missing; on Debian: apt-get install valgrind")
    _run(command, folder)
    if not again:
        shutil.rmtree(kept(folder), ignore_errors=True)
    counted = re.search(r"I +refs: +([\d,]+)", _run([valgrind, *VALGRIND, *command], folder))
    if counted is None:
        raise Uncountable("valgrind printed no number of instructions")
    return int(counted[1].replace(",", ""))


def _run(command: Sequence[str], folder: Path) -> str:
    """What a command says on stderr; raises Uncountable if it fails."""
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**ENVIRONMENT, "CONVCALC_CACHE_DIR": str(kept(folder))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    if ran.returncode:
        last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["no message"]
        raise Uncountable(f"{' '.join(command)}: exit code {ran.returncode}: {last[0]}")
    return ran.stderr
