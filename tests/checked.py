"""What ``convcalc check`` is tried on, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from command import Ran

GOOD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\nlayers: [relu]\n"
WARNS = GOOD.replace("[relu]", "\n- conv: {out: 8, k: 3}\n- batch_norm")
CONV = "- conv: {out: 8, k: 3}"  # as it stands in WARNS
FAILS = GOOD.replace("[relu]", "[rleu]")


class Checked(Ran):
    """What the command did, with a line per finding."""

    @property
    def places(self) -> list[str]:
        """``file:line code`` of each finding."""
        found = re.findall(r"^(\S+?):(\d+):\d+: \w+\[(CC\d+)\]", self.out, re.MULTILINE)
        return [f"{Path(file).name}:{line} {code}" for file, line, code in found]


Check = Callable[..., Checked]


def write(path: str, text: str = GOOD) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file
