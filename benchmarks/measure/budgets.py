"""Instruction budgets: the file that keeps them, and what a measurement says against them.

The same Python, built the same way, needs the same instructions for the same work, so a budget is
held to 3 %. Another build needs others: Debian's 3.11.2 two thirds to nine tenths of those of a
plain build of 3.11.7, 3.13 a tenth more. There, what is measured is scaled by a yardstick, ``import
typer, yaml, rich`` in the versions of ``.ci/requirements.txt``, and held to 10 %: that is how far
the four Pythons that were tried are apart after it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

TOLERANCE, ELSEWHERE = 0.03, 0.10  # with the Python of the budgets, and with another
SAME = 0.005  # by which the yardstick may differ with the same Python: paths have other lengths
UPDATE = "python benchmarks/instructions.py --update"

HEAD = """\
# Instructions of whole commands, written by benchmarks/instructions.py --update. With this Python a
# command may take 3 % more or less; .ci/run holds that.
"""


class Budgets(NamedTuple):
    """The instructions of the yardstick and of commands, and the Python that took them."""

    python: str
    bare: int
    yardstick: int
    commands: Mapping[str, int]

    def is_of(self, other: Budgets) -> bool:
        """Whether both were measured with the same build of Python."""
        return self.python == other.python and abs(self.yardstick / other.yardstick - 1) <= SAME


class Verdict(NamedTuple):
    """A command, its instructions, these scaled to the Python of the budgets, and its budget."""

    command: str
    measured: int
    scaled: int
    budget: int | None
    tolerance: float = TOLERANCE

    @property
    def change(self) -> float:
        """The change against the budget as a fraction; 0 without one."""
        return round(self.scaled / self.budget - 1, 6) if self.budget else 0.0

    @property
    def problem(self) -> str:
        """What is wrong and what to do, or nothing."""
        if self.budget is None:
            return f"'{self.command}' has no budget; write it: {UPDATE}"
        if self.change > self.tolerance:
            return (
                f"'{self.command}' takes {self.change:.1%} more instructions than its budget; "
                f"most often a module is imported that it does not need (python -X importtime); "
                f"if the price is meant: {UPDATE}, and say in the commit what it buys"
            )
        if self.change < -self.tolerance:
            return (
                f"'{self.command}' takes {-self.change:.1%} fewer instructions than its budget; "
                f"keep what is won: {UPDATE}"
            )
        return ""


def verdicts(measured: Budgets, kept: Budgets) -> list[Verdict]:
    """Each command that was measured against the budgets that are kept."""
    same = measured.is_of(kept)
    scale, tolerance = (
        (1.0, TOLERANCE) if same else (kept.yardstick / measured.yardstick, ELSEWHERE)
    )
    return [
        Verdict(name, count, round(count * scale), kept.commands.get(name), tolerance)
        for name, count in measured.commands.items()
    ]


def read(path: Path) -> Budgets:
    """The budgets of a file."""
    found = tomllib.loads(path.read_text("utf-8"))
    return Budgets(found["python"], found["bare"], found["yardstick"], found["commands"])


def text(budgets: Budgets) -> str:
    """The text of the file."""
    lines = [HEAD.rstrip(), f'python = "{budgets.python}"']
    lines += [f"bare = {budgets.bare:_}", f"yardstick = {budgets.yardstick:_}", "", "[commands]"]
    lines += [f'"{command}" = {count:_}' for command, count in budgets.commands.items()]
    return "\n".join(lines) + "\n"
