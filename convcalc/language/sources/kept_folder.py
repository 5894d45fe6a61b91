"""Shows and empties the folder of kept results, for ``convcalc cache``."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import NamedTuple

from convcalc.language.sources.kept import entries_in

PART = re.compile(r"[0-9a-f]{2}")


class Content(NamedTuple):
    """How many results are kept, and how many bytes they take."""

    results: int
    size: int


def clear(folder: str) -> Content:
    """Removes all kept results, and nothing else; OSError if one cannot be removed."""
    results = size = 0
    for part in parts(folder):
        for _, each, path in entries_in(part):
            with suppress(FileNotFoundError):  # another process was faster
                os.unlink(path)
            results, size = results + 1, size + each
        with suppress(OSError):  # it is not empty
            os.rmdir(part)
    return Content(results, size)


def content(folder: str) -> Content:
    """Return what is kept in a folder."""
    found = [size for part in parts(folder) for _, size, _ in entries_in(part)]
    return Content(len(found), sum(found))


def parts(folder: str) -> list[str]:
    """The parts of the folder of kept results that there are."""
    try:
        names = sorted(filter(PART.fullmatch, os.listdir(folder)))
    except FileNotFoundError:
        return []
    return [path for path in (os.path.join(folder, name) for name in names) if os.path.isdir(path)]
