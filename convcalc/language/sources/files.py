"""Reads network files and their imports from the folders of this machine.

:mod:`convcalc.language.sources.git` reads them from a revision of a git repository instead.
"""

from __future__ import annotations

import os


class Files:
    """The files in a project's folder ``root`` and in the folder ``shipped``."""

    def __init__(self, root: str, shipped: str) -> None:
        self.root = root
        self.shipped = shipped

    def read(self, path: str) -> bytes:
        """The content of a file; OSError if it cannot be read."""
        with open(path, "rb") as file:
            return file.read()

    def import_paths(self, file: str, name: str) -> tuple[str, str]:
        """The two paths that an import of ``file`` may mean: beside it, or a shipped file."""
        return (
            os.path.normpath(os.path.join(os.path.dirname(file), name)),
            os.path.normpath(os.path.join(self.shipped, name)),
        )

    def is_allowed(self, path: str) -> bool:
        """Whether a file lies inside the project or the shipped folder."""
        return self.is_in(self.root, path) or self.is_shipped(path)

    def is_shipped(self, path: str) -> bool:
        """Whether a file lies inside the shipped folder."""
        return self.is_in(self.shipped, path)

    @staticmethod
    def is_in(folder: str, path: str) -> bool:
        """Whether a file lies inside a folder after links are resolved."""
        return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)

    def stem(self, file: str) -> str:
        """The file's name without its folder and its endings."""
        return os.path.basename(file).partition(".")[0]


def project_root(file: str) -> str:
    """The nearest folder around a file that has one of PROJECT_MARKS, else the file's own."""
    start = os.path.dirname(os.path.realpath(file))
    folder = start
    while not any(os.path.exists(os.path.join(folder, mark)) for mark in PROJECT_MARKS):
        if os.path.dirname(folder) == folder:
            return start
        folder = os.path.dirname(folder)
    return folder


PROJECT_MARKS = (".git", "pyproject.toml", "convcalc.toml")
