"""Reads files for ``check``: each file once, and only regular files of limited size."""

from __future__ import annotations

import os
import stat

from convcalc.language.sources.files import Files, project_root
from convcalc.language.sources.shipped import shipped_folder


class Sources(Files):
    """The files of one project, each read only once, up to ``limit`` + 1 bytes.

    Reading raises OSError for anything but a regular file, and if the file changes meanwhile.
    """

    def __init__(self, root: str, limit: int) -> None:
        super().__init__(root, str(shipped_folder()))
        self.limit = limit
        self.contents: dict[str, bytes | OSError] = {}

    def read(self, path: str) -> bytes:
        """The content of a file; OSError, each time, if it cannot be read."""
        found = self.contents.get(path)
        if found is None:
            try:
                found = read_regular_file(path, self.limit)
            except OSError as error:
                found = error
            self.contents[path] = found
        if isinstance(found, OSError):
            raise found
        return found


class Projects:
    """The sources of all projects to which checked files belong."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, int], Sources] = {}
        self.roots: dict[str, str] = {}

    def sources(self, file: str, limit: int) -> Sources:
        """The sources of the project that a file belongs to."""
        folder = os.path.dirname(file)
        if folder not in self.roots:
            self.roots[folder] = project_root(file or "here")
        key = (self.roots[folder], limit)
        if key not in self.found:
            self.found[key] = Sources(*key)
        return self.found[key]


def read_regular_file(path: str, limit: int) -> bytes:
    """The bytes of a regular file, at most ``limit`` + 1, which shows that it is too large.

    Raises OSError for anything but a regular file, and if it changes while it is read.
    """
    # Without O_NONBLOCK, opening a pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(0, "it is a folder")
        if not stat.S_ISREG(before.st_mode):
            raise OSError(0, "it is no plain file")
        found = file.read(limit + 1)
        after = os.fstat(descriptor)
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    if changed or len(found) < min(before.st_size, limit + 1):
        raise OSError(0, "it changed while it was read; run the check again")
    return found
