"""Reads networks as they were at a revision of a git repository: ``REV:path``, as in git.

The path is relative to the top of the repository, or to the current folder if it begins with
``./`` or ``../``. ``A...B`` is the merge base of two branches; B defaults to HEAD. Imports come
from the same revision, then from the shipped files. Nothing is ever fetched.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics.suggestion import nearest, use
from convcalc.language.sources.files import PROJECT_MARKS, Files
from convcalc.language.sources.shipped import ENDINGS, shipped_folder
from convcalc.language.sources.target import Target, TargetError

if TYPE_CHECKING:
    from subprocess import CompletedProcess, Popen

SAVED = "or compare with a report that was saved by: convcalc show … -f json -o old.json"


class MissingFile(TargetError):
    """The revision exists, but does not contain the file."""


def resolve(target: str) -> Target:
    """The target of ``REV:path`` or ``REV:path::variant`` in the current folder's repository.

    Raises TargetError without git, outside a repository and for an unknown revision; MissingFile
    if the revision does not contain the file.
    """
    dated, _, variant = target.partition("::")
    name, _, path = dated.partition(":")
    repository = repository_of(os.curdir, dated)
    return repository.target(name, repository.path(path), variant or None)


def earlier(target: Target, revision: str) -> Target:
    """The file of a target as it was at a revision; raises the errors of :func:`resolve`."""
    if target.text is not None or target.files is not None:
        raise TargetError(f"{target.file} has no history", "name a file of a git repository")
    file = os.path.realpath(target.file)
    repository = repository_of(os.path.dirname(file), f"{revision}:{target.file}")
    path = os.path.relpath(file, os.path.realpath(repository.top)).replace(os.sep, "/")
    return repository.target(revision, path, target.variant)


def files_at(word: str) -> dict[str, Target]:
    """The network files below ``REV:folder``, by their path below it.

    Raises TargetError for an unknown revision. Empty if the revision has no such folder.
    """
    name, _, path = word.partition(":")
    repository = repository_of(os.curdir, word)
    folder = repository.path(path)
    below = f"{folder}/" if folder else ""
    listed = repository.names(repository.commit(name), folder, deep=True)
    paths = [each for each in listed if each.endswith(ENDINGS) and each.startswith(below)]
    return {each.removeprefix(below): repository.target(name, each, None) for each in paths}


def tracked_files(folder: str, *patterns: str) -> list[str] | None:
    """The files below a folder that git tracks and a pattern matches, by their path from there.

    None without git, or if the folder is in no repository.
    """
    try:
        answer = _git(folder, "ls-files", "-z", "--", *patterns)
    except TargetError:
        return None
    if answer.returncode:
        return None
    return list(filter(None, os.fsdecode(answer.stdout).split("\0")))


def repository_of(folder: str, wanted: str) -> Repository:
    """The repository that contains a folder; TargetError says that ``wanted`` cannot be read."""
    try:
        return _repository(os.path.realpath(folder), os.getpid())
    except TargetError as error:
        raise TargetError(f"cannot read {wanted}: {error.message}", error.help) from None


@lru_cache(maxsize=8)
def _repository(folder: str, _process: int) -> Repository:
    """Cached per process, because a forked process must not read from its parent's pipe."""
    return Repository(folder)


class Revision(Files):
    """The files of a repository at one commit; a file's name is ``revision:path``."""

    def __init__(self, repository: Repository, name: str, path: str) -> None:
        self.repository = repository
        self.name = name
        self.commit = repository.commit(name)
        self.folder = self._project(posixpath.dirname(path))
        super().__init__(f"{name}:{self.folder}", str(shipped_folder()))

    def _project(self, folder: str) -> str:
        """The nearest folder that has one of PROJECT_MARKS; empty for the whole repository."""
        while folder:
            if any(self._has(posixpath.join(folder, mark)) for mark in PROJECT_MARKS):
                return folder
            folder = posixpath.dirname(folder)
        return ""

    def _has(self, path: str) -> bool:
        with suppress(OSError):
            return self.repository.content(self.commit, path) is not None
        return False

    def path(self, file: str) -> str | None:
        """The path within the repository; None for a shipped file."""
        mark = f"{self.name}:"
        return file.removeprefix(mark) if file.startswith(mark) else None

    def read(self, path: str) -> bytes:
        """The content of a file at the revision, or of a shipped file; OSError if it fails."""
        inside = self.path(path)
        if inside is None:
            return super().read(path)
        return self.repository.content(self.commit, inside)

    def import_paths(self, file: str, name: str) -> tuple[str, str]:
        """The two paths that an import may mean: beside its file, or among the shipped files."""
        near, far = super().import_paths(file, name)
        inside = self.path(file)
        if inside is not None:
            joined = posixpath.join(posixpath.dirname(inside), name)
            near = f"{self.name}:{posixpath.normpath(joined)}"
        return near, far

    def is_allowed(self, path: str) -> bool:
        """Whether a file lies inside the project or the shipped folder."""
        inside = self.path(path)
        if inside is None:
            return self.is_shipped(path)
        if self.folder:
            return inside.startswith(f"{self.folder}/")
        return not inside.startswith(("/", "../"))

    def stem(self, file: str) -> str:
        """The file's name without revision, folder and endings."""
        return super().stem(self.path(file) or file)


class Repository:
    """A git repository, read through one ``git cat-file --batch``; not thread-safe."""

    def __init__(self, folder: str) -> None:
        asked = ("--show-toplevel", "--is-shallow-repository", "--show-prefix")
        answer = _git(folder, "rev-parse", *asked)
        if answer.returncode:
            words = answer.stderr.decode(errors="replace").partition("\n")[0]
            if "not a git repository" in words:
                words = "the folder is in no git repository"
            raise TargetError(words.removeprefix("fatal: "), f"run it in a repository, {SAVED}")
        self.top, shallow, self.prefix = answer.stdout.decode(errors="replace").split("\n")[:3]
        self.is_shallow = shallow == "true"
        self._batch: Popen[bytes] | None = None
        self._stop: Callable[[], Any] | None = None

    def target(self, name: str, path: str, variant: str | None) -> Target:
        """The target of a file at a revision; MissingFile or TargetError if it cannot be read."""
        revision = Revision(self, name, path)
        file = f"{name}:{path}"
        try:
            return Target(file, variant, revision.read(file), revision)
        except FileNotFoundError:
            raise self._missing_file(revision, path) from None
        except OSError as error:
            raise TargetError(f"cannot read {file}: {error.strerror or error}") from None

    def path(self, path: str) -> str:
        """Converts a path as git understands it to a path from the top of the repository."""
        if path.startswith(("./", "../")) or path in (".", ".."):
            path = posixpath.normpath(posixpath.join(self.prefix, path))
        return path.rstrip("/") if path != "." else ""

    def commit(self, name: str) -> str:
        """The hash of a revision's commit; TargetError if there is none."""
        return self._merge_base(name) if "..." in name else self._named_commit(name)

    def _named_commit(self, name: str) -> str:
        found = self._object(f"{name}^{{commit}}") if name else None
        if found is None:
            raise TargetError(f"no revision is called '{name}'", self._advice(name))
        return found[0]

    def _merge_base(self, name: str) -> str:
        """The hash of the merge base of ``A...B``."""
        one, _, other = name.partition("...")
        commits = [self._named_commit(each or "HEAD") for each in (one, other)]
        answer = _git(self.top, "merge-base", *commits)
        if answer.returncode:
            message = f"the two sides of '{name}' have no commit in common"
            raise TargetError(message, _DEEPEN if self.is_shallow else "")
        return answer.stdout.decode().strip()

    def _advice(self, name: str) -> str:
        """Advice on how to get a revision that this clone does not have."""
        remote, _, branch = name.partition("/")
        if self.is_shallow:
            fetch = f"git fetch --depth=1 {remote} {branch}:refs/remotes/{name}"
            return f"{_SHALLOW}; fetch it by: {fetch}" if remote == "origin" else _DEEPEN
        listed = _git(self.top, "for-each-ref", "--format=%(refname:short)").stdout.decode()
        if close := nearest(name, listed.split()):
            return use(close)
        is_remote = branch and remote in _git(self.top, "remote").stdout.decode().split()
        if is_remote:
            return f"fetch it by: git fetch {remote} {branch}"
        return "'git branch --all' and 'git tag' list them"

    def _missing_file(self, revision: Revision, path: str) -> TargetError:
        """The error for a file that a revision does not contain."""
        if _git(self.top, "ls-tree", revision.commit, "--", path).stdout:
            message = f"cannot read {revision.name}:{path}: its content is not in this clone"
            return TargetError(message, "it is a partial clone, or the path leads out by a link")
        folder = posixpath.dirname(path)
        beside = f"{self.prefix}{path}"
        if beside != path and revision._has(beside):
            return MissingFile(
                f"revision '{revision.name}' has no file '{path}' at the top of the repository",
                f"{use(f'{revision.name}:./{path}')} for the one in this folder",
            )
        close = nearest(path, self.names(revision.commit, folder))
        advice = use(f"{revision.name}:{close}") if close else ""
        return MissingFile(f"revision '{revision.name}' has no file '{path}'", advice)

    def names(self, commit: str, folder: str, *, deep: bool = False) -> list[str]:
        """The paths of the files in a folder of a commit."""
        options = ("-z", "--name-only", *(["-r"] if deep else []))
        place = [f"{folder}/"] if folder else []
        answer = _git(self.top, "ls-tree", *options, "--full-tree", commit, "--", *place)
        return list(filter(None, answer.stdout.decode(errors="replace").split("\0")))

    # --- objects --------------------------------------------------------------------------------

    def content(self, commit: str, path: str) -> bytes:
        """The content of a file at a commit; follows links within it. OSError if none."""
        found = self._object(f"{commit}:{path}")
        if found is None:
            raise FileNotFoundError(path)
        _, kind, content = found
        if kind != "blob":
            raise IsADirectoryError(0, "it is a folder")
        return content

    def _object(self, name: str) -> tuple[str, str, bytes] | None:
        """The name, kind and content of an object; None if there is none."""
        if "\n" in name:
            return None
        send, receive = self._pipes()
        send.write(os.fsencode(f"{name}\n"))
        send.flush()
        header = receive.readline().decode(errors="replace").rstrip("\n")
        if found := re.fullmatch(r"([0-9a-f]{40,64}) (\w+) (\d+)", header):
            return found[1], found[2], receive.read(int(found[3]) + 1)[:-1]
        if odd := re.fullmatch(r"(?:symlink|dangling|loop|notdir) (\d+)", header):
            receive.read(int(odd[1]) + 1)
        elif not header and self._stop:  # git exited: a partial clone could not fetch the object
            self._stop()
            self._batch = None
        return None

    def _pipes(self) -> tuple[Any, Any]:
        """The input and output of the running ``git cat-file``, which is started if necessary."""
        if self._batch is None:
            import subprocess
            from weakref import finalize

            self._batch = subprocess.Popen(
                ["git", "-C", self.top, "cat-file", "--batch", "--follow-symlinks"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
            self._stop = finalize(self, _stop_process, self._batch)
        return self._batch.stdin, self._batch.stdout


_SHALLOW = "this clone is shallow"
_DEEPEN = f"{_SHALLOW}; fetch the rest by: git fetch --unshallow (actions/checkout: fetch-depth: 0)"


def _stop_process(process: Popen[bytes]) -> None:
    """Kills ``git cat-file``, which only reads and so can be killed at any time."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            pipe.close()  # type: ignore[union-attr]
    process.wait()


def _git(folder: str, *arguments: str) -> CompletedProcess[bytes]:
    """Runs a git command in a folder; TargetError if git is not installed."""
    import subprocess

    command = ["git", "-C", folder, *arguments]
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=_environment(),
        )
    except OSError:
        raise TargetError("git is not installed", f"install git, {SAVED}") from None


def _environment() -> dict[str, str]:
    """The environment for git: English messages, no locks, no prompts, no fetching."""
    return os.environ | {
        "LC_ALL": "C",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
