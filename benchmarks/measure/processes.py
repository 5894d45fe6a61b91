"""Seconds and memory of a whole process."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from measure.counting import ENVIRONMENT, kept

LONGEST = 900  # seconds

# Starts the process, and prints its figures: a process begins with the peak memory of the one that
# starts it, so this one is smaller than all that are measured. Results go to nowhere.
STARTER = """
import os, sys, time
nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
begin = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
status, usage = os.wait4(child, 0)[1:]
print(
    time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss,
    os.waitstatus_to_exitcode(status),
)
"""


class Failed(Exception):
    """A process that did not end, or ended badly; why, in a few words."""


class Ran(NamedTuple):
    """What a process took: seconds by the clock, of all its processors, and MiB of its largest."""

    seconds: float
    cpu: float
    memory: float


def ran(
    command: Sequence[str],
    folder: Path,
    *,
    codes: Sequence[int] = (0,),
    environment: Mapping[str, str] = ENVIRONMENT,
) -> Ran:
    """Run a command in a folder; raises Failed if it takes too long or ends with another code.

    Results that convcalc keeps stand beside it (see ``forget``).
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", STARTER, *command],
        cwd=folder,
        env={**environment, "CONVCALC_CACHE_DIR": str(kept(folder))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise Failed(f"more than {LONGEST} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    seconds, cpu, kilobytes, code = map(float, out.split())
    if code not in codes:
        last = [line for line in err.splitlines() if line.strip()][-1:] or [f"exit code {code:.0f}"]
        raise Failed(last[0][:100])
    return Ran(seconds, cpu, kilobytes / 1024)


def forget(folder: Path) -> None:
    """Remove the results that convcalc kept, so that the next command starts cold."""
    shutil.rmtree(kept(folder), ignore_errors=True)


def median(runs: Sequence[Ran]) -> Ran:
    """The median of each figure."""
    return Ran(*(statistics.median(figures) for figures in zip(*runs, strict=True)))
