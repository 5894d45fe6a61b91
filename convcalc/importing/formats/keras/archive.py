"""One member of a zip file, without looking at the others.

Nothing is written and nothing else is unpacked; a member that is larger than it may be is refused
before it is in memory. Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16.
"""

from __future__ import annotations

import struct
import zlib

from convcalc.importing.foreign import Content, Unreadable

MOST_MEMBERS = 10_000
_END, _END64, _LOCATOR, _ENTRY, _LOCAL = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"
_STORED, _DEFLATED = 0, 8


def member(content: Content, name: str, most: int) -> bytes:
    """The bytes of a member; Unreadable if it is not there, damaged, or more than ``most``."""
    try:
        return _member(content, name.encode(), most)
    except (struct.error, zlib.error) as error:
        raise Unreadable(f"its archive is damaged ({error})", element=name) from None


def _member(content: Content, name: bytes, most: int) -> bytes:
    count, at = _directory(content)
    if count > MOST_MEMBERS:
        raise Unreadable(f"its archive has more than {MOST_MEMBERS:,} members")
    for _ in range(count):
        if content[at : at + 4] != _ENTRY:
            raise Unreadable("the directory of its archive is damaged")
        flags, method = struct.unpack_from("<HH", content, at + 8)
        packed, size, length, extra, comment = struct.unpack_from("<IIHHH", content, at + 20)
        if content[at + 46 : at + 46 + length] == name:
            (start,) = struct.unpack_from("<I", content, at + 42)
            if flags & 1:
                raise Unreadable("its archive is encrypted", element=name.decode())
            return _unpacked(content, name.decode(), start, packed, size, method, most)
        at += 46 + length + extra + comment
    raise Unreadable(f"its archive holds no {name.decode()}")


def _directory(content: Content) -> tuple[int, int]:
    """How many members there are, and where the first is listed."""
    end = content.rfind(_END, max(0, len(content) - 65_557))
    if end < 0:
        raise Unreadable("its archive has no directory; the file is cut off, perhaps")
    count, _, at = struct.unpack_from("<HII", content, end + 10)
    if count == 0xFFFF or at == 0xFFFFFFFF:
        if content[max(0, end - 20) : max(0, end - 16)] != _LOCATOR:
            raise Unreadable("the directory of its archive is damaged")
        (where,) = struct.unpack_from("<Q", content, end - 12)
        if content[where : where + 4] != _END64:
            raise Unreadable("the directory of its archive is damaged")
        count, _, at = struct.unpack_from("<QQQ", content, where + 32)
    return count, at


def _unpacked(
    content: Content, name: str, at: int, packed: int, size: int, method: int, most: int
) -> bytes:
    if size > most:
        raise Unreadable(f"{name} is larger than {most // 2**20} MiB", element=name)
    if content[at : at + 4] != _LOCAL:
        raise Unreadable("its archive is damaged", element=name)
    length, extra = struct.unpack_from("<HH", content, at + 26)
    start = at + 30 + length + extra
    data = bytes(content[start : start + packed])
    if method == _DEFLATED:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
    elif method != _STORED:
        raise Unreadable(f"{name} is compressed by method {method}", element=name)
    if len(data) != size:
        raise Unreadable(f"{name} is not of the size that its archive says", element=name)
    return data
