"""The budget files of a run, and which of their budgets apply to which network file."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping

from convcalc.checking.budgets.repository import FILE, read_budgets
from convcalc.checking.configuration import Configuration
from convcalc.checking.patterns import path_regex
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.suggestion import advise
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.sources.gate import read
from convcalc.language.sources.project import project, upward
from convcalc.language.sources.target import unreadable


class Repository:
    """One file of budgets, and the network files that were checked against it."""

    def __init__(self, file: str, settings: Configuration, root: str | None = None) -> None:
        self.file = file
        self.folder = project().real(os.path.dirname(file))
        try:
            text = read(file, settings.limits.document.bytes, root)
        except OSError as error:
            raise unreadable(file, error) from None
        self.budgets, self.problems = read_budgets(text, file, settings.limits.document)
        decoded = text.decode("utf-8", "replace").removeprefix("\ufeff")
        self.sources: Mapping[str, str] = {file: decoded}
        self.variants: dict[str, tuple[str, ...]] = {}  # of each network file that was checked

    def budgets_for(self, file: str) -> list[Budget]:
        """Return the budgets whose patterns match a file."""
        path = os.path.relpath(project().real(file), self.folder).replace(os.sep, "/")
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

    def matching_files(self, pattern: str) -> list[str]:
        """Return the files that a pattern matches, relative to the folder of the budgets."""
        found = glob.iglob(pattern, root_dir=self.folder, recursive=True)
        return [
            os.path.normpath(path).replace(os.sep, "/")
            for path in found
            if os.path.isfile(os.path.join(self.folder, path))
        ]


def _matches(budget: Budget, path: str) -> bool:
    return any(path_regex(model.text).fullmatch(path) for model in budget.models)


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
        path, root = self.option, None
        if not path and settings.budgets:  # which a file of the tree says
            path = os.path.relpath(os.path.join(settings.folder, settings.budgets))
            root = project().root_of(settings.file)
        if not path:
            path = self.closest(os.path.dirname(file))
        if not path:
            return None
        if path not in self.found:
            self.found[path] = Repository(path, settings, root)
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
    for at in upward(project().absolute(folder)):
        path = os.path.join(at, FILE)
        if os.path.isfile(path):
            return path if os.path.isabs(folder) else os.path.relpath(path, project().start)
        if project().is_top(at):
            break
    return ""
