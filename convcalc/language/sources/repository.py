"""The one git repository of a run: that of the folder where convcalc was started, or of --root.

It is never looked for from a folder further inside: a tree can hold what looks like a repository.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence

from convcalc.diagnostics.suggestion import nearest, use
from convcalc.language.sources.git_objects import FOLDER, Entry, Objects
from convcalc.language.sources.git_process import OF_REPOSITORY, SAVED, Answer, Git
from convcalc.language.sources.project import GIT, is_within, project, upward
from convcalc.language.sources.reads import look_elsewhere
from convcalc.language.sources.target import NoRevision, TargetError, unreadable

NO_REPOSITORY = "the folder is not in a git repository"
_SHALLOW = "this clone is shallow"
_DEEPEN = f"{_SHALLOW}; fetch the rest by: git fetch --unshallow (actions/checkout: fetch-depth: 0)"
ALTERNATES = "GIT_ALTERNATE_OBJECT_DIRECTORIES"
_KNOWN = 16  # repositories that are kept; a run has one


def repository(wanted: str = "") -> Repository:
    """The repository of this run; TargetError says why ``wanted`` cannot be read without one."""
    look_elsewhere()
    here = project()
    try:
        start = here.real(here.given or here.start)
    except OSError as error:
        raise unreadable(wanted or "the repository", error) from None
    key = (start, os.getpid())  # a forked process must not read from its parent's pipe
    try:
        if key not in _found:
            if len(_found) >= _KNOWN:
                _found.clear()
            _found[key] = Repository(start)
        return _found[key]
    except TargetError as error:
        words = f"cannot read {wanted}: {error.message}" if wanted else error.message
        raise type(error)(words, error.help) from None


_found: dict[tuple[str, int], Repository] = {}


class Repository:
    """A git repository: its commits, the files of a commit, and the files that are tracked.

    ``top`` is the folder of its files, empty for a bare one; ``prefix`` leads from there to the
    folder where convcalc was started. Paths are relative to ``top``, with ``/`` between the parts.
    """

    def __init__(self, start: str) -> None:
        self.top, self.git_dir, self.is_shallow, variables = _located(start)
        place = [f"--git-dir={self.git_dir}"]
        place += [f"--work-tree={self.top}"] if self.top else []
        self.prefix = _relative(start, self.top) if self.top else ""
        self.git = Git(self.top or self.git_dir, place, variables)
        self.objects = Objects(self.git)

    # --- revisions ------------------------------------------------------------------------------

    def commit(self, name: str) -> str:
        """The hash of a revision's commit; TargetError if there is none."""
        return self._merge_base(name) if "..." in name else self._named_commit(name)

    def _named_commit(self, name: str) -> str:
        found = self.objects.find(f"{name}^{{commit}}") if name else None
        if found is None:
            kind = TargetError if self.is_shallow else NoRevision  # it may be there, not here
            raise kind(f"unknown revision '{name}'", self._advice(name))
        return found[0]

    def _merge_base(self, name: str) -> str:
        """The hash of the merge base of ``A...B``."""
        one, _, other = name.partition("...")
        commits = [self._named_commit(each or "HEAD") for each in (one, other)]
        answer = self.git.run("merge-base", *commits)
        if answer.code:
            message = f"the two sides of '{name}' have no commit in common"
            raise TargetError(message, _DEEPEN if self.is_shallow else "")
        return answer.out.decode().strip()

    def _advice(self, name: str) -> str:
        """Advice on how to get a revision that this clone does not have."""
        remote, _, branch = name.partition("/")
        if self.is_shallow:
            fetch = f"git fetch --depth=1 {remote} {branch}:refs/remotes/{name}"
            return f"{_SHALLOW}; fetch it by: {fetch}" if remote == "origin" else _DEEPEN
        if close := nearest(
            name, self._words("for-each-ref", "--count=1000", "--format=%(refname:short)")
        ):
            return use(close)
        if branch and remote in self._words("remote"):
            return f"fetch it by: git fetch {remote} {branch}"
        return "'git branch --all' and 'git tag' list them"

    def _words(self, *arguments: str) -> list[str]:
        return os.fsdecode(self.git.run(*arguments).out).split()

    # --- the files of a commit ------------------------------------------------------------------

    def content(self, commit: str, path: str, most: int) -> bytes:
        """The bytes of a file at a commit; links are followed within it.

        FileNotFoundError if there is none, OSError if it is larger than ``most``, if it is not a
        file, or if it lies in a submodule, behind a link out of the repository or not in the clone.
        """
        look_elsewhere()
        found = self.entry(commit, path)
        if found.mode == FOLDER:
            raise IsADirectoryError(0, "it is a folder")
        return self.objects.content(found.hash, most)

    def entry(self, commit: str, path: str) -> Entry:
        """Return what is at a path of a commit; raises as :meth:`content` does."""
        return self.objects.entry(self._tree(commit), path)

    def has(self, commit: str, path: str) -> bool:
        """Whether there is a file or folder at a path of a commit."""
        try:
            return bool(self.entry(commit, path))
        except OSError:
            return False

    def names(
        self, commit: str, folder: str, *, deep: bool = False, endings: tuple[str, ...] = ("",)
    ) -> list[str]:
        """The paths of the files in a folder of a commit; none if there is no such folder.

        With ``deep``, those in folders below it too, if they have one of the endings.
        """
        try:
            found = self.entry(commit, folder)
        except FileNotFoundError:
            return []
        if found.mode != FOLDER:
            return []
        below = f"{folder}/" if folder else ""
        if not deep:
            return [below + name for name in self.objects.tree(found.hash)]
        listing = ("ls-tree", "-z", "--name-only", "-r", "--full-tree", found.hash)
        answer = self.git.run(*listing, endings=tuple(map(os.fsencode, endings)))
        if answer.code:
            raise TargetError(f"git cannot list the files of {folder or 'the commit'}", SAVED[3:])
        return [below + name for name in _split(answer)]

    def _tree(self, commit: str) -> str:
        found = self.objects.find(f"{commit}^{{tree}}")
        if found is None:
            raise OSError(0, "its content is not in this clone")
        return found[0]

    # --- the files of the working tree ----------------------------------------------------------

    def tracked(self, *endings: str) -> list[str]:
        """The paths of the files that git tracks, with one of the endings if any are given.

        None in a bare repository.
        """
        if not self.top:
            return []
        patterns = [f":(glob,top)**/*{ending}" for ending in endings]
        answer = self.git.run("ls-files", "-z", "--full-name", "--", *patterns)
        if answer.code:
            reason = answer.err.partition("\n")[0].removeprefix("fatal: ")
            raise TargetError(f"git cannot list the tracked files: {reason}")
        return _split(answer)

    def path_of(self, file: str) -> str:
        """The path in the repository of a file on this machine; TargetError if it is outside."""
        absolute = project().absolute(file)
        if not is_within(absolute, self.top):
            folder, name = os.path.split(absolute)
            absolute = os.path.join(os.path.realpath(folder), name)
        if not self.top or not is_within(absolute, self.top):
            place = self.top or self.git_dir
            message = f"{file} lies outside the repository {place}, from which convcalc was started"
            raise TargetError(message, "start convcalc in the file's repository, or give --root")
        return _relative(absolute, self.top).rstrip("/")

    def path(self, path: str) -> str:
        """Converts a path as git understands it to a path from the top of the repository.

        TargetError for an absolute path, and for one that leads out of the repository.
        """
        if path.startswith("/"):
            message = f"'{path}' is not a path in a repository"
            raise TargetError(message, "it counts from the top of the repository, without a /")
        if path.startswith(("./", "../")) or path in (".", ".."):
            path = posixpath.normpath(posixpath.join(self.prefix, path))
        if path == ".." or path.startswith("../"):
            raise TargetError(f"'{path}' leads out of the repository")
        return path.rstrip("/") if path != "." else ""

    @property
    def project(self) -> str:
        """The path of the project where convcalc was started; empty for the whole repository."""
        here = project()
        root = here.real(here.folder)
        return _relative(root, self.top).rstrip("/") if is_within(root, self.top) else ""


def _split(answer: Answer) -> list[str]:
    return [os.fsdecode(name) for name in answer.out.split(b"\0") if name]


def _relative(path: str, folder: str) -> str:
    """The path from a folder to one inside it, with a slash at its end; empty for itself."""
    found = os.path.relpath(path, folder).replace(os.sep, "/")
    return "" if found == "." else f"{found}/"


# --- where it is -----------------------------------------------------------------------------


def _located(start: str) -> tuple[str, str, bool, Sequence[tuple[str, str]]]:
    """The folder of its files, its own folder, whether it is shallow, and variables that it needs.

    Raises TargetError if there is none, and if git does not trust its owner.
    """
    if not os.path.isdir(start):
        raise TargetError(f"{start} is not a folder")
    top = _folder_with_git(start)
    if top:
        git_dir, shallow = _asked(Git(top))
    elif _looks_like_repository(start):
        git_dir, shallow = _asked(Git(start, ["-c", "safe.bareRepository=all"]))
        if os.path.realpath(git_dir) != start:
            raise NoRevision(NO_REPOSITORY, f"run it in a repository, {SAVED}")
    elif given := os.environ.get("GIT_DIR"):
        git_dir, shallow = _asked(Git(start, [f"--git-dir={os.path.join(start, given)}"]))
        top = os.path.realpath(os.path.join(start, os.environ.get("GIT_WORK_TREE", "")))
    else:
        raise NoRevision(NO_REPOSITORY, f"run it in a repository, {SAVED}")
    return top, git_dir, shallow, _variables(start, git_dir)


def _asked(git: Git) -> tuple[str, bool]:
    """The folder of the repository that git finds, and whether it is shallow."""
    answer = git.run("rev-parse", "--is-shallow-repository", "--absolute-git-dir")
    if answer.code:
        words = answer.err.partition("\n")[0].removeprefix("fatal: ")
        if "not a git repository" in words:
            raise NoRevision(NO_REPOSITORY, f"run it in a repository, {SAVED}")
        advice = f"run it in a repository, {SAVED}"
        if "dubious ownership" in words:
            words = f"the repository at {git.folder} belongs to somebody else"
            advice = f"if you trust it: git config --global --add safe.directory {git.folder}"
        raise TargetError(words, advice)
    shallow, _, git_dir = os.fsdecode(answer.out).partition("\n")
    return git_dir.removesuffix("\n"), shallow == "true"


def _folder_with_git(start: str) -> str:
    """The nearest folder upward with a repository in ``.git``; empty if there is none."""
    ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    for at in upward(start):
        if at != start and at in ceilings:
            break
        path = os.path.join(at, GIT)
        if os.path.isfile(path) or _looks_like_repository(path):
            return at
    return ""


def _looks_like_repository(folder: str) -> bool:
    return all(os.path.lexists(os.path.join(folder, name)) for name in ("HEAD", "objects", "refs"))


def _variables(start: str, git_dir: str) -> list[tuple[str, str]]:
    """The variables that a hook of this repository was given: a new index, objects just received.

    Those of another repository are left out: they would redirect git.
    """
    real = os.path.realpath(git_dir)
    given = os.path.realpath(os.path.join(start, os.environ.get("GIT_DIR", git_dir)))
    if os.path.isfile(given) or given != real:  # a .git file has been followed by git already
        given = real if os.path.join(start, GIT) == given else given
    if given != real:
        return []
    found = []
    for name in OF_REPOSITORY:
        path = os.path.join(start, os.environ.get(name, ""))
        if name in os.environ and is_within(os.path.realpath(path), real):
            found.append((name, path))
    if "GIT_OBJECT_DIRECTORY" in dict(found) and ALTERNATES in os.environ:
        found.append((ALTERNATES, os.environ[ALTERNATES]))
    return found
