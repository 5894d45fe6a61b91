"""The one way to read a file: regular files of the project only, and never more than a limit.

What is checked is what was opened, not its name before: a name can be changed in between.
:mod:`convcalc.language.sources.atomic_write` is the one way to write.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from convcalc.language.sources.project import ALLOW, Outside, Project, project
from convcalc.language.sources.reads import note, note_mapped

if TYPE_CHECKING:
    from mmap import mmap

SETTINGS_BYTES = 256 * 1024  # of a settings file, or a file of patterns
REPORT_BYTES = 20 * 2**20  # of a saved report

# Without O_NONBLOCK, opening a pipe would wait for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
CHANGED = "it changed while it was read; run this again"


def read(path: str, most: int, root: str | None = None) -> bytes:
    """The bytes of a file, at most ``most`` + 1, which shows that it is larger.

    ``root`` is the folder that it must lie in: by default that of the project to which its name
    belongs; empty for anywhere, for files that no stranger can place. OSError for anything but a
    regular file inside it, and if it changes meanwhile.
    """
    here = project()
    inside = here.root_of(path) if root is None else root
    return note(path, most, inside, lambda: _read(path, most, here, inside))


def read_all(path: str, most: int, root: str | None = None) -> bytes:
    """The bytes of a file; OSError also if they are more than ``most``."""
    content = read(path, most, root)
    if len(content) > most:
        raise OSError(0, too_large(most))
    return content


def read_shipped(path: str, most: int) -> bytes:
    """Like :func:`read`, for a file that is part of convcalc, wherever it is installed."""
    return note(path, most, "", lambda: _read(path, most, project(), ""))


def too_large(most: int) -> str:
    """The words for a file of more bytes than are read."""
    size = f"{most // 2**20} MiB" if most >= 2**20 and not most % 2**20 else f"{most:,} bytes"
    return f"it is too large: more than {size}"


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, in lower case."""
    if error.errno:
        return (error.strerror or str(error)).lower()
    return error.strerror or str(error)


def advice(error: OSError) -> str:
    """Return what can be done about it; often nothing."""
    return ALLOW if isinstance(error, Outside) else ""


def read_mapped(path: str, most: int, root: str | None = None) -> bytes | mmap:
    """A file of which most is never looked at, as memory; OSError also if it is larger than
    ``most``."""
    here = project()
    inside = here.root_of(path) if root is None else root
    with _opened(path, here, inside) as (file, before):
        note_mapped(path, inside, before)
        if before.st_size > most:
            raise OSError(0, too_large(most))
        if not before.st_size:
            return b""
        from mmap import ACCESS_READ, mmap

        return mmap(file.fileno(), 0, access=ACCESS_READ)


def stat_mapped(path: str, root: str) -> os.stat_result:
    """Return what the system says of a file that may be read, of which the content is not looked
    at.
    """
    with _opened(path, project(), root) as (_, found):
        return found


@contextmanager
def _opened(path: str, here: Project, root: str) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """An open file that may be read, and what is known of it."""
    if root and not here.allow_outside:  # before it is looked at: nobody learns whether it exists
        here.require(path, here.real(path), root)
    descriptor = _open(path)
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        require_regular(before)
        if root and not here.allow_outside:
            here.require(path, _path_of(descriptor, path), root)
        here.inputs.add((before.st_dev, before.st_ino))
        yield file, before


def _read(path: str, most: int, here: Project, root: str) -> bytes:
    with _opened(path, here, root) as (file, before):
        descriptor = file.fileno()
        found = file.read(most + 1)
        after = os.fstat(descriptor)
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    if changed or len(found) < min(before.st_size, most + 1):
        raise OSError(0, CHANGED)
    return found


def _open(path: str) -> int:
    try:
        require_regular(os.stat(path))  # for a device, opening alone can do something
        return os.open(path, _FLAGS)
    except ValueError:
        raise OSError(0, "no file can have this name") from None


def require_regular(found: os.stat_result) -> None:
    """Raises OSError for a folder, a pipe, a socket or a device."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(0, "it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a regular file")


def _path_of(descriptor: int, path: str) -> str:
    """The real path of an open file."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        real = os.path.realpath(path)
        if not os.path.samestat(os.stat(real), os.fstat(descriptor)):
            raise OSError(0, CHANGED) from None
        return real
