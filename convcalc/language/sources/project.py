"""Decides what belongs to the project: which files may be read, and which links may be followed.

The words of a command line are the user's; what the files of a tree say and where its links lead
may come from anybody. A file is read only if its real path lies inside the project that its name
lies in:

- inside the project where convcalc was started, which is the nearest folder upward that has one of
  MARKS, that project; but a folder below it with a ``.git`` of its own is another one
- elsewhere, the nearest folder upward with a mark, or else the file's own folder
- with ``--root``, that folder and nothing else

``--allow-outside`` lifts this. No settings file can.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

GIT = ".git"
MARKS = (GIT, "pyproject.toml", "convcalc.toml")
ALLOW = "--allow-outside lifts this, --root names the project's folder"


class Outside(OSError):
    """The file lies outside the project, or is reached by a link that leads out of it."""


class Project:
    """The folder where convcalc was started, and the project that each file belongs to.

    ``given`` is the folder of --root. ``inputs`` are the device and number of every file that was
    read, ``names`` the names of those that other processes read, ``reads`` what is noted of them.
    ``waited`` are the seconds that the run has waited for git.
    """

    __slots__ = (
        "_marked",
        "_real",
        "_roots",
        "_start",
        "_tops",
        "allow_outside",
        "given",
        "inputs",
        "names",
        "reads",
        "waited",
    )

    def __init__(self, given: str = "", *, allow_outside: bool = False) -> None:
        self._start = ""
        self._marked: dict[str, bool] = {}
        self._roots: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._tops: dict[str, bool] = {}
        self.allow_outside = allow_outside
        self.inputs: set[tuple[int, int]] = set()
        self.names: set[str] = set()
        self.reads: Any = None  # the Reads of convcalc.language.sources.reads
        self.waited = 0.0
        self.given = self.absolute(given) if given else ""

    @property
    def start(self) -> str:
        """The folder where convcalc was started; OSError if it is gone."""
        if not self._start:
            try:
                self._start = os.getcwd()
            except OSError:
                raise FileNotFoundError(0, "the current folder no longer exists") from None
        return self._start

    @property
    def folder(self) -> str:
        """The project where convcalc was started; that folder itself if it has no mark."""
        return self.given or self._started() or self.start

    def absolute(self, file: str) -> str:
        """A path from the top of the file system, as it is written: links are not followed."""
        if os.path.isabs(file):
            return os.path.normpath(f"{os.sep}{file.lstrip(os.sep)}")  # two slashes are one
        return os.path.normpath(os.path.join(self.start, file))

    def real(self, path: str) -> str:
        """A path with all links followed; of each folder on it this is found only once."""
        path = self.absolute(path)
        names: list[str] = []
        while path not in self._real and path != os.sep:
            path, name = os.path.split(path)
            names.append(name)
        found = self._real.get(path, path)
        for name in reversed(names):
            path, found = os.path.join(path, name), os.path.join(found, name)
            if _is_link(found):
                found = _real_path(found)
            self._real[path] = found
        return found

    def root_of(self, file: str) -> str:
        """The folder of the project that a file belongs to by its name."""
        return self.root_of_folder(os.path.dirname(file))

    def root_of_folder(self, folder: str) -> str:
        """The folder of the project that a folder belongs to by its name."""
        if self.given:
            return self.given
        folder = self.absolute(folder)
        if folder not in self._roots:
            self._roots[folder] = self._find_root(folder)
        return self._roots[folder]

    def _find_root(self, folder: str) -> str:
        above = self._roots.get(os.path.dirname(folder), "")
        if above and self._is_marked(above) and not self._is_marked(folder):
            return above
        marked = [at for at in upward(folder) if self._is_marked(at)]
        base = self._started()
        root = marked[0] if marked else folder
        if base and is_within(folder, base):
            inner = (at for at in marked if is_within(at, base))
            root = next((at for at in inner if os.path.exists(os.path.join(at, GIT))), base)
        for outer in [*marked, self.start]:  # a link out of a project leads to no other project
            if is_within(root, outer) and not is_within(self.real(root), self.real(outer)):
                root = outer
        return root

    def is_top(self, folder: str) -> bool:
        """Whether a search for settings or budgets that goes upward ends in a folder."""
        if folder not in self._tops:
            is_given = bool(self.given) and folder in (self.given, self.real(self.given))
            self._tops[folder] = is_given or os.path.exists(os.path.join(folder, GIT))
        return self._tops[folder]

    def _started(self) -> str:
        """The nearest marked folder around the one where convcalc was started; empty if none."""
        return next(filter(self._is_marked, upward(self.start)), "")

    def _is_marked(self, folder: str) -> bool:
        if folder not in self._marked:
            paths = (os.path.join(folder, mark) for mark in MARKS)
            self._marked[folder] = any(map(os.path.exists, paths))
        return self._marked[folder]

    def holds(self, real: str, root: str) -> bool:
        """Whether a real path may be read for a file of the project at ``root``."""
        return self.allow_outside or is_within(real, self.real(root))

    def require(self, path: str, real: str, root: str) -> None:
        """Raises Outside if the file at ``path`` is really outside the project at ``root``."""
        if not self.holds(real, root):
            link, target = self.link_out(path, root)
            if link:
                raise Outside(0, f"'{link}' is a link that leads out of the project, to {target}")
            raise Outside(0, f"it lies outside the project's folder {root}")

    def link_out(self, path: str, root: str) -> tuple[str, str]:
        """The first link on a path that lies inside ``root`` and leads out of it, and its target.

        Both are empty if there is none.
        """
        inside = self.real(root)
        at, shown = (os.sep, os.sep) if os.path.isabs(path) else (self.start, "")
        for part in path.split(os.sep):
            if part in ("", os.curdir):
                continue
            shown = os.path.join(shown, part)
            if part == os.pardir:
                at = os.path.dirname(at)
                continue
            above, at = at, os.path.join(at, part)
            if _is_link(at):
                at = _real_path(at)
                if is_within(above, inside) and not is_within(at, inside):
                    return shown, at
        return "", ""


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it, by their names."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def upward(folder: str) -> Iterator[str]:
    """A folder and all those around it, from the inside out."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _is_link(path: str) -> bool:
    try:
        return os.path.islink(path)
    except ValueError:  # a name that no file can have
        return False


def _real_path(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # names that no file can have
        return path


# --- the project of a run --------------------------------------------------------------------

_current: ContextVar[Project | None] = ContextVar("project", default=None)


def project() -> Project:
    """The project of this run; outside of one, that of the current folder."""
    return _current.get() or Project()


def use_project(chosen: Project | None) -> None:
    """Makes a project that of this run."""
    _current.set(chosen)


@contextmanager
def opened(root: str = "", *, allow_outside: bool = False) -> Iterator[Project]:
    """Makes the project at ``root`` that of the calls within; by default, the current folder's."""
    before = _current.get()
    chosen = Project(root, allow_outside=allow_outside)
    _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.set(before)
