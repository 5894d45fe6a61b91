"""Commands on a network of 100,000 layers."""

from __future__ import annotations

from measure.processes import Failed, forget, ran
from measure.tables import Table, mebibytes, seconds

from rows.setting import Setting, tell

LARGE = """convcalc: 1
name: large
input: [8, 64, 64]
layers:
  - seq: [{conv: {out: 8, k: 3, p: 1}}, relu]
    repeat: 50000
"""
COMMANDS = (
    "show large.yaml",
    "show large.yaml --depth all",
    "show large.yaml -f json",
    "diff large.yaml wider.yaml -f json",
    "rf large.yaml",
)
ALLOWED = "work=1000000000"  # of the work that a stranger's file may make


def size(setting: Setting) -> Table:
    """The table; each command runs once, with nothing kept."""
    (setting.folder / "large.yaml").write_text(LARGE, "utf-8")
    (setting.folder / "wider.yaml").write_text(LARGE.replace("out: 8", "out: 16"), "utf-8")
    rows = []
    for words in COMMANDS:
        tell(f"{words} ...")
        forget(setting.folder)
        line = setting.convcalc(*words.split(), "--limit", ALLOWED)
        try:
            time, cpu, memory = ran(line, setting.folder)
            rows.append([f"`{words}`", seconds(time), seconds(cpu), mebibytes(memory)])
        except Failed as error:
            rows.append([f"`{words}`", str(error), "", ""])
    return Table("100,000 layers", ("", "time", "CPU time", "peak memory"), rows)
