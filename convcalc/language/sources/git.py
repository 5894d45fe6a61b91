"""Reads networks as they were at a revision of a git repository: ``REV:path``, as in git.

The path is relative to the top of the repository, or to the current folder if it begins with
``./`` or ``../``. ``A...B`` is the merge base of two branches; B defaults to HEAD. Imports come
from the same revision, then from the shipped files. Nothing is ever fetched.
"""

from __future__ import annotations

import posixpath

from convcalc.diagnostics.suggestion import nearest, use
from convcalc.language.sources.files import Files
from convcalc.language.sources.gate import advice, read_shipped, reason
from convcalc.language.sources.git_objects import NotInClone
from convcalc.language.sources.project import MARKS
from convcalc.language.sources.repository import Repository, repository
from convcalc.language.sources.shipped import ENDINGS, shipped_folder
from convcalc.language.sources.target import Target, TargetError

DOCUMENT_BYTES = 256 * 1024  # of a network, unless its reader has another limit
MODEL_BYTES = 512 * 2**20  # of a model of another program, which is held as a whole
TEXTS = (".yaml", ".yml")  # how files of the language end
MOST_FILES = 10_000  # networks of one folder at a revision


class MissingFile(TargetError):
    """The revision exists, but does not contain the file."""


def resolve(target: str) -> Target:
    """The target of ``REV:path`` or ``REV:path::variant`` in the repository of this run.

    Raises TargetError without git, outside a repository and for an unknown revision; MissingFile
    if the revision does not contain the file.
    """
    dated, _, variant = target.partition("::")
    name, _, path = dated.partition(":")
    found = repository(dated)
    inside = found.path(path)
    most = DOCUMENT_BYTES if inside.endswith(TEXTS) else MODEL_BYTES
    return target_at(found, name, inside, variant or None, most)


def earlier(target: Target, revision: str, most: int = DOCUMENT_BYTES) -> Target:
    """The file of a target as it was at a revision; raises the errors of :func:`resolve`.

    It is not read if it has more than ``most`` bytes.
    """
    if target.text is not None or target.files is not None:
        raise TargetError(f"{target.file} has no history", "name a file of a git repository")
    found = repository(f"{revision}:{target.file}")
    if not target.file.endswith(TEXTS):
        most = max(most, MODEL_BYTES)
    return target_at(found, revision, found.path_of(target.file), target.variant, most)


def files_at(word: str) -> dict[str, Target]:
    """The network files below ``REV:folder``, by their path below it.

    Raises TargetError for an unknown revision. Empty if the revision has no such folder.
    """
    name, _, path = word.partition(":")
    found = repository(word)
    folder = found.path(path)
    try:
        paths = found.names(found.commit(name), folder, deep=True, endings=ENDINGS)
    except OSError as error:
        raise TargetError(f"cannot read {word}: {reason(error)}", advice(error)) from None
    if len(paths) > MOST_FILES:
        message = f"{word} has more than {MOST_FILES:,} network files"
        raise TargetError(message, "name a smaller folder")
    below = f"{folder}/" if folder else ""
    return {
        each.removeprefix(below): Target(f"{name}:{each}", files=Revision(found, name, each))
        for each in paths
    }


def target_at(
    found: Repository, name: str, path: str, variant: str | None, most: int = DOCUMENT_BYTES
) -> Target:
    """The target of a file at a revision; MissingFile or TargetError if it cannot be read."""
    file = f"{name}:{path}"
    try:
        revision = Revision(found, name, path, most)
        return Target(file, variant, revision.read(file), revision)
    except FileNotFoundError:
        raise _missing_file(found, name, path) from None
    except NotInClone as error:
        help_ = "it is a partial clone, or the repository is damaged; git fsck tells which"
        raise TargetError(f"cannot read {file}: {reason(error)}", help_) from None
    except OSError as error:
        raise TargetError(f"cannot read {file}: {reason(error)}") from None


def _missing_file(found: Repository, name: str, path: str) -> TargetError:
    """The error for a file that a revision does not contain."""
    commit = found.commit(name)
    beside = f"{found.prefix}{path}"
    if beside != path and found.has(commit, beside):
        return MissingFile(
            f"revision '{name}' has no file '{path}' at the top of the repository",
            f"{use(f'{name}:./{path}')} for the one in this folder",
        )
    close = nearest(path, found.names(commit, posixpath.dirname(path)))
    return MissingFile(
        f"revision '{name}' has no file '{path}'", use(f"{name}:{close}") if close else ""
    )


class Revision(Files):
    """The files of a repository at one commit; a file's name is ``revision:path``.

    Imports lie in the project where convcalc was started; those of a file elsewhere in the nearest
    folder around it that has a mark of a project at that revision.
    """

    def __init__(self, found: Repository, name: str, path: str, most: int = DOCUMENT_BYTES) -> None:
        self.repository = found
        self.name = name
        self.commit = found.commit(name)
        self.folder = self._project(posixpath.dirname(path))
        super().__init__(path, str(shipped_folder()), most)

    def with_most(self, most: int) -> Revision:
        """The same files, of which up to ``most`` bytes are read."""
        found = Revision.__new__(Revision)
        vars(found).update(vars(self), most=most)
        return found

    @property
    def root(self) -> str:
        """The folder of the project, with the revision."""
        return f"{self.name}:{self.folder}"

    def _project(self, folder: str) -> str:
        """The path of the project that a folder belongs to; empty for the whole repository."""
        started = self.repository.project
        if not started or folder == started or folder.startswith(f"{started}/"):
            return started
        while folder:
            marks = (posixpath.join(folder, mark) for mark in MARKS)
            if any(self.repository.has(self.commit, mark) for mark in marks):
                return folder
            folder = posixpath.dirname(folder)
        return ""

    def path(self, file: str) -> str | None:
        """The path within the repository; None for a shipped file."""
        mark = f"{self.name}:"
        return file.removeprefix(mark) if file.startswith(mark) else None

    def read(self, path: str) -> bytes:
        """The content of a file at the revision, or of a shipped file; OSError if it fails."""
        inside = self.path(path)
        if inside is None:
            return read_shipped(path, self.most)
        return self.repository.content(self.commit, inside, self.most)

    def import_paths(self, file: str, name: str) -> tuple[str, str]:
        """The two paths that an import may mean: beside its file, or among the shipped files."""
        near, far = super().import_paths(file, name)
        inside = self.path(file)
        if inside is not None:
            joined = posixpath.join(posixpath.dirname(inside), name)
            near = f"{self.name}:{posixpath.normpath(joined)}"
        return near, far

    def identity(self, path: str) -> str:
        """The same for two paths of the same file: where it stands after links are followed."""
        inside = self.path(path)
        if inside is None:
            return super().identity(path)
        try:
            return f"{self.name}:{self.repository.entry(self.commit, inside).path}"
        except OSError:
            return path

    def is_allowed(self, path: str) -> bool:
        """Whether a file lies inside the project or the shipped folder."""
        inside = self.path(path)
        if inside is None:
            return self.is_shipped(path)
        if self.folder:
            return inside.startswith(f"{self.folder}/")
        return inside != ".." and not inside.startswith(("/", "../"))

    def stem(self, file: str) -> str:
        """The file's name without revision, folder and endings."""
        return super().stem(self.path(file) or file)
