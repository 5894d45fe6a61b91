"""What every table needs: the interpreters, how often, and a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple


class Setting(NamedTuple):
    """The interpreter with convcalc, those with peers, the number of runs, and an empty folder."""

    python: str
    peers: tuple[str, ...]
    runs: int
    folder: Path
    onnx: str = ""  # a file of about 100 MB; one is made if there is none

    def convcalc(self, *words: str) -> list[str]:
        """A command of convcalc."""
        return [self.python, "-m", "convcalc", *words]


def tell(text: str) -> None:
    """Say on stderr what is going on; the tables are on stdout."""
    print(text, file=sys.stderr, flush=True)
