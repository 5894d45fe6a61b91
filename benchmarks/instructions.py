"""Instructions of whole commands against the budgets in ``instructions.toml``.

    python benchmarks/instructions.py                   # exit code 1 if a budget is not kept
    python benchmarks/instructions.py --update          # writes what is measured as the budgets
    python benchmarks/instructions.py --python PYTHON   # in an environment that exists

They are counted in a new environment, with convcalc from its wheel, and what it needs in the
versions of ``.ci/requirements.txt``: another version of rich is not our change. Counting takes
valgrind.

``check`` of all of ``specs/`` would take minutes under valgrind; two files with their variants
stand for it, fewer than the check would share among processes. Commands run in empty folders, this
one in a folder with ``specs/``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import budgets
from measure.budgets import Budgets
from measure.counting import Uncountable, instructions
from measure.installed import ROOT, environment

FILE = Path(__file__).with_suffix(".toml")
YARDSTICK = "import typer, yaml, rich.console, rich.table"
CHECK = ["check", "specs/resnet.convcalc.yaml", "specs/unet.convcalc.yaml"]
COMMANDS = {
    "--version": ["--version"],
    "get totals.macs resnet50": ["get", "totals.macs", "resnet50"],
    "show resnet50": ["show", "resnet50"],
    "show resnet50, again": ["show", "resnet50"],
    "check resnet, unet": CHECK,
    "check resnet, unet, again": CHECK,
}
# What a shell asks for behind TAB: an option, and the slowest of the values.
TAB = "TAB behind "
COMMANDS |= {
    f"{TAB}show --col": ["show", "--col"],
    f"{TAB}show resnet": ["show", "resnet"],
    f"{TAB}explain resnet18 la": ["explain", "resnet18", "la"],
}
COMPLETE = (
    "import os, sys; os.environ['_CONVCALC_COMPLETE'] = 'fish'; "
    "from convcalc.cli import process; sys.exit(process())"
)
AGAIN = ", again"  # with the results that the run before kept; others start cold


def measured(python: str) -> Budgets:
    """The instructions of the commands of an environment; the longest begins first."""
    with TemporaryDirectory() as place:
        counted = dict(_counted(python, Path(place)))
    version = subprocess.check_output([python, "-V"], encoding="utf-8").split()[-1]
    return Budgets(version, counted.pop("bare"), counted.pop("yardstick"), counted)


def _counted(python: str, place: Path) -> list[tuple[str, int]]:
    """The instructions of each command, each in a folder of its own, on all cores."""
    lines: dict[str, Sequence[str]] = {
        "bare": [python, "-c", "pass"],
        "yardstick": [python, "-c", YARDSTICK],
        **{
            name: [
                python,
                *(["-c", COMPLETE] if name.startswith(TAB) else ["-m", "convcalc"]),
                *words,
            ]
            for name, words in COMMANDS.items()
        },
    }

    def count(name: str) -> tuple[str, int]:
        folder = place / str(list(lines).index(name))
        folder.mkdir()
        if "specs" in " ".join(lines[name]):
            shutil.copytree(ROOT / "specs", folder / "specs")
        return name, instructions(lines[name], folder, again=name.endswith(AGAIN))

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(count, reversed(lines)))[::-1]


def table(found: Budgets, kept: Budgets | None) -> str:
    """The table of what was measured: millions of instructions, × bare, and against the budget."""
    lines = [f"{'instructions, Python ' + found.python:<32}{'M':>10}{'× bare':>9}{'budget':>10}"]
    rows = [("python -c pass", found.bare), ("import typer, yaml, rich", found.yardstick)]
    lines += [f"{name:<32}{count / 1e6:10.1f}{count / found.bare:9.2f}" for name, count in rows]
    for each in budgets.verdicts(found, kept or found):
        line = f"{each.command:<32}{each.measured / 1e6:10.1f}{each.measured / found.bare:9.2f}"
        lines.append(line + (f"{each.change:+10.1%}" if kept and each.budget else ""))
    return "\n".join(lines)


def main() -> int:
    """Print the table and what to do; returns the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--python", help="the interpreter of an environment that exists")
    parser.add_argument("--update", action="store_true", help="write what is measured")
    given = parser.parse_args()
    try:
        with TemporaryDirectory() as place:
            # Not resolved: the link is what makes it the interpreter of the environment.
            found = measured(str(Path(given.python or environment(Path(place))).absolute()))
    except (Uncountable, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    kept = budgets.read(FILE) if FILE.exists() else None
    print(table(found, kept))
    if given.update:
        FILE.write_text(budgets.text(found), "utf-8")
        return 0
    if kept is None:
        print(f"error: {FILE.name} is missing; write it: {budgets.UPDATE}", file=sys.stderr)
        return 2
    return _judged(found, kept)


def _judged(found: Budgets, kept: Budgets) -> int:
    """Print the problems; returns the exit code."""
    problems = [each.problem for each in budgets.verdicts(found, kept) if each.problem]
    gone = [name for name in kept.commands if name not in found.commands]
    problems += [f"'{name}' has a budget, but is not measured: {budgets.UPDATE}" for name in gone]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not found.is_of(kept):
        print(
            f"note: the budgets are those of another Python, {kept.python}: here they are scaled, "
            f"and held to {budgets.ELSEWHERE:.0%} only",
            file=sys.stderr,
        )
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
