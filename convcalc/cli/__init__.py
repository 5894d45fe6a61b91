"""The command line: one module per command; no arithmetic and no tables.

Exit codes: 0 clean, 1 findings (problems in a network file), 2 could not run.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # not from typing, so that the command can be interrupted at once
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COULD_NOT_RUN, INTERRUPTED = 2, 130  # as a shell reports a process that SIGINT ended


def process() -> int:
    """The entry point of the process: runs one command with almost no garbage collection.

    A short run leaves too little garbage to be worth collecting, and the final collection, when
    the interpreter exits, would take a fifth of the time.
    """
    try:
        sys.unraisablehook = _end_if_interrupted
        gc.set_threshold(100_000, 50, 50)
        if None in (sys.stdin, sys.stdout, sys.stderr):
            _occupy_streams()
        code = main()
        gc.freeze()
        _ignore_interrupts()
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _end_if_interrupted(unraisable: Any) -> None:
    """Ends the process where Python would print an interrupt and go on, as in a destructor."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)
        return
    os._exit(INTERRUPTED)


def _occupy_streams() -> None:
    """Opens nothing in place of streams that are closed.

    Else the next file that is opened would become standard output, or the errors of git.
    """
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
        if "_CONVCALC_COMPLETE" in os.environ:
            from convcalc.cli.completion import requested

            if (code := requested(arguments)) is not None:
                return code
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
    from convcalc.cli.console import say
    from convcalc.diagnostics.faults import fault

    if os.environ.get("CONVCALC_DEBUG", "0") not in ("", "0"):
        import traceback

        say(*"".join(traceback.format_exception(error)).rstrip().split("\n"))
    elif known := fault(error):
        message, advice = known
        say(f"error: {message}", *([f"  = help: {advice}"] if advice else []))
    else:
        summary = " ".join(f"{type(error).__name__}: {error}".split())
        say(
            f"error: convcalc failed: {summary[:300]}",
            "  = help: this is a bug; please report it with the command, the network file, and",
            "    what the command with CONVCALC_DEBUG=1, and 'convcalc --version --verbose', print",
        )
    return COULD_NOT_RUN
