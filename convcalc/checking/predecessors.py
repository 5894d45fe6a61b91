"""Which network of the policy's revision a network is: the one at its path, or a renamed one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from convcalc.checking.trees import RevisionTree
from convcalc.language.sources.shipped import ENDINGS

_NAME = re.compile(rb"^name:[ \t]*([^\s#]+)", re.MULTILINE)
_MOST_PAIRS = 1_000  # of files whose lines are compared
_ALIKE = 0.5  # share of the lines that a renamed file keeps at least, as for git


class Predecessors(NamedTuple):
    """``renamed`` leads from a file to the path that it had; ``gone`` are paths without a file."""

    renamed: Mapping[str, str] = {}
    gone: tuple[str, ...] = ()

    def path(self, file: str) -> str:
        """Return the path that a file had."""
        return self.renamed.get(file, file)


Read = Callable[[str], bytes | None]


def predecessors(
    files: Iterable[str], expected: Iterable[str], tree: RevisionTree, read: Read, read_old: Read
) -> Predecessors:
    """Find the networks that were renamed: same content, same name, or alike in most lines.

    ``files`` are those that are checked, ``expected`` the paths of the revision that should be
    among them. ``read`` and ``read_old`` return None for what cannot be read.
    """
    shown = {tree.inside(file): file for file in files if file.endswith(ENDINGS)}
    gone = [path for path in expected if tree.inside(path) not in shown]
    new = [file for inside, file in shown.items() if inside not in tree.names]
    if not gone or not new:
        return Predecessors({}, tuple(gone))
    olds = {path: text for path in gone if (text := read_old(path)) is not None}
    news = {file: text for file in new if (text := read(file)) is not None}
    found: dict[str, str] = {}
    for key in (bytes, _name):
        by_key = {key(text): path for path, text in reversed(olds.items()) if key(text)}
        for file, text in list(news.items()):
            path = by_key.pop(key(text), None)
            if path is not None:
                found[file] = path
                del olds[path], news[file]
    found |= _most_alike(news, olds)
    renamed = set(found.values())
    return Predecessors(found, tuple(path for path in gone if path not in renamed))


def _name(text: bytes) -> bytes:
    """Return the name of a network, as the file gives it."""
    named = _NAME.search(text)
    return named[1].strip(b"\"'") if named else b""


def _most_alike(news: Mapping[str, bytes], olds: Mapping[str, bytes]) -> dict[str, str]:
    """Pair files by the share of their lines that both have, the most alike first."""
    if len(news) * len(olds) > _MOST_PAIRS:
        return {}
    lines = {key: _lines(text) for some in (news, olds) for key, text in some.items()}
    pairs = sorted(
        (-share, file, path)
        for file in news
        for path in olds
        if (share := _share(lines[file], lines[path])) >= _ALIKE
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, file, path in pairs:
        if file not in found and path not in taken:
            found[file] = path
            taken.add(path)
    return found


def _lines(text: bytes) -> Counter[bytes]:
    return Counter(filter(None, map(bytes.strip, text.split(b"\n"))))


def _share(one: Counter[bytes], other: Counter[bytes]) -> float:
    """Return how many lines two files share, of those of the longer one."""
    most = max(one.total(), other.total())
    return (one & other).total() / most if most else 0.0


def reader(read: Callable[[str, int], bytes], limit: int) -> Read:
    """Return a function that reads a file of at most ``limit`` bytes, or returns None."""

    def content(path: str) -> bytes | None:
        try:
            found = read(path, limit)
        except OSError:
            return None
        return found if len(found) <= limit else None

    return content
