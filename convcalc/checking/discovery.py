"""Finds the network files that the words of a command line name, each once, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.checking.configuration import Configuration
from convcalc.checking.patterns import Pattern, is_matched, is_within, parse_patterns, path_regex
from convcalc.checking.policy import Policy
from convcalc.checking.trees import RevisionTree
from convcalc.language.sources.git import tracked_files
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.shipped import ENDINGS
from convcalc.language.sources.target import TargetError

_NEVER = ("node_modules", "__pycache__")


class Found(NamedTuple):
    """A file to check, and the variant that was named with it, if any.

    If the word names no file, ``problem`` says why and ``advice`` what to do.
    """

    file: str
    variant: str = ""
    problem: str = ""
    advice: str = ""


def discover(
    words: Sequence[str], *, force_exclude: bool = False, policy: Policy | None = None
) -> list[Found]:
    """Return the files that the words name.

    Searches folders, expands patterns and resolves the names of built-in networks. Files that
    ``.gitignore`` or ``exclude`` leave out are found only if they are named explicitly; with
    ``force_exclude``, for tools that name every file, ``exclude`` applies to those too.
    """
    search = _Search(policy or Policy())
    found: dict[tuple[str, str], Found] = {}
    for word in words:
        for each in search.expand(word):
            if not (force_exclude and search.is_excluded(each.file)):
                found.setdefault((each.file, each.variant), each)
    return list(found.values())


def walk(folder: str, policy: Policy | None = None) -> Iterator[str]:
    """Yield the network files below a folder, sorted by name within each folder."""
    yield from _Search(policy or Policy()).walk(folder)


def expected(words: Sequence[str], policy: Policy) -> list[str]:
    """Return the networks of the policy's revision that the words would find in it."""
    tree = policy.tree
    if not isinstance(tree, RevisionTree):
        return []
    search = _Search(policy)
    paths = sorted(tree.path(name) for name in tree.names if name.endswith(ENDINGS))
    return [
        path
        for path in paths
        if any(_would_find(word, path, tree) for word in words) and not search.is_left_out(path)
    ]


def _would_find(word: str, path: str, tree: RevisionTree) -> bool:
    """Whether a word of the command line names a folder around a file, or a pattern it matches."""
    below = _relative(path, word)
    if os.path.isdir(word):
        folders = below.split("/")[:-1]
        return not any(folder.startswith(".") or folder in _NEVER for folder in folders)
    if not glob.has_magic(word) or os.path.lexists(word):
        return False
    regex = path_regex(_relative(os.path.abspath(word), tree.top))
    parts = _relative(path, tree.top).split("/")
    return any(regex.fullmatch("/".join(parts[: k + 1])) for k in range(len(parts)))


class _Search:
    """Looks for network files; ignore files and the files that git tracks are read once."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.tracked: dict[str, frozenset[str] | None] = {}

    def expand(self, word: str) -> Iterator[Found]:
        """Yield the files that one word names."""
        if os.path.isdir(word):
            yield from map(Found, self.walk(word))
        elif os.path.lexists(word):
            yield Found(os.path.normpath(word))
        elif glob.has_magic(word):
            yield from map(Found, self.matched(word))
        else:
            try:
                target = resolve(word)
            except TargetError as error:
                yield Found(word, "", error.message, error.help)
            else:
                yield Found(target.file, target.variant or "")

    def matched(self, word: str) -> list[str]:
        """Return the network files that a pattern matches, also those in folders it matches."""
        matched = sorted(glob.glob(word, recursive=True))
        return [
            file
            for path in matched
            for file in (self.walk(path) if os.path.isdir(path) else [os.path.normpath(path)])
            if os.path.isdir(path) or file.endswith(ENDINGS)
        ]

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the network files below a folder, sorted by name within each folder."""
        real = os.path.realpath(folder)
        shown = "" if os.path.normpath(folder) == os.curdir else folder
        yield from self.walk_folder(shown, real, list(self.ignores_above(real)))

    def walk_folder(
        self, shown: str, real: str, above: Sequence[_Ignores], *, only_tracked: bool = False
    ) -> Iterator[str]:
        """Yield the network files below ``real``, under the path ``shown`` that messages use.

        With ``only_tracked``, the folder is one to ignore, and only what git tracks counts.
        """
        settings = self.policy.configuration(real)
        ignores = [*above, *self.ignores_in(real)]
        try:
            entries = sorted(os.scandir(real), key=lambda entry: entry.name)
        except OSError as error:
            reason = (error.strerror or "").lower()
            raise TargetError(f"cannot read {shown or real}: {reason}") from None
        for entry in entries:
            path, is_folder = entry.path, entry.is_dir(follow_symlinks=False)
            if not is_folder and not entry.name.endswith(ENDINGS):
                continue
            if is_folder and (entry.name.startswith(".") or entry.name in _NEVER):
                continue
            if _leaves_out(settings, path, is_folder):
                continue
            ignored = only_tracked or (
                settings.respect_gitignore and _is_ignored(ignores, path, is_folder)
            )
            ignored = ignored or (is_folder and os.path.exists(os.path.join(path, "pyvenv.cfg")))
            if ignored and not self.is_tracked(path, is_folder):
                continue
            name = os.path.join(shown, entry.name)
            if is_folder:
                yield from self.walk_folder(name, path, ignores, only_tracked=ignored)
            else:
                yield name

    # --- what is left out ----------------------------------------------------------------------

    def is_excluded(self, file: str) -> bool:
        """Whether the settings closest to a file leave it out."""
        settings = self.policy.configuration(os.path.dirname(file))
        return is_within(settings.exclude, _relative(os.path.realpath(file), settings.folder))

    def is_left_out(self, path: str) -> bool:
        """Whether the settings leave out a file of the policy's revision."""
        settings = self.policy.configuration(os.path.dirname(path))
        return is_within(settings.exclude, _relative(path, settings.folder))

    def ignores_in(self, folder: str) -> list[_Ignores]:
        """Return the ignore file of a folder, if it has one."""
        patterns = self.policy.ignores(folder)
        return [_Ignores(folder, patterns)] if patterns else []

    def ignores_above(self, folder: str) -> list[_Ignores]:
        """Return the ignore files above a folder, outermost first; none outside a repository."""
        folders = _folders_above(folder)
        if not folders:
            return []
        excluded = _read_excluded(folders[-1])
        found = [each for above in reversed(folders[1:]) for each in self.ignores_in(above)]
        return [*excluded, *found]

    def is_tracked(self, path: str, is_folder: bool) -> bool:
        """Whether git tracks a network file, or one below a folder; it ignores none of these."""
        folders = _folders_above(os.path.dirname(path))
        if not folders:
            return False
        top = folders[-1]
        if top not in self.tracked:
            self.tracked[top] = tracked_networks(top)
        return _relative(path, top) in (self.tracked[top] or ())


def tracked_networks(folder: str) -> frozenset[str] | None:
    """Return the network files that git tracks, and the folders around them; None without git."""
    names = tracked_files(folder, *(f"*{ending}" for ending in ENDINGS))
    if names is None:
        return None
    parts = (name.split("/") for name in names)
    return frozenset("/".join(each[: k + 1]) for each in parts for k in range(len(each)))


class _Ignores(NamedTuple):
    """The patterns of one ``.gitignore``."""

    folder: str
    patterns: tuple[Pattern, ...]


def _folders_above(folder: str) -> list[str]:
    """Return a folder and those above it up to the top of its repository; none outside of one."""
    folders = [folder]
    while not os.path.exists(os.path.join(folders[-1], ".git")):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return []
        folders.append(above)
    return folders


def _read_excluded(top: str) -> list[_Ignores]:
    """Return the patterns that a user of a repository ignores besides those in it."""
    try:
        with open(
            os.path.join(top, ".git", "info", "exclude"), encoding="utf-8", errors="replace"
        ) as file:
            return [_Ignores(top, parse_patterns(file))]
    except OSError:
        return []


def _is_ignored(listed: Sequence[_Ignores], path: str, is_folder: bool) -> bool:
    """Whether a path is ignored; the innermost ignore file that matches it decides."""
    for ignores in reversed(listed):
        is_excluded = is_matched(ignores.patterns, _relative(path, ignores.folder), is_folder)
        if is_excluded is not None:
            return is_excluded
    return False


def _leaves_out(settings: Configuration, path: str, is_folder: bool) -> bool:
    return bool(is_matched(settings.exclude, _relative(path, settings.folder), is_folder))


def _relative(path: str, folder: str) -> str:
    """Return a path relative to a folder, with ``/`` between its parts, as patterns need it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")
