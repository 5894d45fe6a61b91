"""The files of budgets of a run: which of their budgets hold for which network file."""

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
from convcalc.language.sources.plain_files import content
from convcalc.language.sources.target import TargetError


class Repository:
    """One file of budgets, and the networks that they were held against."""

    def __init__(self, file: str, settings: Configuration) -> None:
        self.file = file
        self.folder = os.path.realpath(os.path.dirname(file))
        try:
            text = content(file, settings.limits.document.bytes)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TargetError(f"cannot read {file}: {reason}") from None
        self.budgets, self.problems = read_budgets(text, file, settings.limits.document)
        decoded = text.decode("utf-8", "replace").removeprefix("\ufeff")
        self.sources: Mapping[str, str] = {file: decoded}
        self.variants: dict[str, tuple[str, ...]] = {}  # of each network file that was checked

    def budgets_for(self, file: str) -> list[Budget]:
        """The budgets whose patterns match a file."""
        path = os.path.relpath(os.path.realpath(file), self.folder).replace(os.sep, "/")
        return [budget for budget in self.budgets if _matches(budget, path)]

    def remember(self, file: str, variants: tuple[str, ...]) -> None:
        """Remembers a network file that was checked."""
        path = os.path.relpath(os.path.realpath(file), self.folder).replace(os.sep, "/")
        self.variants[path] = variants

    def findings(self) -> Iterator[Diagnostic]:
        """Problems of the file, and budgets that hold for nothing."""
        yield from self.problems
        for budget in self.budgets:
            for model in budget.models:
                if not self.matching_files(model.text):
                    message = f"budget '{budget.name}': '{model.text}' matches no file"
                    advice = "patterns count from the folder of this file; ** goes through folders"
                    yield Diagnostic("no-such-model", message, model.place, advice)
            yield from self.unknown_variants(budget)

    def unknown_variants(self, budget: Budget) -> Iterator[Diagnostic]:
        """Variants that no model has, once all of them were checked."""
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
        """The files that a pattern matches, as it writes them."""
        found = glob.iglob(pattern, root_dir=self.folder, recursive=True)
        return [
            os.path.normpath(path).replace(os.sep, "/")
            for path in found
            if os.path.isfile(os.path.join(self.folder, path))
        ]


def _matches(budget: Budget, path: str) -> bool:
    return any(path_regex(model.text).fullmatch(path) for model in budget.models)


class Repositories:
    """Every file of budgets that holds for a checked file."""

    def __init__(self, option: str) -> None:
        self.option = option
        self.found: dict[str, Repository | None] = {}
        self.places: dict[str, str] = {}

    def budgets_file(self, file: str, settings: Configuration) -> Repository | None:
        """That of a network file: as asked for, by its settings, else the closest one."""
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
        """A file of budgets that was named itself."""
        if file not in self.found:
            self.found[file] = Repository(file, settings)

    def closest(self, folder: str) -> str:
        """The file in this folder or the nearest one above, within the project; empty if none."""
        if folder not in self.places:
            self.places[folder] = _closest(folder)
        return self.places[folder]

    def loaded(self) -> Iterator[Repository]:
        """All that were met, in the order in which they were."""
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
