"""Files of sweeps, and the networks that they name.

Such a file may be a stranger's, so what it names is a built-in network or a network file of the
same project: no model that a program builds, no revision, and nothing outside.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from convcalc.analysis.sweeps.sweep_file import SweepFile, read_sweep
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.gate import advice, read_all
from convcalc.language.sources.project import project
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target, TargetError, unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.cli.console import Settings
    from convcalc.diagnostics.diagnostic import Diagnostic

MOST_BYTES = 2**20
NETWORKS = (".yaml", ".yml")


def read_file(file: str, settings: Settings) -> tuple[SweepFile | None, int]:
    """Return what a file of a sweep says, or None and the exit code after its problems are printed.

    Raises TargetError if it cannot be read.
    """
    try:
        content = read_all(file, MOST_BYTES)
    except OSError as error:
        raise unreadable(file, error) from None
    found, problems = read_sweep(content, file)
    text = content.decode("utf-8", "replace")
    return found, print_problems_of(file, text, problems, settings)


def print_problems_of(
    file: str, text: str, problems: Sequence[Diagnostic], settings: Settings
) -> int:
    """Prints the problems of a file of a sweep; returns the exit code."""
    from convcalc.cli.problems import print_problems

    shown = NetworkFile("", None, "", file, {}, {}, (), tuple(problems), 0, {file: text})
    return print_problems([shown], settings)


def target_in(found: SweepFile, file: str) -> Target:
    """The network that a file of a sweep names; raises TargetError, with the place."""
    word = found.target
    path, _, variant = word.partition("::")
    here = project()
    if not path.endswith(NETWORKS):
        if not path.isidentifier():
            raise TargetError(
                f"{found.target_place}: the target is '{word}'",
                "name a built-in network, or a network file: net.convcalc.yaml",
            )
        if not os.path.exists(path):  # noqa: PTH110
            return resolve(word)
        raise TargetError(f"{found.target_place}: '{word}' is a file as well", "rename the file")
    joined = os.path.normpath(os.path.join(os.path.dirname(file), path))  # noqa: PTH118, PTH120
    try:
        here.require(joined, here.real(joined), here.root_of(file))
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetError(
            f"{found.target_place}: cannot read {path}: {reason}", advice(error)
        ) from None
    return resolve(f"{joined}::{variant}" if variant else joined)
