"""Where settings, budgets and ignore files are read: from the disk, or from a git revision.

Both are asked by paths of this machine, so that a file that a pull request moved, covered or
removed is found where it was.
"""

from __future__ import annotations

import os
from functools import cached_property

from convcalc.language.sources import gate
from convcalc.language.sources.git import target_at
from convcalc.language.sources.project import is_within, project
from convcalc.language.sources.repository import Repository, repository
from convcalc.language.sources.shipped import ENDINGS
from convcalc.language.sources.target import Target, TargetError


class Tree:
    """The files of this machine; ``title`` is what messages call a revision."""

    title = ""

    def read(self, path: str, most: int, root: str | None = None) -> bytes:
        """Return the content of a file; OSError if that fails, or if it is larger."""
        return gate.read_all(path, most, root)

    def read_part(self, path: str, most: int, root: str | None = None) -> bytes:
        """Return the content of a file, or one byte more than ``most`` of it; OSError."""
        return gate.read(path, most, root)

    def is_file(self, path: str) -> bool:
        """Whether there is a settings file, a file of budgets or a network at a path."""
        return os.path.isfile(path)

    def is_top(self, folder: str) -> bool:
        """Whether nothing above a folder belongs to its project."""
        return project().is_top(folder)

    def name(self, path: str) -> str:
        """Return what messages call a file."""
        return path


class RevisionTree(Tree):
    """The files of the run's repository at a revision; ``known`` are names of files in it.

    A path outside of the repository is one of this machine, which no pull request can change.
    """

    def __init__(self, revision: str, known: tuple[str, ...]) -> None:
        """Raises TargetError if there is no such revision."""
        self.title = revision
        self.known = known
        self.commit = self.repository.commit(revision)
        self.top = self.repository.top
        if not self.top:
            raise TargetError("the repository is bare", "a policy is for files that are checked")

    @property
    def repository(self) -> Repository:
        """The repository, as this process reads it."""
        return repository(f"the policy {self.title}")

    @cached_property
    def names(self) -> frozenset[str]:
        """The paths of all networks, and of files with the known names, from the top."""
        listed = self.repository.names(self.commit, "", deep=True)
        return frozenset(
            path
            for path in listed
            if path.endswith(ENDINGS) or path.rpartition("/")[2] in self.known
        )

    def read(self, path: str, most: int, root: str | None = None) -> bytes:
        inside = self.inside(path)
        if inside is None:
            return super().read(path, most, root)
        if os.path.basename(path) in self.known and inside not in self.names:
            raise FileNotFoundError(2, "no such file or directory")  # without asking git
        return self.repository.content(self.commit, inside, most)

    def read_part(self, path: str, most: int, root: str | None = None) -> bytes:
        inside = self.inside(path)
        return super().read_part(path, most, root) if inside is None else self.read(path, most)

    def is_file(self, path: str) -> bool:
        return self.inside(path) in self.names

    def is_top(self, folder: str) -> bool:
        return self.inside(folder) is None

    def name(self, path: str) -> str:
        inside = self.inside(path)
        return path if inside is None else f"{self.title}:{inside}"

    def inside(self, path: str) -> str | None:
        """Return a path from the top of the repository; None for the top, and for one outside.

        A link that the tree put in the place of a folder does not lead to another file.
        """
        absolute = project().absolute(path)
        as_written = self._below(absolute)
        if as_written in self.names:
            return as_written
        folder, name = os.path.split(absolute)
        return self._below(os.path.join(project().real(folder), name))

    def _below(self, path: str) -> str | None:
        if path == self.top or not is_within(path, self.top):
            return None
        return os.path.relpath(path, self.top).replace(os.sep, "/")

    def path(self, inside: str) -> str:
        """Return the path on this machine of a file from the top of the repository."""
        return os.path.join(self.top, *inside.split("/"))

    def target(self, inside: str, variant: str | None = None) -> Target:
        """Return the target of a network; raises TargetError."""
        return target_at(self.repository, self.title, inside, variant)
