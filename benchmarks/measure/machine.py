"""Where and when something was measured, in a line."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import datetime
from pathlib import Path


def machine(python: str) -> str:
    """The date, the processor and its cores, and the versions of convcalc and Python."""
    code = "import platform, convcalc; print(convcalc.__version__, platform.python_version())"
    ours, version = subprocess.check_output([python, "-I", "-c", code], encoding="utf-8").split()
    cores = len(os.sched_getaffinity(0))
    return (
        f"{datetime.now().astimezone():%Y-%m-%d}, convcalc {ours}, Python {version}, "
        f"{_processor()}, {cores} core{'s' * (cores != 1)}, {platform.system()}"
    )


def _processor() -> str:
    """The name of the processor."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", path.read_text("utf-8")) if path.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()
