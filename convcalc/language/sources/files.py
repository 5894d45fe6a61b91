"""Reads network files and their imports from the folders of this machine.

:mod:`convcalc.language.sources.git` reads them from a revision of a git repository instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics.work import current
from convcalc.language.sources.gate import read, read_shipped
from convcalc.language.sources.project import is_within, project
from convcalc.language.sources.reads import look_elsewhere, note, unnoted

if TYPE_CHECKING:
    from convcalc.diagnostics.diagnostic import Diagnostic
    from convcalc.language.syntax.document_limits import Limits
    from convcalc.language.syntax.nodes import Node


class Files:
    """The files of the project that ``file`` belongs to, and those in the folder ``shipped``.

    Of each at most ``most`` bytes are read, and one more if it is larger.
    """

    def __init__(self, file: str, shipped: str, most: int) -> None:
        self.file = file
        self.shipped = shipped
        self.most = most

    @property
    def root(self) -> str:
        """The folder of the project; OSError if the current folder is gone."""
        return project().root_of(self.file)

    def read(self, path: str) -> bytes:
        """The content of a file; OSError if it cannot be read."""
        if self.is_shipped(path):
            return read_shipped(path, self.most)
        return read(path, self.most, self.root)

    def import_paths(self, file: str, name: str) -> tuple[str, str]:
        """The two paths that an import of ``file`` may mean: beside it, or a shipped file."""
        return (
            os.path.normpath(os.path.join(os.path.dirname(file), name)),
            os.path.normpath(os.path.join(self.shipped, name)),
        )

    def identity(self, path: str) -> str:
        """The same for two paths of the same file: its path after links are followed."""
        return project().real(path)

    def is_allowed(self, path: str) -> bool:
        """Whether a file lies inside the project or the shipped folder."""
        if self.is_shipped(path) or project().holds(self.identity(path), self.root):
            return True
        look_elsewhere()  # a link is not content
        return False

    def is_shipped(self, path: str) -> bool:
        """Whether a path lies inside the shipped folder; what is there is not a stranger's."""
        return is_within(os.path.normpath(path), self.shipped)

    def shipped_path(self, path: str) -> str:
        """The path of a shipped file in the shipped folder, with slashes."""
        return os.path.relpath(path, self.shipped).replace(os.sep, "/")

    def refusal(self, path: str) -> str:
        """Why a file is not allowed."""
        link, target = project().link_out(path, self.root)
        if link:
            return f"'{link}' is a link that leads out of the project, to {target}"
        return ""

    def parsed(
        self, file: str, content: bytes | str, limits: Limits
    ) -> tuple[Node | None, list[Diagnostic]]:
        """The root node of a file's content, and its problems."""
        from convcalc.language.syntax import reader  # and with it PyYAML, which takes long

        return reader.read(content, file, limits)

    def stem(self, file: str) -> str:
        """The file's name without its folder and its endings."""
        return os.path.basename(file).partition(".")[0]


class Sources(Files):
    """The files of one project, each read only once."""

    def __init__(self, file: str, shipped: str, most: int) -> None:
        super().__init__(file, shipped, most)
        self.contents: dict[str, bytes | OSError] = {}
        self.trees: dict[tuple[str, Limits], Parsed] = {}

    def read(self, path: str) -> bytes:
        """The content of a file; OSError, each time, if it cannot be read."""
        found = self.contents.get(path)
        if found is None:
            with unnoted():
                try:
                    found = super().read(path)
                except OSError as error:
                    found = error
            self.contents[path] = found
        return note(
            path, self.most, "" if self.is_shipped(path) else self.root, lambda: _given(found)
        )

    def parsed(
        self, file: str, content: bytes | str, limits: Limits
    ) -> tuple[Node | None, list[Diagnostic]]:
        """The root node of a file's content, and its problems; made once of an import that many
        files have. The work counts each time."""
        key = file, limits
        found = self.trees.get(key)
        if found is None or found.content != content:
            before = current().spent
            root, problems = super().parsed(file, content, limits)
            self.trees[key] = Parsed(content, root, problems, current().spent - before)
            return root, problems
        current().spend(found.work, "reading")
        return found.root, found.problems


class Parsed(NamedTuple):
    """A file's content as nodes, and the work that it took to read them."""

    content: bytes | str
    root: Node | None
    problems: list[Diagnostic]
    work: int


def _given(content: bytes | OSError) -> bytes:
    """The content; raises it if it is an error."""
    if isinstance(content, OSError):
        raise content
    return content


class Projects:
    """The sources of all projects to which checked files belong."""

    def __init__(self, shipped: str) -> None:
        self.shipped = shipped
        self.found: dict[tuple[str, int], Sources] = {}

    def sources(self, file: str, most: int) -> Sources:
        """The sources of the project that a file belongs to."""
        key = (project().root_of(file), most)
        if key not in self.found:
            self.found[key] = Sources(file, self.shipped, most)
        return self.found[key]
