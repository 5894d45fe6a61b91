"""Replaces the content of a file atomically: at any moment either the old or the new is complete.

The new content is written to a temporary file in the same folder, flushed to the disk, and then
renamed. If anything fails before (a full disk, an interrupt, a power cut), the file is unchanged.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress


class Changed(OSError):
    """The file was changed by another process since it was read."""


def replace_file(path: str, old: bytes, new: bytes) -> None:
    """Replaces the content ``old`` by ``new``; raises OSError on failure, with the file unchanged.

    For a symbolic link, the file it points to is replaced. Permissions are kept, and owner and
    group where the system allows it. Raises Changed if the file no longer contains ``old``.
    """
    real = os.path.realpath(path)
    before = os.stat(real)
    if not os.access(real, os.W_OK):
        raise PermissionError(13, "the file is write-protected", path)
    folder = os.path.dirname(real)
    beside = os.path.join(folder, f".convcalc-{os.urandom(8).hex()}.tmp")
    try:
        _write(beside, new, before)
        with open(real, "rb") as file:
            if file.read() != old:
                raise Changed(0, "the file was changed by somebody else meanwhile", path)
        os.replace(beside, real)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _write(path: str, content: bytes, like: os.stat_result) -> None:
    """Creates a file with the permissions of another and flushes it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        with suppress(OSError, AttributeError):  # not everybody may, and not every system can
            os.fchown(descriptor, like.st_uid, like.st_gid)
        os.chmod(path, stat.S_IMODE(like.st_mode))
        os.fsync(descriptor)


def _sync_folder(folder: str) -> None:
    """Flushes the new name to the disk, on systems that can synchronise folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
