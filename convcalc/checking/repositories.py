"""The budget files of a run, and which of their budgets apply to which network file."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from convcalc.checking.budgets import FILE
from convcalc.checking.configuration import Configuration
from convcalc.checking.patterns import path_regex
from convcalc.checking.trees import Tree
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.limits import with_allowed
from convcalc.language.sources.project import is_within, project, upward
from convcalc.language.sources.target import unreadable


class Repository:
    """One file of budgets, and the network files that were checked against it."""

    def __init__(
        self, path: str, settings: Configuration, tree: Tree, root: str | None = None
    ) -> None:
        from convcalc.checking.budgets.before import beside  # and with them PyYAML
        from convcalc.checking.budgets.repository import read_budgets

        self.path = path
        self.file = tree.name(path)
        self.folder = project().real(os.path.dirname(path))
        limits = with_allowed(settings.limits).document
        try:
            text = tree.read_part(path, limits.bytes, root)
        except OSError as error:
            raise unreadable(self.file, error) from None
        found, self.problems = read_budgets(text, self.file, limits)
        self.budgets = [beside(budget, path) for budget in found]
        decoded = text.decode("utf-8", "replace").removeprefix("\ufeff")
        self.sources: Mapping[str, str] = {self.file: decoded}
        self.models = sum(len(budget.models) for budget in self.budgets)
        self.variants: dict[str, tuple[str, ...]] = {}  # of each network file that was checked

    def budgets_for(self, *files: str) -> list[Budget]:
        """Return the budgets whose patterns match one of some files."""
        paths = {path for file in files for path in self.paths(file)}
        current().spend(self.models * len(paths) // 4, "patterns of budgets")
        return [b for b in self.budgets if any(_matches(b, path) for path in paths)]

    def paths(self, file: str) -> set[str]:
        """Return the paths of a file from the folder of the budgets: as written, and the real one.

        A link to a file that no budget is about does not take the link out of those that are.
        """
        absolute = project().absolute(file)
        folder, name = os.path.split(absolute)
        found = {project().real(absolute), os.path.join(project().real(folder), name)}
        found |= {absolute} if is_within(absolute, self.folder) else set()
        return {os.path.relpath(path, self.folder).replace(os.sep, "/") for path in found}

    def remember(self, file: str, variants: tuple[str, ...]) -> None:
        """Record the variants of a network file that was checked."""
        self.variants |= dict.fromkeys(self.paths(file), variants)

    def findings(self) -> tuple[list[Diagnostic], list[Diagnostic]]:
        """Return the problems of locked budgets, and the others of the file."""
        locked: list[Diagnostic] = []
        others = list(self.problems)
        for budget in self.budgets:
            found = locked if budget.locked else others
            found.extend(self.unmatched(budget))
            found.extend(self.unknown_variants(budget))
        return locked, others

    def unmatched(self, budget: Budget) -> Iterator[Diagnostic]:
        """Yield the patterns of a budget that match no file."""
        for model in budget.models:
            if not self.matching_files(model.text):
                message = f"budget '{budget.name}': '{model.text}' matches no file"
                advice = "patterns count from the folder of this file; ** goes through folders"
                yield Diagnostic("no-such-model", message, model.place, advice)

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
    """The budget files of a run, each read once; ``option`` is the path of ``--budgets``.

    If ``isolated``, none holds that the option does not name.
    """

    def __init__(self, tree: Tree, option: str = "", *, isolated: bool = False) -> None:
        self.tree = tree
        self.option = option
        self.isolated = isolated
        self.found: dict[str, Repository] = {}
        self.places: dict[str, str] = {}

    def budgets_file(self, file: str, settings: Configuration) -> Repository | None:
        """Return the budget file of a network file: by the option, by its settings, or the closest.

        Raises TargetError if it cannot be read.
        """
        path, root = self.option, None
        if not path and settings.budgets:  # which a file of the tree says
            path = os.path.relpath(os.path.join(settings.folder, settings.budgets))
            root = project().root_of_folder(settings.folder)
        if not path and not self.isolated:
            path = self.closest(os.path.dirname(file))
        return self.read(path, settings, root) if path else None

    def read(self, path: str, settings: Configuration, root: str | None = None) -> Repository:
        """Return the budget file at a path; raises TargetError if it cannot be read."""
        if path not in self.found:
            self.found[path] = Repository(path, settings, self.tree, root)
        return self.found[path]

    def closest(self, folder: str) -> str:
        """Return the budget file in a folder or the nearest above it in the project, or ""."""
        if folder not in self.places:
            self.places[folder] = _closest(folder, self.tree)
        return self.places[folder]

    def loaded(self) -> Iterator[Repository]:
        """Yield the budget files that were read, in that order."""
        yield from self.found.values()


def _closest(folder: str, tree: Tree) -> str:
    for at in upward(project().absolute(folder)):
        path = os.path.join(at, FILE)
        if tree.is_file(path):
            return path if os.path.isabs(folder) else os.path.relpath(path, project().start)
        if tree.is_top(at):
            break
    return ""
