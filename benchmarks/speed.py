"""How long convcalc takes and how much memory, beside bare Python and beside other counters.

    python benchmarks/speed.py                                 # all tables, in Markdown
    python benchmarks/speed.py --only startup,files
    python benchmarks/speed.py --peers ../torch/bin/python --peers ../onnx/bin/python

convcalc is measured in an environment that is made from its wheel, or in that of ``--python``. A
peer runs by the first ``--peers`` in which it is installed, and is left out with a word otherwise;
onnx-tool reads a file of 100 MB, ``--onnx`` or one that the onnx package writes. All tables take
some minutes, on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from measure.installed import environment
from measure.machine import machine
from measure.processes import Failed
from measure.tables import Table
from rows.files import files
from rows.onnx import onnx
from rows.peers import peers
from rows.setting import Setting
from rows.size import size
from rows.startup import startup

TABLES: dict[str, Callable[[Setting], Table | None]] = {
    "startup": startup,
    "size": size,
    "files": files,
    "peers": peers,
    "onnx": onnx,
}


def _names(text: str) -> list[str]:
    """The names of ``--only``."""
    names = text.split(",")
    if unknown := [name for name in names if name not in TABLES]:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not one of: {', '.join(TABLES)}")
    return names


def _interpreter(text: str) -> str:
    """The path of an interpreter, not resolved: a link makes it that of its environment."""
    path = Path(text).absolute()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is not an interpreter")
    return str(path)


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--only", type=_names, default=list(TABLES), help=", ".join(TABLES))
    parser.add_argument("--runs", type=int, default=11, help="runs of the short commands")
    parser.add_argument("--python", type=_interpreter, help="the environment of convcalc")
    parser.add_argument("--peers", type=_interpreter, action="append", default=[])
    parser.add_argument("--onnx", default="", help="an ONNX file of about 100 MB")
    given = parser.parse_args()
    with TemporaryDirectory() as place:
        try:
            python = given.python or environment(Path(place) / "environment")
            print(machine(python), flush=True)
            for name in given.only:
                folder = Path(place) / name
                folder.mkdir()
                found = TABLES[name](
                    Setting(python, tuple(given.peers), given.runs, folder, given.onnx)
                )
                if found is not None:
                    print(f"\n{found}", flush=True)
        except (Failed, subprocess.CalledProcessError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
