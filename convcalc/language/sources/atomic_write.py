"""The one way to write a file: at any moment either the old or the new content is complete.

The new content is written to a temporary file in the same folder, flushed to the disk, and then
renamed. If anything fails before (a full disk, an interrupt, a power cut), the file is unchanged.
What a killed process leaves is removed by the next one that writes into the folder.

What is not a plain file, such as a terminal or a pipe, is written to as it is. Nothing is written
through a link that leads out of the project, over an input of the same run, or to one of several
names of a file (hard links), which would then no longer be the same.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from convcalc.language.sources.gate import read, require_regular
from convcalc.language.sources.project import Outside, Project, project

BEGINNING, DIGITS, ENDING = ".convcalc-", 16, ".tmp"  # of a temporary file's name
OLD = 60  # seconds after which a temporary file that nobody holds was left by a killed process
SEVERAL_NAMES = "it has several names (hard links), which would no longer be the same file"
AN_INPUT = "it is an input of this command"
_DEVICES = ("/dev/", "/proc/")


class Changed(OSError):
    """The file was changed by another process since it was read."""


def replace_file(path: str, old: bytes, new: bytes) -> None:
    """Replaces the content ``old`` by ``new``; raises OSError on failure, with the file unchanged.

    For a symbolic link, the file it points to is replaced. Permissions and extended attributes are
    kept, and owner and group where the system allows it. Raises Changed if the file no longer
    contains ``old``.
    """
    here = project()
    real = here.real(path)
    here.require(path, real, here.root_of(path))
    before = os.stat(real)
    require_regular(before)
    _require_replaceable(real, before)
    with _written_beside(real, new, before) as beside:
        if read(path, len(old)) != old:
            raise Changed(0, "the file was changed by somebody else meanwhile")
        os.replace(beside, real)


def write_file(path: str, content: bytes | Iterable[bytes]) -> None:
    """Writes a result to a file that the user names; OSError on failure, and it is unchanged.

    ``content`` may come in pieces, each written when it is made; what is raised meanwhile leaves
    the file unchanged too.
    """
    here = project()
    before = _require_output(path, here)
    if before is not None and (not stat.S_ISREG(before.st_mode) or path.startswith(_DEVICES)):
        _add(path, content, 0)
        return
    real = os.path.realpath(here.absolute(path))
    if before is not None:
        _require_replaceable(real, before)
    with _written_beside(real, content, before) as beside:
        os.replace(beside, real)


def write_entry(path: str, content: bytes) -> None:
    """Writes a file that may get lost, beside those of other processes; OSError on failure."""
    with _written_beside(path, content, None, lasting=False) as beside:
        os.replace(beside, path)


def append_file(path: str, content: bytes) -> None:
    """Appends to a file that the user names, to which others may write too; OSError on failure."""
    _require_output(path, project())
    _add(path, content, os.O_CREAT)


def _require_output(path: str, here: Project) -> os.stat_result | None:
    """Return what is at the place where a result is to be written; OSError if nothing may be
    written there.
    """
    if not here.allow_outside:
        link, target = here.link_out(path, here.folder)
        if link and not path.startswith(_DEVICES):
            raise Outside(0, f"'{link}' is a link that leads out of the project, to {target}")
    try:
        before = os.stat(path)
    except FileNotFoundError:
        return None
    except ValueError:
        raise OSError(0, "no file can have this name") from None
    if stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(0, "it is a folder")
    if stat.S_ISREG(before.st_mode) and _is_input(before, here):
        raise OSError(0, AN_INPUT)
    return before


def _require_replaceable(real: str, found: os.stat_result) -> None:
    """Raises OSError for a file that is write-protected or has several names."""
    if found.st_nlink > 1:
        raise OSError(0, SEVERAL_NAMES)
    if not os.access(real, os.W_OK):
        raise PermissionError(0, "the file is write-protected")


def _is_input(found: os.stat_result, here: Project) -> bool:
    """Whether a file was read in this run, under whatever name."""
    place = (found.st_dev, found.st_ino)
    inputs = set(here.inputs)
    names: list[str | int] = [*here.names, 0]  # 0 is stdin
    for name in names:
        with suppress(OSError, ValueError):
            read_before = os.stat(name)
            inputs.add((read_before.st_dev, read_before.st_ino))
    return place in inputs


def _add(path: str, content: bytes | Iterable[bytes], flags: int) -> None:
    """Writes to the end of a file, or into a pipe or device; if that fails, a file is as before."""
    flags |= os.O_WRONLY | os.O_APPEND | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise OSError(0, "nobody reads from it") if error.errno == errno.ENXIO else error from None
    try:
        os.set_blocking(descriptor, True)
        before = os.fstat(descriptor)
        try:
            _write_all(descriptor, content)
        except OSError:
            if stat.S_ISREG(before.st_mode):
                with suppress(OSError):
                    os.ftruncate(descriptor, before.st_size)
            raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes | Iterable[bytes]) -> None:
    for piece in (content,) if isinstance(content, bytes) else content:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


# --- the temporary file --------------------------------------------------------------------------


@contextmanager
def _written_beside(
    real: str,
    content: bytes | Iterable[bytes],
    like: os.stat_result | None,
    *,
    lasting: bool = True,
) -> Iterator[str]:
    """A temporary file with the content, beside a file that it is to replace; it is held open.

    Afterwards it is gone, or else was renamed, and if it is to be ``lasting``, the folder is
    flushed to the disk.
    """
    folder = os.path.dirname(real)
    remove_left_over(folder)
    beside = os.path.join(folder, f"{BEGINNING}{os.urandom(DIGITS // 2).hex()}{ENDING}")
    mode = 0o666 if like is None else 0o600
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        _hold(descriptor)
        _write_all(descriptor, content)
        if like is not None:
            _make_alike(descriptor, like, real)
        if lasting:
            os.fsync(descriptor)
        yield beside
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    finally:
        os.close(descriptor)
    if lasting:
        _sync_folder(folder)


def _make_alike(descriptor: int, like: os.stat_result, real: str) -> None:
    """Gives a file the owner, permissions and extended attributes of another, as far as allowed."""
    with suppress(OSError, AttributeError):  # not everybody may, and not every system can
        os.fchown(descriptor, like.st_uid, like.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
    with suppress(OSError, AttributeError):
        for name in os.listxattr(real):
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(real, name))


def _hold(descriptor: int) -> bool:
    """Marks a file as in use until it is closed; false if another process has done so."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # a system or disk without such marks
        return True
    return True


def remove_left_over(folder: str) -> None:
    """Removes the temporary files that killed processes left in a folder, and nothing else.

    Those are the user's own plain files with such a name that are old and that nobody holds.
    """
    with suppress(OSError):
        for name in os.listdir(folder):
            if is_temporary(name):
                with suppress(OSError):
                    _remove_if_left(os.path.join(folder, name))


def is_temporary(name: str) -> bool:
    """Whether a file has the name of a temporary one."""
    digits = name[len(BEGINNING) : -len(ENDING)]
    is_named = name.startswith(BEGINNING) and name.endswith(ENDING) and len(digits) == DIGITS
    return is_named and frozenset("0123456789abcdef").issuperset(digits)


def _remove_if_left(path: str) -> None:
    before = os.lstat(path)
    if not stat.S_ISREG(before.st_mode) or before.st_uid != os.geteuid():
        return
    if time.time() - before.st_mtime < OLD:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.path.samestat(before, os.fstat(descriptor)) and _hold(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _sync_folder(folder: str) -> None:
    """Flushes the new name to the disk, on systems that can synchronise folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
