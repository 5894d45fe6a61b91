"""A file replaced by a new version of itself, so that at any moment one of the two is whole.

The new content is written beside the file, brought to the disk, and only then given the file's
name. Whatever happens before (a full disk, an interrupt, a power cut) leaves the file as it was.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress


class Changed(OSError):
    """The file is not what was read before; somebody else writes to it."""


def replace_file(path: str, old: bytes, new: bytes) -> None:
    """Puts ``new`` in the place of ``old``; OSError if that fails, and the file is as it was.

    A link keeps pointing where it does, and what it points to is replaced. Permissions stay,
    and owner and group where the system allows it. Changed if the file does not hold ``old``.
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
    """A new file with the permissions of another, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        with suppress(OSError, AttributeError):  # not everybody may, and not every system can
            os.fchown(descriptor, like.st_uid, like.st_gid)
        os.chmod(path, stat.S_IMODE(like.st_mode))
        os.fsync(descriptor)


def _sync_folder(folder: str) -> None:
    """The new name reaches the disk too, where a folder can be synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
