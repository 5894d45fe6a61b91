"""The command line: one module per command; no arithmetic and no tables.

Exit codes: 0 clean, 1 findings (problems in a network file), 2 could not run.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

COULD_NOT_RUN, INTERRUPTED = 2, 130  # as a shell reports a process that SIGINT ended


def process() -> int:
    """The entry point of the process: runs one command with almost no garbage collection.

    A short run leaves too little garbage to be worth collecting, and the final collection, when
    the interpreter exits, would take a fifth of the time.
    """
    try:
        gc.set_threshold(100_000, 50, 50)
        if None in (sys.stdin, sys.stdout, sys.stderr):
            _occupy_streams()
        code = main()
        gc.freeze()
        _ignore_interrupts()
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _occupy_streams() -> None:
    """Opens nothing in place of streams that are closed.

    Else the next file that is opened would become standard output, or the errors of git.
    """
    import os

    while os.open(os.devnull, os.O_RDWR) < 2:
        pass


def _ignore_interrupts() -> None:
    """Lets the interpreter end in peace, since the command is done."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command (by default that of ``sys.argv``); returns the exit code."""
    try:
        from convcalc.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> int:
    """Says what the machine could not do, or that there is a bug; returns the exit code.

    With CONVCALC_DEBUG the traceback is shown.
    """
    import os

    from convcalc.cli.console import say

    if os.environ.get("CONVCALC_DEBUG", "0") not in ("", "0"):
        import traceback

        say(*"".join(traceback.format_exception(error)).rstrip().split("\n"))
        return COULD_NOT_RUN
    say(*_fault_lines(error))
    return COULD_NOT_RUN


def _fault_lines(error: Exception) -> Sequence[str]:
    """The sentence for an error that no command expects, and what to do."""
    if isinstance(error, MemoryError):
        return (
            "error: the memory of this machine is not enough for the network and what is asked",
            "  = help: give the process more memory, or ask for less: a smaller input or network",
        )
    if isinstance(error, RecursionError):
        return (
            "error: something in the network is nested too deeply",
            "  = help: call fewer blocks within each other",
        )
    if isinstance(error, OverflowError) or _has_too_many_digits(error):
        return (
            "error: a number is too large to compute with",
            "  = help: ask for less: smaller sizes, fewer repetitions",
        )
    if isinstance(error, OSError):
        return (f"error: the system refused: {_refusal(error)}",)
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"error: convcalc failed: {summary[:300]}",
        "  = help: this is a bug; please report it with the command, the network file, and what",
        "    the same command prints with CONVCALC_DEBUG=1 in the environment",
    )


def _has_too_many_digits(error: Exception) -> bool:
    """Whether Python refused to write or read a number of thousands of digits."""
    return isinstance(error, ValueError) and "integer string conversion" in str(error)


def _refusal(error: OSError) -> str:
    """What the system did not do, and with which file."""
    import os

    from convcalc.cli.console import reason

    try:
        os.getcwd()  # noqa: PTH109 - start-up
    except OSError:
        return "the current folder cannot be found any more"
    file = error.filename
    name = "" if file is None else f" ({os.fsdecode(file) if isinstance(file, bytes) else file})"
    return f"{reason(error)}{name}"
