"""Many files: ``check`` with nothing kept and again unchanged, and all that ships at once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from measure.installed import ROOT
from measure.processes import Failed, forget, ran
from measure.tables import Table, mebibytes, seconds

from rows.setting import Setting, tell

MANY = 1000
NAMES = "from convcalc.language.sources.shipped import shipped_names; print(*shipped_names())"
# A file with ten variants; each file has another width.
NETWORK = """convcalc: 1
name: n{number}
input: [3, 64, 64]
params: {{width: {width}, depth: 4}}
variants:
{variants}
blocks:
  ConvBn:
    params: {{out: int, s: 1}}
    layers:
      - conv: {{out: out, k: 3, s: s, p: 1, bias: false}}
      - batch_norm
      - relu
layers:
  - {{ConvBn: {{out: width, s: 2}}, id: stem}}
  - {{ConvBn: {{out: width*2}}, id: body, repeat: depth}}
  - global_avg_pool
  - linear: {{out: 10}}
"""


def files(setting: Setting) -> Table:
    """The table; time by the clock, on all cores."""
    specs, many = setting.folder / "specs", setting.folder / "many"
    shutil.copytree(ROOT / "specs", specs)
    _write_many(many)
    names = subprocess.check_output([setting.python, "-c", NAMES], encoding="utf-8").split()
    shipped = [setting.python, str(ROOT / "benchmarks" / "shipped.py"), "--files", "0"]
    rows = [
        *_cold_and_again("`check specs/`", setting.convcalc("check", "specs"), setting),
        *_cold_and_again(f"`check` of {MANY:,} files", setting.convcalc("check", "many"), setting),
        *_cold_and_again(
            f"`show` of {len(names)} networks", setting.convcalc("show", *names), setting
        ),
        _row("all shipped networks, read and analysed", shipped, setting),
    ]
    heads = ("", "time", "CPU time", "peak memory of a process")
    note = f"Each of the {MANY:,} files has ten variants of 17 to 44 layers."
    return Table("Many files", heads, rows, note)


def _write_many(folder: Path) -> None:
    """Write the files, no two alike."""
    folder.mkdir()
    for number in range(MANY):
        variants = "\n".join(f"  n{number}_{depth}: {{depth: {depth}}}" for depth in range(5, 14))
        text = NETWORK.format(number=number, width=8 + number, variants=variants)
        (folder / f"n{number}.convcalc.yaml").write_text(text, "utf-8")


def _cold_and_again(name: str, line: Sequence[str], setting: Setting) -> list[list[str]]:
    """Rows of a command with nothing kept, and of the same once more."""
    forget(setting.folder)
    return [_row(name, line, setting), _row(f"{name}, unchanged", line, setting)]


def _row(name: str, line: Sequence[str], setting: Setting) -> list[str]:
    tell(f"{name} ...")
    try:
        time, cpu, memory = ran(line, setting.folder)
    except Failed as error:
        return [name, str(error), "", ""]
    return [name, seconds(time), seconds(cpu), mebibytes(memory)]
