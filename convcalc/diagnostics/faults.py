"""Explains exceptions that nobody expected: most are not bugs but limits of the machine."""

from __future__ import annotations

import os


def fault(error: Exception) -> tuple[str, str] | None:
    """Return a sentence and an advice; None if the error can only be a bug."""
    if isinstance(error, MemoryError):
        return (
            "the memory of this machine is not enough for the network and what is asked",
            "give the process more memory, or ask for less: a smaller input or network",
        )
    if isinstance(error, RecursionError):
        return "something is nested too deeply", "call fewer blocks and functions within each other"
    if isinstance(error, OverflowError) or _has_too_many_digits(error):
        return "a number is too large to compute with", "use smaller sizes, or fewer repetitions"
    if isinstance(error, OSError):
        return _refusal(error), ""
    return None


def _has_too_many_digits(error: Exception) -> bool:
    """Whether Python refused to write or read a number of thousands of digits."""
    return isinstance(error, ValueError) and "integer string conversion" in str(error)


def _refusal(error: OSError) -> str:
    """Return what the system did not do, and with which file."""
    try:
        os.getcwd()  # noqa: PTH109 - start-up
    except OSError:
        return "the current folder cannot be found any more"
    file = error.filename
    name = "" if file is None else f": {os.fsdecode(file) if isinstance(file, bytes) else file}"
    return f"{(error.strerror or str(error)).lower()}{name}"
