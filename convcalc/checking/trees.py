"""Where settings, budgets and ignore files are read: from the disk, or from a git revision.

Both are asked by paths of this machine, so that a file that a pull request moved, covered or
removed is found where it was.
"""

from __future__ import annotations

import os
from functools import cached_property

from convcalc.language.sources.git import Repository, repository_of
from convcalc.language.sources.plain_files import read_regular_file
from convcalc.language.sources.shipped import ENDINGS
from convcalc.language.sources.target import Target


class Tree:
    """The files of this machine; ``title`` is what messages call a revision."""

    title = ""

    def read(self, path: str, limit: int) -> bytes:
        """Return the content of a file, at most ``limit`` + 1 bytes; OSError if that fails."""
        return read_regular_file(path, limit)

    def is_file(self, path: str) -> bool:
        """Whether there is a settings file, a file of budgets or a network at a path."""
        return os.path.isfile(path)

    def is_top(self, folder: str) -> bool:
        """Whether nothing above a folder belongs to its project."""
        return os.path.exists(os.path.join(folder, ".git"))

    def name(self, path: str) -> str:
        """Return what messages call a file."""
        return path


class RevisionTree(Tree):
    """The files of the current folder's repository at a revision."""

    def __init__(self, revision: str, known: tuple[str, ...]) -> None:
        """Raises TargetError if there is no such revision; ``known`` are the names of files."""
        self.title = revision
        self.known = known
        self.top = os.path.realpath(self.repository.top)
        self.commit = self.repository.commit(revision)

    @property
    def repository(self) -> Repository:
        """The repository, as this process reads it."""
        return repository_of(os.curdir, self.title)

    @cached_property
    def names(self) -> frozenset[str]:
        """The paths of all networks, and of files with the known names, from the top."""
        listed = self.repository.names(self.commit, "", deep=True)
        return frozenset(
            path
            for path in listed
            if path.endswith(ENDINGS) or path.rpartition("/")[2] in self.known
        )

    def read(self, path: str, limit: int) -> bytes:
        inside = self.inside(path)
        if inside is None:  # nothing that a pull request could change
            return super().read(path, limit)
        return self.repository.content(self.commit, inside)[: limit + 1]

    def is_file(self, path: str) -> bool:
        return self.inside(path) in self.names

    def is_top(self, folder: str) -> bool:
        return os.path.realpath(folder) == self.top or self.inside(folder) is None

    def name(self, path: str) -> str:
        inside = self.inside(path)
        return path if inside is None else f"{self.title}:{inside}"

    def inside(self, path: str) -> str | None:
        """Return a path from the top of the repository; None for one outside.

        A link that the tree put in the place of a folder does not lead to another file.
        """
        whole = os.path.abspath(path)
        as_written = self._below(whole)
        if as_written in self.names:
            return as_written
        real = os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))
        return self._below(real)

    def _below(self, path: str) -> str | None:
        if path == self.top or not path.startswith(self.top.rstrip(os.sep) + os.sep):
            return None
        return path[len(self.top.rstrip(os.sep)) + 1 :].replace(os.sep, "/")

    def path(self, inside: str) -> str:
        """Return the path on this machine of a file from the top of the repository."""
        return os.path.join(self.top, *inside.split("/"))

    def target(self, inside: str, variant: str | None = None) -> Target:
        """Return the target of a network; raises TargetError."""
        return self.repository.target(self.title, inside, variant)
