"""The networks that a changed file is a part of, for hooks that name only what has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from convcalc.checking.budgets import FILE
from convcalc.language.limits import LIMITS
from convcalc.language.sources.gate import read
from convcalc.language.sources.project import project
from convcalc.language.sources.shipped import ENDINGS


def importers(file: str, walk: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the networks that import a file, directly or through others.

    Of a file of budgets, those in its folder and below. ``walk`` yields the network files below a
    folder; those that cannot be read import nothing.
    """
    if not os.path.isfile(file):
        return []
    if os.path.basename(file) == FILE:
        return [*walk(os.path.dirname(file) or os.curdir)]
    if not file.endswith(ENDINGS):
        return []
    imported = {each: _imports(each) for each in walk(os.path.relpath(project().root_of(file)))}
    found: dict[str, None] = {}
    waiting = [_real(file)]
    while waiting:
        wanted = waiting.pop()
        for each, paths in imported.items():
            if wanted in paths and each not in found:
                found[each] = None
                waiting.append(_real(each))
    return list(found)


def _imports(file: str) -> set[str]:
    """Return the real paths that a network file may import; none if it cannot be read."""
    from convcalc.language.syntax import nodes, reader  # and with it PyYAML

    try:
        content = read(file, LIMITS.document.bytes)
    except OSError:
        return set()
    if b"imports" not in content:
        return set()
    root, _ = reader.read(content, file, LIMITS.document)
    listed = root.get("imports") if isinstance(root, nodes.Mapping) else None
    return (
        set(_paths(os.path.dirname(file), listed)) if isinstance(listed, nodes.Mapping) else set()
    )


def _paths(folder: str, listed: object) -> Iterator[str]:
    for _, node in getattr(listed, "entries", ()):
        text = getattr(node, "text", "")
        if text and "\0" not in text:
            yield _real(os.path.join(folder, text))


def _real(path: str) -> str:
    return project().real(project().absolute(path))
