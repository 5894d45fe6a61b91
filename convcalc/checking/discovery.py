"""Finds the network files that the words of a command line name, each once, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.checking.configuration import Configuration, clear_cache, configuration_of
from convcalc.checking.globs import matched_paths
from convcalc.checking.patterns import Pattern, is_matched, is_within, parse_patterns
from convcalc.language.sources.gate import SETTINGS_BYTES, read_all
from convcalc.language.sources.project import project
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import TargetError, unreadable

ENDINGS = (".convcalc.yaml", ".convcalc.yml")
_NEVER = ("node_modules", "__pycache__")


class Found(NamedTuple):
    """A file to check, and the variant that was named with it, if any.

    If the word names no file, ``problem`` says why and ``advice`` what to do.
    """

    file: str
    variant: str = ""
    problem: str = ""
    advice: str = ""


def discover(words: Sequence[str], *, force_exclude: bool = False) -> list[Found]:
    """Return the files that the words name.

    Searches folders, expands patterns and resolves the names of built-in networks. Files that
    ``.gitignore`` or ``exclude`` leave out are found only if they are named explicitly; with
    ``force_exclude``, for tools that name every file, ``exclude`` applies to those too.
    """
    clear_cache()
    found: dict[tuple[str, str], Found] = {}
    for word in words:
        for each in _expand_word(word):
            if not (force_exclude and _is_excluded(each.file)):
                found.setdefault((each.file, each.variant), each)
    return list(found.values())


def _expand_word(word: str) -> Iterator[Found]:
    """Yield the files that one word names."""
    if os.path.isdir(word):
        yield from map(Found, walk(word))
    elif os.path.lexists(word):
        yield Found(os.path.normpath(word))
    elif glob.has_magic(word):
        yield from map(Found, _expand_pattern(word))
    else:
        try:
            target = resolve(word)
        except TargetError as error:
            yield Found(word, "", error.message, error.help)
        else:
            yield Found(target.file, target.variant or "")


def _expand_pattern(word: str) -> list[str]:
    """Return the network files that a glob pattern matches, also those in folders it matches."""
    matched = matched_paths(word)
    return [
        file
        for path in matched
        for file in (walk(path) if os.path.isdir(path) else [os.path.normpath(path)])
        if os.path.isdir(path) or file.endswith(ENDINGS)
    ]


def walk(folder: str) -> Iterator[str]:
    """Yield the network files below a folder, sorted by name within each folder."""
    settings = configuration_of(folder)
    try:
        real = project().real(folder)
    except OSError as error:
        raise unreadable(folder, error) from None
    ignored = list(_ignores_above(real)) if settings.respect_gitignore else []
    yield from _walk_folder("" if os.path.normpath(folder) == os.curdir else folder, real, ignored)


def _walk_folder(shown: str, real: str, above: Sequence[_Ignores]) -> Iterator[str]:
    """Yield the network files below ``real``, under the path ``shown`` that messages use."""
    waiting = [_entries(shown, real, above)]
    while waiting:
        for name, inside in waiting[-1]:
            if inside:
                waiting.append(_entries(name, *inside))
                break
            yield name
        else:
            waiting.pop()


def _entries(
    shown: str, real: str, above: Sequence[_Ignores]
) -> Iterator[tuple[str, tuple[str, Sequence[_Ignores]] | None]]:
    """Yield the network files in a folder, and the folders in it with their real paths."""
    settings = configuration_of(real)
    ignores = list(above)
    if settings.respect_gitignore and (own := _read_ignores(real)):
        ignores.append(own)
    try:
        entries = sorted(os.scandir(real), key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(shown or real, error) from None
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and not entry.name.endswith(ENDINGS):
            continue
        if is_folder and (entry.name.startswith(".") or entry.name in _NEVER):
            continue
        if _is_ignored(ignores, entry.path, is_folder) or _leaves_out(
            settings, entry.path, is_folder
        ):
            continue
        name = os.path.join(shown, entry.name)
        if is_folder:
            if not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield name, (entry.path, ignores)
        else:
            yield name, None


# --- what is left out --------------------------------------------------------------------------


class _Ignores(NamedTuple):
    """The patterns of one ``.gitignore``."""

    folder: str
    patterns: tuple[Pattern, ...]


def _read_ignores(
    folder: str, name: str = ".gitignore", root: str | None = None
) -> _Ignores | None:
    path = os.path.join(folder, name)
    try:
        text = read_all(path, SETTINGS_BYTES, root).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from None
    return _Ignores(folder, parse_patterns(text.split("\n")))


def _ignores_above(folder: str) -> Iterator[_Ignores]:
    """Yield the ignore files above a folder, outermost first; nothing outside a repository."""
    folders = [folder]
    while not project().is_top(folders[-1]):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return
        folders.append(above)
    own = os.path.join(".git", "info", "exclude")  # the user's, and may be a link anywhere
    if excluded := _read_ignores(folders[-1], own, root=""):
        yield excluded
    for each in reversed(folders[1:]):
        if found := _read_ignores(each):
            yield found


def _is_ignored(listed: Sequence[_Ignores], path: str, is_folder: bool) -> bool:
    """Whether a path is ignored; the innermost ignore file that matches it decides."""
    for ignores in reversed(listed):
        is_excluded = is_matched(ignores.patterns, _relative(path, ignores.folder), is_folder)
        if is_excluded is not None:
            return is_excluded
    return False


def _leaves_out(settings: Configuration, path: str, is_folder: bool) -> bool:
    return bool(is_matched(settings.exclude, _relative(path, settings.folder), is_folder))


def _is_excluded(file: str) -> bool:
    """Whether the settings closest to a file leave it out."""
    settings = configuration_of(os.path.dirname(file))
    return is_within(settings.exclude, _relative(os.path.realpath(file), settings.folder))


def _relative(path: str, folder: str) -> str:
    """Return a path relative to a folder, with ``/`` between its parts, as patterns need it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")
