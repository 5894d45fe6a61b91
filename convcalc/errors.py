"""The errors of convcalc: one root, and all that hang below it.

    Error                    one sentence, what would be right, and problems with their places
    ├── NetworkError         a network could not be read or analysed: every problem of it
    ├── TargetError          what was asked for cannot be read, or is wrongly asked for
    │   └── MissingFile      the revision is there, but it has no such file
    ├── UnknownName          no operator, convention, rule … is called so; a KeyError too
    ├── PathError            a path leads to no layer, block, input or number
    ├── TooLarge             a network does not end within its limit; of a file, a problem
    ├── StudyError           what was asked for has no receptive field
    │   └── Placeless        no position has a place: all of them see the same
    ├── Unseen               what is read cannot be known
    ├── TooWide              what is seen takes more room than it is given
    ├── WrongTolerance       an expression is no tolerance
    ├── ExpressionError      an expression has no value; in a file it becomes a problem of that
    ├── Refused              a number cannot be pinned
    ├── BudgetError          the bounds of an assertion make no sense; a ValueError too
    └── Failure              a command cannot run

Whoever calls convcalc meets no others. These steer the flow, are caught where they are meant to
be, and tell nobody anything, so that one that escapes is a bug and shown as one:

    Exception
    ├── Rejected             language, model: a part is wrong; its problems are collected
    ├── WrongValue           model: a field cannot take a value; becomes a problem
    ├── _StopError           language: reading the YAML cannot go on; the problem is noted
    ├── Wrong                analysis: a value of a saved report is wrong; becomes a TargetError
    ├── Missing              checking: the base of a comparison has no such network
    └── OSError
        └── Changed          language: a file was changed meanwhile; handled as a failed write

A wrong call in Python, such as a network where a path is meant, is a TypeError or a ValueError.
"""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Why there is no result: ``message`` is one sentence, ``help`` what would be right.

    ``diagnostics`` are the problems of a file behind it, each a
    :class:`convcalc.Diagnostic` with its place; mostly there are none.
    """

    diagnostics: tuple[Any, ...] = ()

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002  # as in a Diagnostic
        # What was given stays in ``args``, so that every error can be pickled: a pool of
        # processes hands them on.
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return self.message
