"""Whole outputs that are kept in files; ``CONVCALC_UPDATE_GOLDEN=1 pytest`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

UPDATE = bool(os.environ.get("CONVCALC_UPDATE_GOLDEN"))  # before a test clears its environment


def kept(file: Path, now: str) -> str:
    """The output that a file keeps; it is made what it is ``now`` first, if that is wanted."""
    if UPDATE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(now, "utf-8")
    return file.read_text("utf-8")
