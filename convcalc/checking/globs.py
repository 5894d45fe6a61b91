"""Expands the glob patterns of a command line; ``**`` goes through folders, but follows no links.

A link may lead back to a folder around it, or anywhere. The time grows with the number of folders,
however often ``**`` is in a pattern.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

ALL_FOLDERS = "**"


def matched_paths(word: str) -> list[str]:
    """Return the paths that a pattern matches, sorted; for ``models/**`` just ``models``."""
    places = {"/" if word.startswith("/") else ""}
    for pattern in _split(word):
        if pattern == ALL_FOLDERS:
            places = {folder for place in places for folder in _folders(place)}
        else:
            found = ((place, glob.iglob(pattern, root_dir=place or None)) for place in places)
            places = {os.path.join(place, name) for place, names in found for name in names}
    return sorted(place or os.curdir for place in places)


def _split(word: str) -> list[str]:
    """Return the parts of a pattern between ``**`` and those; one at the end says nothing more."""
    parts: list[list[str]] = [[]]
    for part in filter(None, word.split("/")):
        if part == ALL_FOLDERS:
            parts += [[ALL_FOLDERS], []]
        else:
            parts[-1].append(part)
    while parts and parts[-1] in ([], [ALL_FOLDERS]):
        parts.pop()
    return ["/".join(each) for each in parts if each]


def _folders(place: str) -> Iterator[str]:
    """Yield a folder and all below it, but none that is hidden or a link."""
    waiting = [place]
    while waiting:
        folder = waiting.pop()
        yield folder
        try:
            with os.scandir(folder or os.curdir) as entries:
                waiting += (
                    os.path.join(folder, entry.name)
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
                )
        except OSError:
            continue
