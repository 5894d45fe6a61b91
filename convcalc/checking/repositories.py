"""The budget files of a run, and which of their budgets apply to which network file."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from convcalc.checking.budgets.repository import FILE, read_budgets
from convcalc.checking.configuration import Configuration
from convcalc.checking.patterns import path_regex
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.reading import with_allowed
from convcalc.language.sources.plain_files import read_regular_file
from convcalc.language.sources.target import TargetError


class Repository:
    """One file of budgets, and the network files that were checked against it."""

    def __init__(self, file: str, settings: Configuration) -> None:
        self.file = file
        self.folder = os.path.realpath(os.path.dirname(file))
        limits = with_allowed(settings.limits).document
        try:
            text = read_regular_file(file, limits.bytes)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TargetError(f"cannot read {file}: {reason}") from None
        self.budgets, self.problems = read_budgets(text, file, limits)
        decoded = text.decode("utf-8", "replace").removeprefix("\ufeff")
        self.sources: Mapping[str, str] = {file: decoded}
        self.models = sum(len(budget.models) for budget in self.budgets)
        self.variants: dict[str, tuple[str, ...]] = {}  # of each network file that was checked

    def budgets_for(self, file: str) -> list[Budget]:
        """Return the budgets whose patterns match a file."""
        path = os.path.relpath(os.path.realpath(file), self.folder).replace(os.sep, "/")
        current().spend(self.models // 4, "patterns of budgets")
        return [budget for budget in self.budgets if _matches(budget, path)]

    def remember(self, file: str, variants: tuple[str, ...]) -> None:
        """Record the variants of a network file that was checked."""
        path = os.path.relpath(os.path.realpath(file), self.folder).replace(os.sep, "/")
        self.variants[path] = variants

    def findings(self) -> Iterator[Diagnostic]:
        """Yield the problems of the file, and budgets that apply to no network."""
        yield from self.problems
        for budget in self.budgets:
            for model in budget.models:
                if not self.matching_files(model.text):
                    message = f"budget '{budget.name}': '{model.text}' matches no file"
                    advice = "patterns count from the folder of this file; ** goes through folders"
                    yield Diagnostic("no-such-model", message, model.place, advice)
            yield from self.unknown_variants(budget)

    def unknown_variants(self, budget: Budget) -> Iterator[Diagnostic]:
        """Yield variants of a budget that none of its models has, once all of them were checked."""
        files = {file for model in budget.models for file in self.matching_files(model.text)}
        if not files or not files <= self.variants.keys():
            return
        names = {name for file in files for name in self.variants[file]}
        for variant in budget.variants:
            if variant.text not in names:
                advice = advise(variant.text, sorted(names), "variants:")
                message = f"no model of budget '{budget.name}' has the variant '{variant.text}'"
                yield Diagnostic("unknown-variant", message, variant.place, advice)

    def matching_files(self, pattern: str) -> Sequence[str]:
        """Return the files that a pattern matches, relative to the folder of the budgets."""
        if _is_literal(pattern):
            path = posixpath.normpath(pattern)
            is_inside = not path.startswith(("/", "../"))
            return [path] if is_inside and os.path.isfile(os.path.join(self.folder, path)) else []
        current().spend(1 + len(self.files) // 4, "patterns of budgets")
        return list(filter(path_regex(pattern).fullmatch, self.files))

    @cached_property
    def files(self) -> Sequence[str]:
        """All files below the folder of the budgets, but none that are hidden or lie behind a
        link."""
        found: list[str] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                entries = list(os.scandir(os.path.join(self.folder, folder)))
            except OSError:
                continue
            current().spend(1 + 2 * len(entries), "files below a file of budgets")
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{folder}{entry.name}/")
                else:
                    found.append(folder + entry.name)
        return sorted(found)


def _matches(budget: Budget, path: str) -> bool:
    return any(
        posixpath.normpath(model.text) == path
        if _is_literal(model.text)
        else path_regex(model.text).fullmatch(path)
        for model in budget.models
    )


def _is_literal(pattern: str) -> bool:
    """Whether a pattern matches one path only."""
    return not any(mark in pattern for mark in "*?[\\")


class Repositories:
    """The budget files of a run, each read once; ``option`` is the path of ``--budgets``."""

    def __init__(self, option: str) -> None:
        self.option = option
        self.found: dict[str, Repository | None] = {}
        self.places: dict[str, str] = {}

    def budgets_file(self, file: str, settings: Configuration) -> Repository | None:
        """Return the budget file of a network file: by the option, by its settings, or the closest.

        Raises TargetError if it cannot be read.
        """
        path = self.option
        if not path and settings.budgets:
            path = os.path.relpath(os.path.join(settings.folder, settings.budgets))
        if not path:
            path = self.closest(os.path.dirname(file))
        if not path:
            return None
        if path not in self.found:
            self.found[path] = Repository(path, settings)
        return self.found[path]

    def add(self, file: str, settings: Configuration) -> None:
        """Read a budget file that the command line names."""
        if file not in self.found:
            self.found[file] = Repository(file, settings)

    def closest(self, folder: str) -> str:
        """Return the budget file in a folder or the nearest above it in the project, or ""."""
        if folder not in self.places:
            self.places[folder] = _closest(folder)
        return self.places[folder]

    def loaded(self) -> Iterator[Repository]:
        """Yield the budget files that were read, in that order."""
        yield from (repository for repository in self.found.values() if repository)


def _closest(folder: str) -> str:
    at = folder
    while True:
        path = os.path.join(at, FILE)
        if os.path.isfile(path):
            return os.path.normpath(path)
        real = os.path.realpath(at)
        if os.path.exists(os.path.join(at, ".git")) or os.path.dirname(real) == real:
            return ""
        at = os.path.join(at, os.pardir)
