"""The limits under which the tests of safety run do what they say."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from confined import Outcome, confined, require_calm


def test_what_takes_too_long_is_killed(tmp_path: Path) -> None:
    outcome = confined([], tmp_path, code="while True: pass", seconds=1)
    assert outcome.code in (-signal.SIGXCPU, -signal.SIGKILL)


def test_memory_is_that_of_the_largest_process(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'b\"x\" * 10**8'])"
    assert confined([], tmp_path, code=code).megabytes > 95


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(3, b"", b"", 1),
        Outcome(-9, b"", b"", 1),
        Outcome(1, b"", b"Traceback (most recent call last):", 1),
        Outcome(2, b"", b"= help: this is a bug; please report it", 1),
        Outcome(0, b"", b"", 301),
    ],
)
def test_each_fault_is_seen(outcome: Outcome) -> None:
    with pytest.raises(AssertionError):
        require_calm(outcome)


def test_a_command_is_calm(tmp_path: Path) -> None:
    outcome = confined(["get", "totals.params", "-"], tmp_path, given=b"layers: [relu]")
    require_calm(outcome, codes=(1,))
    assert outcome.err.startswith(b"error[CC")
