"""The files of a commit, found by walking its trees, so that a name can hold any byte.

Sizes are asked before anything is read. Links are followed inside the commit only.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.language.sources.gate import too_large
from convcalc.language.sources.git_process import Git, end
from convcalc.language.sources.project import Outside
from convcalc.language.sources.target import TargetError

if TYPE_CHECKING:
    from subprocess import Popen

TREE_BYTES = 8 * 2**20  # of the list of one folder
LINK_BYTES = 4096  # of the path that a link holds
MOST_HOPS = 40  # links on one path, as in Linux
MOST_PARTS = 1000  # folders on one path
MOST_CACHED = 100_000  # names of folders that are kept
FOLDER, LINK, SUBMODULE = "40000", "120000", "160000"


class NotInClone(OSError):
    """The commit has the file, but this clone does not have its content."""


class Entry(NamedTuple):
    """An entry of a folder of a commit: its mode, and the hash of its object.

    ``path`` is where it stands after links are followed, if it was asked for by a path.
    """

    mode: str
    hash: str
    path: str = ""


class Objects:
    """The objects of a repository, read through two running ``git cat-file``; not thread-safe."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self.asking = _CatFile(git, "--batch-check")
        self.reading = _CatFile(git, "--batch")
        self.trees: dict[str, dict[str, Entry]] = {}
        self.cached = 0

    def find(self, name: str) -> tuple[str, str, int] | None:
        """The hash, kind and size of an object; None if there is none of that name."""
        if not name or name.startswith("-") or "\n" in name or "\0" in name:
            return None
        return self.asking.header(name)

    def content(self, hash_: str, most: int, kind: str = "blob") -> bytes:
        """The bytes of an object; OSError if it is larger, of another kind or not here."""
        found = self.find(hash_)
        if found is None:
            raise NotInClone(0, "its content is not in this clone")
        if found[1] != kind:
            raise OSError(0, "the repository is damaged: it is neither a file nor a folder")
        if found[2] > most:
            raise OSError(0, too_large(most))
        if self.reading.header(hash_) is None:
            raise NotInClone(0, "its content is not in this clone")
        return self.reading.take(found[2] + 1)[:-1]

    def tree(self, hash_: str) -> dict[str, Entry]:
        """The entries of a folder by name."""
        found = self.trees.get(hash_)
        if found is None:
            found = _parse_tree(self.content(hash_, TREE_BYTES, "tree"), len(hash_) // 2)
            if self.cached > MOST_CACHED:
                self.trees.clear()
                self.cached = 0
            self.trees[hash_] = found
            self.cached += len(found)
        return found

    def entry(self, top: str, path: str) -> Entry:
        """Return what is at a path below the folder ``top``; links are followed within it.

        FileNotFoundError if there is nothing, Outside if a link leads out of ``top``, OSError for
        a path into a submodule and for links that go around.
        """
        folders = [Entry(FOLDER, top)]  # those around the present place, and it itself
        names: list[str] = []
        todo = path.split("/")[::-1]
        hops = 0
        if len(todo) > MOST_PARTS:
            raise OSError(0, "its path is too long")
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not names:
                    raise Outside(0, "its path leads out of the repository")
                folders.pop()
                names.pop()
                continue
            if folders[-1].mode != FOLDER:
                raise FileNotFoundError(0, "there is no such file")
            found = self.tree(folders[-1].hash).get(part)
            shown = "/".join([*names, part])
            if found is None:
                raise FileNotFoundError(0, "there is no such file")
            if found.mode == SUBMODULE:
                raise OSError(0, f"'{shown}' is a submodule, which is a repository of its own")
            if found.mode != LINK:
                folders.append(found)
                names.append(part)
                continue
            hops += 1
            target = os.fsdecode(self.content(found.hash, LINK_BYTES))
            if hops > MOST_HOPS or len(todo) > MOST_PARTS:
                raise OSError(0, f"'{shown}' is a link that leads back to itself")
            if target.startswith("/") or _climbs(target, len(names)):
                words = f"'{shown}' is a link that leads out of the repository, to {target}"
                raise Outside(0, words)
            todo += target.split("/")[::-1]
        return folders[-1]._replace(path="/".join(names))

    def end(self) -> None:
        """Ends the processes."""
        self.asking.end()
        self.reading.end()


def _climbs(target: str, depth: int) -> bool:
    """Whether the target of a link leads out of the repository by its dots."""
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def _parse_tree(content: bytes, width: int) -> dict[str, Entry]:
    """The entries of a tree object; ``width`` is the number of bytes of a hash."""
    found: dict[str, Entry] = {}
    at = 0
    try:
        while at < len(content):
            space = content.index(b" ", at)
            zero = content.index(b"\0", space)
            name = os.fsdecode(content[space + 1 : zero])
            mode = content[at:space].decode("ascii").lstrip("0")
            found[name] = Entry(mode, content[zero + 1 : zero + 1 + width].hex())
            at = zero + 1 + width
    except ValueError:
        raise TargetError("a folder of the repository is damaged", "git fsck finds it") from None
    return found


class _CatFile:
    """A running ``git cat-file`` that answers one name after another."""

    def __init__(self, git: Git, option: str) -> None:
        self.git = git
        self.option = option
        self.process: Popen[bytes] | None = None
        self.stop: Any = None
        self.rest = bytearray()

    def header(self, name: str) -> tuple[str, str, int] | None:
        """The hash, kind and size of an object; None if there is none, or if git gave up."""
        process = self.running()
        with suppress(BrokenPipeError):
            process.stdin.write(os.fsencode(f"{name}\n"))  # type: ignore[union-attr]
        while b"\n" not in self.rest and self.receive():
            pass
        line, ended, _ = bytes(self.rest).partition(b"\n")
        if not ended:  # git ended: it could not fetch what a partial clone does not have
            self.end()
            return None
        del self.rest[: len(line) + 1]
        found = re.fullmatch(rb"([0-9a-f]{40,64}) (\w+) (\d+)", line)
        return (found[1].decode(), found[2].decode(), int(found[3])) if found else None

    def take(self, count: int) -> bytes:
        """The next bytes of the answer."""
        while len(self.rest) < count:
            if not self.receive():
                raise OSError(0, "git ended before it was read")
        found = bytes(self.rest[:count])
        del self.rest[:count]
        return found

    def receive(self) -> bool:
        """Waits for more of the answer; whether there was any."""
        try:
            found = self.git.receive(self.running().stdout)
        except TargetError:
            self.end()
            raise
        self.rest += found
        return bool(found)

    def running(self) -> Popen[bytes]:
        """The process, which is started if necessary."""
        if self.process is None:
            from weakref import finalize

            self.process = self.git.start("cat-file", self.option, quiet=True)
            self.stop = finalize(self, end, self.process)
        return self.process

    def end(self) -> None:
        """Ends the process; what it had still to say is lost."""
        if self.stop:
            self.stop()
        self.process = None
        self.rest.clear()
