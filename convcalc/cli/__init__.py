"""The command line: one module per command; no arithmetic and no tables.

Exit codes: 0 clean, 1 findings (problems in a network file), 2 could not run.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence


def process() -> int:
    """The entry point of the process: runs one command with almost no garbage collection.

    A short run leaves too little garbage to be worth collecting, and the final collection, when
    the interpreter exits, would take a fifth of the time.
    """
    gc.set_threshold(100_000, 50, 50)
    code = main()
    gc.freeze()
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command (by default that of ``sys.argv``); returns the exit code."""
    try:
        from convcalc.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        return 130  # as a shell reports a process that SIGINT ended
    except Exception as error:
        return _internal_error(error)


def _internal_error(error: Exception) -> int:
    """Reports a bug or an exhausted machine in short; with CONVCALC_DEBUG, as a traceback."""
    import os

    from convcalc.cli.console import say

    if os.environ.get("CONVCALC_DEBUG", "0") not in ("", "0"):
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
        return 2
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    say(
        f"error: convcalc failed: {summary[:300]}\n"
        "  = help: this is a bug; please report it with the command, the network file, and what\n"
        "    the same command prints with CONVCALC_DEBUG=1 in the environment"
    )
    return 2
