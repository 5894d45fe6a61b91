"""Results that were computed before, kept in the user's cache folder until they are out of date.

An entry is a file named by a digest of what was asked: the build of convcalc, the options, the
target. It holds which files were read, with a digest of each, and the result; it counts only if all
of them are as they were. It is written beside and renamed, so that processes may share the folder;
what a crash leaves of one does not count. The folder has an upper size: it is split by the first
two digits of the names, and of each part the entries that were used least recently go first.

A pull request must not be able to place entries, so a folder inside the project is never used, and
only one that nobody else may write into.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

from convcalc.language.sources.gate import read, reason, stat_mapped
from convcalc.language.sources.project import is_within, project
from convcalc.language.sources.reads import (
    MAPPED,
    Reads,
    digest,
    state_of,
    state_of_mapped,
    unnoted,
)
from convcalc.language.sources.target import TargetError

VARIABLE = "CONVCALC_CACHE_DIR"
FORMAT = "1"  # of the entries
MOST_ENTRY = 512 * 2**10  # bytes of an entry
MOST_PART = 2**20  # bytes of a part of the folder, of which there are 256
UNUSED = 86_400  # seconds after which a use of an entry is noted
_NAME = 38  # digits of an entry
_DIGITS = frozenset("0123456789abcdef")
_TAG = "CACHEDIR.TAG"  # see https://bford.info/cachedir
_TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# Results kept by convcalc.\n"


Reading = Callable[[str, int, str], bytes]


class Kept:
    """The results in one folder; ``build`` is what makes them."""

    __slots__ = ("_states", "build", "folder")

    def __init__(self, folder: str, build: str) -> None:
        self.folder = folder
        self.build = build
        self._states: dict[tuple[str, int, str], str] = {}

    def key(self, *words: str) -> str:
        """The name of the result for these words, here and with these limits."""
        from convcalc.diagnostics.work import current

        here = project()
        ambient = (self.build, here.start, here.given, str(here.allow_outside))
        allowed = repr(sorted(current().allowed.items()))
        parts = (*ambient, allowed, *words)
        return digest(*(os.fsencode(part) for part in map(_encodable, parts)))

    def find(self, key: str, reading: Reading = read) -> tuple[str, Reads] | None:
        """The result of a name, and what it was made of; None if there is none or it is out of
        date. ``reading`` reads a file as the gate does."""
        path = self._path(key)
        with unnoted():
            try:
                content = read(path, MOST_ENTRY, "")
            except OSError:
                return None
            parsed = _parse(content)
            if parsed is None or not self._holds(parsed[1], reading):
                return None
        with suppress(OSError):
            if time.time() - os.stat(path).st_mtime > UNUSED:
                os.utime(path)
        return parsed

    def _holds(self, reads: Reads, reading: Reading) -> bool:
        """Whether all files are as they were."""
        return all(self._state(asked, reading) == state for asked, state in reads.found.items())

    def _state(self, asked: tuple[str, int, str], reading: Reading) -> str:
        """The state of a file now; looked at once."""
        if asked not in self._states:
            self._states[asked] = _state(asked, reading)
        return self._states[asked]

    def keep(self, key: str, reads: Reads, result: str) -> None:
        """Keeps a result; that it cannot be is not an error."""
        from convcalc.language.sources.atomic_write import write_entry

        content = _text(reads, result)
        if not reads.is_complete or len(content) > MOST_ENTRY:
            return
        path = self._path(key)
        with suppress(OSError):
            part = os.path.dirname(path)
            if not os.path.isdir(part):
                _make_folder(self.folder)
                os.makedirs(part, 0o700, exist_ok=True)
            write_entry(path, content)
            _shrink(part)

    def _path(self, key: str) -> str:
        return os.path.join(self.folder, key[:2], key[2:])


def _state(asked: tuple[str, int, str], reading: Reading) -> str:
    """The state of a file, as it was asked for."""
    path, most, root = asked
    try:
        if most == MAPPED:
            return state_of_mapped(stat_mapped(path, root))
        return state_of(path, root, reading(path, most, root))
    except OSError as error:
        return state_of(path, root, error)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


# --- one entry ---------------------------------------------------------------------------------


def _text(reads: Reads, result: str) -> bytes:
    """The content of an entry: a digest of all that follows, the files, the result."""
    lines = [
        f"{state} {most} {os.fsencode(root).hex() or '-'} {os.fsencode(path).hex() or '-'}"
        for (path, most, root), state in reads.found.items()
    ]
    rest = "\n".join([*lines, "", result]).encode("utf-8", "surrogatepass")
    return f"{digest(rest)}\n".encode() + rest


def _parse(content: bytes) -> tuple[str, Reads] | None:
    """The result and the files of an entry; None if it is damaged."""
    checksum, _, rest = content.partition(b"\n")
    if checksum.decode("latin-1") != digest(rest):
        return None
    head, _, result = (
        rest.partition(b"\n\n") if not rest.startswith(b"\n") else (b"", b"", rest[1:])
    )
    reads = Reads()
    for line in head.decode("ascii").split("\n") if head else ():
        state, most, root, path = line.split(" ")
        reads.found[_name(path), int(most), _name(root)] = state
    return result.decode("utf-8", "surrogatepass"), reads


def _name(word: str) -> str:
    return "" if word == "-" else os.fsdecode(bytes.fromhex(word))


# --- the folder --------------------------------------------------------------------------------


class Place(NamedTuple):
    """The folder of kept results; ``refusal`` says why it is not used, ``stated`` whether the user
    named it."""

    folder: str
    refusal: str = ""
    stated: bool = False


def place() -> Place:
    """Where results are kept: the folder that the user names, or one in that of all caches."""
    stated = os.environ.get(VARIABLE, "")
    folder = os.path.abspath(stated) if stated else _usual_folder()
    if not folder:
        return Place("", "there is no home folder")
    return Place(folder, _refusal(folder), bool(stated))


def _usual_folder() -> str:
    """The folder for convcalc among the caches of the user; empty if there is none."""
    if caches := os.environ.get("XDG_CACHE_HOME", ""):
        return os.path.join(caches, "convcalc") if os.path.isabs(caches) else ""
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return ""
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "convcalc")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(local, "convcalc", "cache")
    return os.path.join(home, ".cache", "convcalc")


def _refusal(folder: str) -> str:
    """Why a folder cannot hold results; empty if it can."""
    here = project()
    real = os.path.realpath(folder)
    if is_within(real, here.real(here.folder)) or is_within(real, here.real(here.start)):
        return "it lies inside the project, where a pull request could place results"
    try:
        found = os.stat(folder)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return reason(error)
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder"
    if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
        return "somebody else may write into it"
    return ""


def open_kept() -> Kept | None:
    """The kept results; None if none are: in a checkout, whose code may change at any time, they
    are only if the user names the folder. TargetError if that one cannot be used."""
    build = _build()
    if not build and not os.environ.get(VARIABLE):
        return None
    found = place()
    if found.refusal and found.stated:
        message = f"no results can be kept in {found.folder}: {found.refusal}"
        raise TargetError(message, f"name another folder in {VARIABLE}, or write --no-cache")
    return None if found.refusal else Kept(found.folder, build or _state_of_code())


def _build() -> str:
    """Identify the build that makes the results, as a wheel was built, with the packages that print
    them; empty in a checkout.
    """
    try:
        build = getattr(import_module("convcalc.trees"), "BUILD", "")
    except ImportError:
        return ""
    if not build:
        return ""
    packages = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    others = sorted(name for name in os.listdir(packages) if _prints(name))
    return " ".join((FORMAT, build, sys.version, *others))


def _prints(name: str) -> bool:
    """Whether a folder tells the version of a package on which the text of results depends."""
    return name.endswith(".dist-info") and name.lower().startswith(("rich-", "pyyaml-", "typer-"))


def _state_of_code() -> str:
    """A digest of when the files of a checkout were changed."""
    from convcalc.language.sources.shipped import shipped_folder

    package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    words = [FORMAT, sys.version]
    for top in (package, str(shipped_folder())):
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                if name.endswith((".py", ".yaml", ".json")):
                    found = os.stat(os.path.join(folder, name))
                    words.append(f"{folder} {name} {found.st_mtime_ns} {found.st_size}")
    return digest(*(word.encode("utf-8", "surrogateescape") for word in sorted(words)))


def _make_folder(folder: str) -> None:
    """Makes the folder of all entries, marked as a cache for programs that make backups."""
    from convcalc.language.sources.atomic_write import write_entry

    if not os.path.isdir(folder):
        os.makedirs(folder, 0o700, exist_ok=True)
    tag = os.path.join(folder, _TAG)
    if not os.path.exists(tag):
        write_entry(tag, _TAG_TEXT)


def entries_in(part: str) -> list[tuple[float, int, str]]:
    """The entries in a part of the folder: when they were used, their sizes and paths."""
    found = []
    with suppress(OSError), os.scandir(part) as entries:
        for entry in entries:
            if (
                len(entry.name) == _NAME
                and _DIGITS.issuperset(entry.name)
                and entry.is_file(follow_symlinks=False)
            ):
                known = entry.stat(follow_symlinks=False)
                found.append((known.st_mtime, known.st_size, entry.path))
    return found


def _shrink(part: str) -> None:
    """Removes what was used least recently if a part is too large."""
    entries = entries_in(part)
    size = sum(each for _, each, _ in entries)
    if size <= MOST_PART:
        return
    for _, each, path in sorted(entries):
        if size <= MOST_PART * 3 // 4:
            break
        with suppress(OSError):
            os.unlink(path)
            size -= each
