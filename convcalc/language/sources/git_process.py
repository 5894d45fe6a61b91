"""Runs git so that nothing of a repository's settings runs, and so that it cannot hang.

Every call names the repository, fetches nothing, runs no hook and no monitor, and is waited for
only so long. Of the environment's GIT_* variables only those reach it that do not redirect it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.language.sources.project import project
from convcalc.language.sources.target import TargetError

if TYPE_CHECKING:
    from subprocess import Popen

PATIENCE = 6.0  # seconds that a run waits for git, all in all
MOST_OUTPUT = 16 * 2**20  # bytes of one answer that are kept
MOST_LISTED = 256 * 2**20  # bytes of a list of names, of which some are kept
SAVED = "or compare with a report that was saved by: convcalc show … -f json -o old.json"

SAFE = (
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "protocol.allow=never"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.sshCommand=false"),
    *("-c", "credential.helper="),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)
# What the user's settings are, what hooks of a server need, and where git itself is.
_KEPT = (
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
    "GIT_EXEC_PATH",
    "GIT_TEST_ASSUME_DIFFERENT_OWNER",
)
OF_REPOSITORY = ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")  # which must lie inside it


class Hung(TargetError):
    """Git took too long."""


class Answer(NamedTuple):
    """The output of a git command, and its exit code."""

    code: int
    out: bytes
    err: str


class Git:
    """Runs git commands in a folder; ``arguments`` name the repository.

    ``variables`` are those of the environment that belong to this repository.
    """

    def __init__(
        self, folder: str, arguments: Sequence[str] = (), variables: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.folder = folder
        self.arguments = tuple(arguments)
        self.environment = environment() | dict(variables)

    def run(self, *arguments: str, endings: tuple[bytes, ...] = ()) -> Answer:
        """The answer of a command; TargetError if it takes too long or prints too much.

        If ``endings`` are given, only those names of a list are kept that have one.
        """
        process = self.start(*arguments)
        try:
            assert process.stdin
            process.stdin.close()
            out, err = self._collect(process, endings)
            return Answer(self._wait(process), out, err.decode("utf-8", "surrogateescape"))
        finally:
            end(process)

    def start(self, *arguments: str, quiet: bool = False) -> Popen[bytes]:
        """Starts a command; TargetError if git cannot be started."""
        import subprocess

        try:
            return subprocess.Popen(
                [_program(), *SAFE, *self.arguments, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
                bufsize=0,
                cwd=self.folder,
                env=self.environment,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TargetError(f"git cannot be started: {reason}", SAVED[3:]) from None

    def receive(self, pipe: Any) -> bytes:
        """The next bytes from a pipe, none at its end; Hung if they do not come."""
        self._await([pipe])
        return os.read(pipe.fileno(), 2**16)

    def _collect(self, process: Popen[bytes], endings: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        """Return what a process prints to stdout and to stderr."""
        printed: dict[Any, bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
        kept = bytearray()
        waiting = list(printed)
        size = 0
        while waiting:
            for pipe in self._await(waiting):
                found = os.read(pipe.fileno(), 2**20)
                size += len(found)
                printed[pipe] += found
                if not found:
                    waiting.remove(pipe)
                if endings and pipe is process.stdout:
                    kept += _with_endings(printed[pipe], endings)
                if size > MOST_LISTED or sum(map(len, (kept, *printed.values()))) > MOST_OUTPUT:
                    raise TargetError("git lists more files than are read", "name a smaller folder")
        out, err = printed.values()
        return bytes(kept if endings else out), bytes(err)

    def _await(self, pipes: Sequence[Any]) -> list[Any]:
        """Those of the pipes that have something to say; Hung if none has in time."""
        import select

        if not hasattr(select, "poll"):
            return list(pipes)
        by_number = {pipe.fileno(): pipe for pipe in pipes}
        poll = select.poll()
        for number in by_number:
            poll.register(number, select.POLLIN)
        here = project()
        began = time.monotonic()
        ready = poll.poll(max(0, PATIENCE - here.waited) * 1000)
        here.waited += time.monotonic() - began
        if not ready:
            raise Hung(f"git took more than {PATIENCE:g} seconds", SAVED[3:])
        return [by_number[number] for number, _ in ready]

    def _wait(self, process: Popen[bytes]) -> int:
        import subprocess

        try:
            return process.wait(PATIENCE)  # it has closed its pipes already
        except subprocess.TimeoutExpired:
            raise Hung(f"git took more than {PATIENCE:g} seconds", SAVED[3:]) from None


def _with_endings(listed: bytearray, endings: tuple[bytes, ...]) -> bytes:
    """Takes the whole names out of a list, and returns those that have one of the endings."""
    whole, _, rest = listed.rpartition(b"\0")
    listed[:] = rest
    return b"".join(bytes(n) + b"\0" for n in whole.split(b"\0") if n.endswith(endings))


def end(process: Popen[bytes]) -> None:
    """Ends git, which only reads here and so can be killed at any time."""
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if pipe:
                pipe.close()
    process.wait()


def environment() -> dict[str, str]:
    """The environment for git: English messages, no locks, no prompts, no fetching."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    return kept | {
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",  # stronger than protocol.allow, which a repository can widen
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _program() -> str:
    """The path of git; a folder that PATH names relative to the current one may be a stranger's."""
    for folder in os.get_exec_path():
        path = os.path.join(folder, "git")
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise TargetError("git is not installed", f"install git, {SAVED}")
