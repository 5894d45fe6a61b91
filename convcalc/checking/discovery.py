"""Finds the network files that the words of a command line name, each once, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from convcalc.checking.configuration import Configuration
from convcalc.checking.globs import matched_paths
from convcalc.checking.importers import importers
from convcalc.checking.patterns import Pattern, is_matched, is_within, parse_patterns, path_regex
from convcalc.checking.policy import Policy
from convcalc.checking.trees import RevisionTree
from convcalc.importing.addressing import target_at
from convcalc.importing.schemes import CODE, refuse_code
from convcalc.language.limits import LIMITS
from convcalc.language.parse.params import files_named_by
from convcalc.language.sources.gate import SETTINGS_BYTES, read, read_all
from convcalc.language.sources.project import project, upward
from convcalc.language.sources.repository import repository
from convcalc.language.sources.resolve import FILES
from convcalc.language.sources.shipped import ENDINGS
from convcalc.language.sources.target import TargetError, unreadable
from convcalc.language.syntax.foreign import ENDINGS as VALUES

_NEVER = ("node_modules", "__pycache__")


class Found(NamedTuple):
    """A file to check, and the variant that was named with it, if any.

    If the word names no file, ``problem`` says why and ``advice`` what to do. ``format`` is that of
    a model, if it was said: ``onnx:FILE``, ``timm:NAME``.
    """

    file: str
    variant: str = ""
    problem: str = ""
    advice: str = ""
    format: str = ""


def discover(
    words: Sequence[str],
    *,
    force_exclude: bool = False,
    policy: Policy | None = None,
    allow_code: bool = False,
    with_users: bool = False,
) -> list[Found]:
    """Return the files that the words name.

    Searches folders, expands patterns and resolves the names of built-in networks. Files that
    ``.gitignore`` or ``exclude`` leave out are found only if they are named explicitly; with
    ``force_exclude``, for tools that name every file, ``exclude`` applies to those too. A model
    that has to be built by running code is one only if ``allow_code`` says so. ``with_users`` adds
    the networks that a file is a part of: those that import it, those that its budgets are about.
    """
    search = _Search(policy or Policy(), allow_code=allow_code)
    found: dict[tuple[str, str], Found] = {}
    for word in words:
        added = map(Found, importers(word, search.walk)) if with_users else ()
        for each in (*search.expand(word), *added):
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
    names = sorted(name for name in tree.names if name.endswith(ENDINGS))
    found = {name for word in words for name in _would_find(word, names, tree)}
    paths = [tree.path(name) for name in names if name in found]
    return [path for path in paths if not search.is_left_out(path)]


def _would_find(word: str, names: Sequence[str], tree: RevisionTree) -> Iterator[str]:
    """Yield the files of a revision below a folder, or with a pattern that matches them."""
    place = _relative(project().absolute(word), tree.top)
    if os.path.isdir(word):
        below = "" if place == os.curdir else f"{place}/"
        for name in names:
            folders = name.removeprefix(below).split("/")[:-1]
            hidden = any(part.startswith(".") or part in _NEVER for part in folders)
            if name.startswith(below) and not hidden:
                yield name
    elif glob.has_magic(word) and not os.path.lexists(word):
        regex = path_regex(place)
        for name in names:
            parts = name.split("/")
            if any(regex.fullmatch("/".join(parts[: k + 1])) for k in range(len(parts))):
                yield name


class _Search:
    """Looks for network files; ignore files and the files that git tracks are read once."""

    def __init__(self, policy: Policy, *, allow_code: bool = False) -> None:
        self.policy = policy
        self.allow_code = allow_code

    def expand(self, word: str) -> Iterator[Found]:
        """Yield the files that one word names."""
        if os.path.isdir(word):
            yield from map(Found, self.walk(word))
        elif os.path.lexists(word):
            file = os.path.normpath(word)
            users = [] if file.endswith(ENDINGS) else list(self.users(file))
            yield from map(Found, users or [file])
        elif glob.has_magic(word):
            yield from map(Found, self.matched(word))
        else:
            try:
                target = target_at(word)
                if target.format in CODE and not self.allow_code:
                    refuse_code(target)
            except TargetError as error:
                yield Found(word, "", error.message, error.help)
            else:
                yield Found(target.file, target.variant or "", format=target.format)

    def users(self, file: str) -> Iterator[str]:
        """Yield the networks of the project that a file is a part of: a model that they name, or
        values of their params."""
        if not file.endswith((*VALUES, *FILES)):
            return
        folder = os.path.relpath(project().root_of(file))
        wanted, name = project().real(project().absolute(file)), os.path.basename(file)
        for network in self.walk(folder):
            try:
                content = read(network, LIMITS.document.bytes)
            except OSError:
                continue
            if name.encode("utf-8", "surrogateescape") in content:
                for source in files_named_by(content, network, LIMITS.document):
                    path = os.path.join(os.path.dirname(network), source)
                    if project().real(project().absolute(path)) == wanted:
                        yield network
                        break

    def matched(self, word: str) -> list[str]:
        """Return the network files that a pattern matches, also those in folders it matches."""
        matched = matched_paths(word)
        return [
            file
            for path in matched
            for file in (self.walk(path) if os.path.isdir(path) else [os.path.normpath(path)])
            if os.path.isdir(path) or file.endswith(ENDINGS)
        ]

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the network files below a folder, sorted by name within each folder."""
        try:
            real = project().real(folder)
        except OSError as error:
            raise unreadable(folder, error) from None
        shown = "" if os.path.normpath(folder) == os.curdir else folder
        waiting = [self.entries(_Folder(shown, real, self.ignores_above(real)))]
        while waiting:  # folders may be nested more deeply than calls
            for each in waiting[-1]:
                if isinstance(each, _Folder):
                    waiting.append(self.entries(each))
                    break
                yield each
            else:
                waiting.pop()

    def entries(self, folder: _Folder) -> Iterator[str | _Folder]:
        """Yield the network files in a folder, and the folders in it, by name."""
        settings = self.policy.configuration(folder.real)
        ignores = [*folder.ignores, *self.ignores_in(folder.real)]
        try:
            entries = sorted(os.scandir(folder.real), key=lambda entry: entry.name)
        except OSError as error:
            raise unreadable(folder.shown or folder.real, error) from None
        for entry in entries:
            path, is_folder = entry.path, entry.is_dir(follow_symlinks=False)
            if not (is_folder or entry.name.endswith(ENDINGS) or _is_model(settings, path)):
                continue
            if is_folder and (entry.name.startswith(".") or entry.name in _NEVER):
                continue
            if _leaves_out(settings, path, is_folder):
                continue
            ignored = folder.only_tracked or (
                settings.respect_gitignore and _is_ignored(ignores, path, is_folder)
            )
            ignored = ignored or (is_folder and os.path.exists(os.path.join(path, "pyvenv.cfg")))
            if ignored and not self.is_tracked(path):
                continue
            name = os.path.join(folder.shown, entry.name)
            yield _Folder(name, path, ignores, only_tracked=ignored) if is_folder else name

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

    def is_tracked(self, path: str) -> bool:
        """Whether git tracks a network file, or one below a folder; it ignores none of these."""
        return path in self.tracked

    @cached_property
    def tracked(self) -> frozenset[str]:
        """The network files that git tracks, and the folders around them; none without git."""
        try:
            found = repository()
            parts = [name.split("/") for name in found.tracked(*ENDINGS)]
        except TargetError:
            return frozenset()
        top = found.top
        names = {"/".join(each[: k + 1]) for each in parts for k in range(len(each))}
        return frozenset(os.path.join(top, name) for name in names)


class _Ignores(NamedTuple):
    """The patterns of one ``.gitignore``."""

    folder: str
    patterns: tuple[Pattern, ...]


class _Folder(NamedTuple):
    """A folder to search: its real path, and the one that messages use.

    With ``only_tracked`` it is one to ignore, so that only what git tracks counts.
    """

    shown: str
    real: str
    ignores: Sequence[_Ignores]
    only_tracked: bool = False


def _folders_above(folder: str) -> list[str]:
    """Return a folder and those above it up to the top of its repository; none outside of one."""
    folders: list[str] = []
    for at in upward(folder):
        folders.append(at)
        if project().is_top(at):
            return folders
    return []


def _read_excluded(top: str) -> list[_Ignores]:
    """Return the patterns that a user of a repository ignores besides those in it."""
    path = os.path.join(top, ".git", "info", "exclude")  # it may be a link anywhere
    try:
        text = read_all(path, SETTINGS_BYTES, root="").decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return []
    except OSError as error:
        raise unreadable(path, error) from None
    return [_Ignores(top, parse_patterns(text.split("\n")))]


def _is_ignored(listed: Sequence[_Ignores], path: str, is_folder: bool) -> bool:
    """Whether a path is ignored; the innermost ignore file that matches it decides."""
    for ignores in reversed(listed):
        is_excluded = is_matched(ignores.patterns, _relative(path, ignores.folder), is_folder)
        if is_excluded is not None:
            return is_excluded
    return False


def _is_model(settings: Configuration, path: str) -> bool:
    """Whether the settings name a file as a model of another program that is checked too."""
    return bool(settings.models) and bool(
        is_matched(settings.models, _relative(path, settings.folder), is_folder=False)
    )


def _leaves_out(settings: Configuration, path: str, is_folder: bool) -> bool:
    return bool(is_matched(settings.exclude, _relative(path, settings.folder), is_folder))


def _relative(path: str, folder: str) -> str:
    """Return a path relative to a folder, with ``/`` between its parts, as patterns need it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")
