"""The tables of docs/frameworks.md."""

from __future__ import annotations

import re
from functools import cache

from places import ROOT

# Channels, then sizes: what the layers of the tables read.
INPUTS = ((16, 32, 32), (16, 32), (16,), (1, 32))


@cache
def page() -> str:
    return (ROOT / "docs" / "frameworks.md").read_text("utf-8")


def rows(title: str) -> list[tuple[str, str]]:
    """The first two cells of each row of the first table of a section, as code."""
    section = page().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    table = section[section.index("\n| ") :].partition("\n\n")[0]
    lines = [line.split(" | ") for line in table.strip().splitlines()[2:]]
    return [(line[0].strip("| `"), line[1].strip("| `")) for line in lines]


def cells() -> list[str]:
    """Every code in the second columns, each once."""
    found = [
        code
        for line in page().splitlines()
        if line.startswith("| ") and line.count(" | ") >= 1
        for code in re.findall(r"`([^`]+)`", line.split(" | ")[1])
    ]
    return [*dict.fromkeys(found)]
