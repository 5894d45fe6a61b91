"""The program in a ``.pt2`` file: a JSON text in a zip archive, beside weights that stay unread."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import Any

from convcalc.importing.foreign import Content, Unreadable

MOST_TEXT = 64 * 2**20  # bytes of the program, unpacked
MOST_RATIO = 200  # of a packed text to what it unpacks to
MOST_DIRECTORY = 64 * 2**20  # bytes of the list of entries

# How torch.export names it in an archive, today and until PyTorch 2.7.
_PROGRAM = re.compile(r"(?:[^/]+/)?models/[^/]+\.json|serialized_exported_program\.json")
_END = b"PK\x05\x06"  # begins the end of the list of entries
_END_SIZE = 22


def program_text(content: Content) -> bytes:
    """The JSON text of the only program of an archive; Unreadable if there is none."""
    view = memoryview(content)
    _check_directory(view)
    try:
        with zipfile.ZipFile(_Window(view)) as archive:
            entries = [each for each in archive.infolist() if _PROGRAM.fullmatch(each.filename)]
            if not entries:
                raise Unreadable(
                    "the archive holds no program of torch.export",
                    "save one with torch.export.save(torch.export.export(model, inputs), FILE)",
                )
            entry = min(entries, key=lambda each: (not _is_main(each.filename), each.filename))
            return _text(archive, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise Unreadable(f"the archive is damaged: {error}") from None
    except (RuntimeError, struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise Unreadable(f"the archive cannot be read: {error}") from None


def _is_main(name: str) -> bool:
    return name.endswith(("models/model.json", "serialized_exported_program.json"))


def _text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MOST_TEXT:
        raise Unreadable(f"its program is larger than {MOST_TEXT // 2**20} MiB")
    if entry.file_size > MOST_RATIO * max(entry.compress_size, 1 << 10):
        raise Unreadable(f"its program is packed more than {MOST_RATIO} to one")
    with archive.open(entry) as file:
        found = file.read(MOST_TEXT + 1)
    if len(found) > MOST_TEXT:
        raise Unreadable(f"its program is larger than {MOST_TEXT // 2**20} MiB")
    return found


def _check_directory(view: memoryview) -> None:
    """Raises Unreadable if the archive has no list of entries, or one that is too long to read."""
    tail = bytes(view[-(_END_SIZE + (1 << 16)) :])
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise Unreadable("the archive has no list of entries; the file is cut off, perhaps")
    size = struct.unpack_from("<I", tail, at + 12)[0]
    if size == 0xFFFFFFFF:  # stated by the larger form of the end, which comes before
        larger = tail.rfind(b"PK\x06\x06", 0, at)
        size = struct.unpack_from("<Q", tail, larger + 40)[0] if 0 <= larger <= at - 56 else 0
    if size > MOST_DIRECTORY:
        raise Unreadable(f"the archive's list of entries is larger than {MOST_DIRECTORY >> 20} MiB")


class _Window(io.RawIOBase):
    """The bytes of a file as a file, without a copy."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if base + offset < 0:
            raise OSError(22, "a place before the start")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        part = self._view[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
