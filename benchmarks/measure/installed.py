"""An environment as a user has it: convcalc from its wheel, what it needs in locked versions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def environment(folder: Path) -> str:
    """The interpreter of a new environment; raises CalledProcessError."""
    python = str(folder / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    locked = ["--require-hashes", "-r", str(ROOT / ".ci" / "requirements.txt")]
    for more in (locked, [str(ROOT)]):  # pip makes a wheel of the latter
        command = [python, "-m", "pip", "--disable-pip-version-check", "install"]
        subprocess.run([*command, "--quiet", "--no-deps", *more], check=True)
    return python
