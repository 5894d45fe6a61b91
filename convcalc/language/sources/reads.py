"""Which files a result was made of, so that it holds until one of them changes.

While they are noted, :mod:`convcalc.language.sources.gate` tells every file that is read. What
depends on anything else, such as a revision of git or a program, cannot be noted; then nothing can
be said of the result.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from convcalc.language.sources.project import project

try:
    from _blake2 import blake2b  # hashlib would load all of OpenSSL
except ImportError:
    from hashlib import blake2b

MAPPED = -1  # in place of the limit: a file of which most is never looked at
SETTLED = 2 * 10**9  # nanoseconds after which a further change shows in the time of the last one
UNREADABLE = "!"  # before the digest of the reason why a file cannot be read


class Reads:
    """The files that were read, by path, limit of bytes and folder that they must lie in, with a
    digest of each; ``is_complete`` unless something else was looked at as well."""

    __slots__ = ("found", "is_complete")

    def __init__(self) -> None:
        self.found: dict[tuple[str, int, str], str] = {}
        self.is_complete = True

    def add(self, path: str, most: int, root: str, content: bytes | OSError) -> None:
        """Notes a file with its content, or the error if it cannot be read."""
        self.found[path, most, root] = state_of(path, root, content)


def digest(*parts: bytes) -> str:
    """The same for the same bytes, and for no others."""
    found = blake2b(digest_size=20)
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


def state_of(path: str, root: str, content: bytes | OSError) -> str:
    """The digest of a file's content and of where links lead to it."""
    if isinstance(content, OSError):
        reason = content.strerror or str(content)
        return UNREADABLE + digest(
            type(content).__name__.encode(), reason.encode("utf-8", "replace")
        )
    here = project()
    real = os.path.relpath(here.real(path), here.real(root)) if root else ""
    return digest(os.fsencode(real), content)


def state_of_mapped(found: os.stat_result) -> str:
    """Which file it is, how large, and when it was changed: any writing sets the time of the last
    change of its status, and nobody can set that back."""
    times = found.st_mtime_ns, found.st_ctime_ns
    return "=" + "-".join(map(str, (found.st_dev, found.st_ino, found.st_size, *times)))


@contextmanager
def noted() -> Iterator[Reads]:
    """Notes the files that are read within."""
    here = project()
    found = Reads()
    before, here.reads = here.reads, found
    try:
        yield found
    finally:
        here.reads = before


@contextmanager
def unnoted() -> Iterator[None]:
    """Files that are read within are not noted."""
    here = project()
    before, here.reads = here.reads, None
    try:
        yield
    finally:
        here.reads = before


def note(path: str, most: int, root: str, read: Callable[[], bytes]) -> bytes:
    """Return what ``read`` returns, or raise its OSError, for a file, noted if files are."""
    found: Reads | None = project().reads
    if found is None:
        return read()
    try:
        content = read()
    except OSError as error:
        found.add(path, most, root, error)
        raise
    found.add(path, most, root, content)
    return content


def note_mapped(path: str, root: str, found: os.stat_result) -> None:
    """Notes a file whose content is mapped; what was just changed may change without a sign."""
    reads: Reads | None = project().reads
    if reads is None:
        return
    reads.found[path, MAPPED, root] = state_of_mapped(found)
    if os.name != "posix" or time.time_ns() - found.st_ctime_ns < SETTLED:
        reads.is_complete = False


def look_elsewhere() -> None:
    """Tells that what is done depends on more than on files that can be noted."""
    found = project().reads
    if found is not None:
        found.is_complete = False
