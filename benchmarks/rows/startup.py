"""Short commands against a bare ``python -c pass``, cold: nothing is kept of an earlier run."""

from __future__ import annotations

import statistics

from measure.counting import Uncountable, instructions
from measure.processes import Ran, forget, median, ran
from measure.tables import Table, mebibytes, seconds, times

from rows.setting import Setting, tell

COMMANDS = (
    "--version",
    "get totals.macs resnet50",
    "show resnet50",
    "show resnet50 -f json",
    "show densenet201 --depth all",
    "list networks",
)
LIBRARIES = "import typer, yaml, rich.console, rich.table"
HEADS = ("", "instructions", "× bare", "CPU time", "× bare", "peak memory")


def startup(setting: Setting) -> Table:
    """The table; processor time is the median of runs in turn with bare Python."""
    lines = {
        "`python -c pass`": [setting.python, "-c", "pass"],
        "`import typer, yaml, rich`": [setting.python, "-c", LIBRARIES],
        **{f"`convcalc {words}`": setting.convcalc(*words.split()) for words in COMMANDS},
    }
    counted = [_counted(line, setting) for line in lines.values()]
    rounds = [[_cold(line, setting) for line in lines.values()] for _ in range(setting.runs)]
    rows = []
    for number, name in enumerate(lines):
        runs = [each[number] for each in rounds]
        ratio = statistics.median(each[number].cpu / each[0].cpu for each in rounds)
        _, cpu, memory = median(runs)
        rows.append(
            [
                name,
                f"{counted[number] / 1e6:.1f} M" if counted[number] else "",
                times(counted[number] / counted[0]) if counted[0] else "",
                seconds(cpu),
                times(ratio),
                mebibytes(memory),
            ]
        )
    return Table("Start-up", HEADS, rows)


def _cold(line: list[str], setting: Setting) -> Ran:
    """What a command takes with nothing kept."""
    forget(setting.folder)
    return ran(line, setting.folder)


def _counted(line: list[str], setting: Setting) -> int:
    """The instructions of a command; 0 where they cannot be counted."""
    try:
        return instructions(line, setting.folder)
    except Uncountable as error:
        tell(f"note: {error}")
        return 0
