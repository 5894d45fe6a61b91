"""Parses TOML of strangers: the parser takes for ever on keys of many parts."""

from __future__ import annotations

import re
from typing import Any

MOST_PARTS = 32  # of a key
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}){{{MOST_PARTS}}}")


def parse(text: str) -> dict[str, Any]:
    """Return the table of a text; raises ValueError or RecursionError if it cannot be read."""
    import tomllib

    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"A key has more than {MOST_PARTS} parts (at line {line})")
    return tomllib.loads(text)
