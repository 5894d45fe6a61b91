"""Runs a command line as the tests of safety need it: with a hard limit of time and memory.

The limits are the kernel's: a process that takes more processor time is killed, one that waits for
ever is ended. What it used, with all processes that it started, is measured when it is gone.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from command import RUN, environment

SECONDS = 8  # of processor time, on a core that two processes share
MEGABYTES = 300  # of memory
WAITED = 60  # seconds after which a process that waits for something is ended
PER_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of the greatest memory that is told

# The greatest memory of a process counts that of the one it was forked from, which is large here.
LAUNCHER = """
import json, os, resource, signal, sys
waited, limits, *command = json.loads(sys.argv[1])
process = os.fork()
if not process:
    os.setsid()
    os.close(int(sys.argv[2]))
    for name, most in limits:
        resource.setrlimit(name, (most, most))
    os.execv(command[0], list(map(os.fsencode, command)))
signal.signal(signal.SIGALRM, lambda *_: os.killpg(process, signal.SIGKILL))
signal.alarm(waited)
_, status, used = os.wait4(process, 0)
os.write(int(sys.argv[2]), json.dumps([os.waitstatus_to_exitcode(status), used.ru_maxrss]).encode())
"""


class Outcome(NamedTuple):
    """How a confined command ended; ``code`` is negative if a signal ended it."""

    code: int
    out: bytes
    err: bytes
    megabytes: float

    @property
    def unwrapped(self) -> str:
        """All that it printed, on one line."""
        return " ".join(self.text.split())

    @property
    def text(self) -> str:
        """All that it printed."""
        return (self.out + self.err).decode("utf-8", "replace")


def confined(
    arguments: Sequence[str],
    folder: Path,
    *,
    given: bytes = b"",
    seconds: int = SECONDS,
    code: str = RUN,
    limits: Mapping[int, int] | None = None,
    **variables: str,
) -> Outcome:
    """Runs a command line in a folder; ``given`` is its stdin, ``limits`` are of ``resource``."""
    restricted = {resource.RLIMIT_CPU: seconds, **(limits or {})}
    words = [WAITED, list(restricted.items()), sys.executable, "-c", code, *arguments]
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as told,
    ):
        stdin.write(given)
        stdin.seek(0)
        subprocess.run(
            [sys.executable, "-ISc", LAUNCHER, json.dumps(words), str(told.fileno())],
            stdin=stdin,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=environment(**variables),
            pass_fds=[told.fileno()],
            check=True,
        )
        for file in (out, err, told):
            file.seek(0)
        ended, memory = json.loads(told.read())
        return Outcome(ended, out.read(), err.read(), memory * PER_UNIT / 2**20)


def require_calm(outcome: Outcome, *, codes: Sequence[int] = (0, 1, 2)) -> None:
    """What holds of every run on a stranger's files: it ends by itself, in words, and is small."""
    assert outcome.code in codes, (outcome.code, outcome.text[-2000:])
    assert "Traceback" not in outcome.text, outcome.text[-2000:]
    assert "this is a bug" not in outcome.text, outcome.text[-2000:]
    assert outcome.megabytes <= MEGABYTES, outcome.megabytes
