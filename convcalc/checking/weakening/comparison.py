"""Compares the settings, budgets and ignore files of a tree with those of the policy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from convcalc.checking.budgets import FILE
from convcalc.checking.configuration import Configuration
from convcalc.checking.patterns import Pattern, is_matched, parse_pattern
from convcalc.checking.policy import IGNORES, Policy
from convcalc.checking.predecessors import Predecessors
from convcalc.checking.repositories import Repository
from convcalc.checking.trees import RevisionTree
from convcalc.checking.weakening.budgets import NAME, weaker_budgets
from convcalc.checking.weakening.change import Change, change, listed, shown_path
from convcalc.checking.weakening.networks import RELEASED, released
from convcalc.checking.weakening.settings import weaker_settings
from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.opening import read_target
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.sources.target import TargetError


class Comparison:
    """The changes of a tree for the ``files`` that are checked, and for those that are gone."""

    def __init__(
        self, own: Policy, held: Policy, files: Sequence[str], predecessors: Predecessors
    ) -> None:
        assert isinstance(held.tree, RevisionTree)
        self.own = own
        self.held = held
        self.tree = held.tree
        self.files = [file for file in files if self.tree.inside(file) is not None]
        self.predecessors = predecessors

    def changes(self) -> Iterator[Change]:
        """Yield every change, each once; raises TargetError if a file cannot be read."""
        seen: set[object] = set()
        for each in self.all_changes():
            key = each.found.place, each.found.name, each.found.message
            if key not in seen:
                seen.add(key)
                yield each

    def all_changes(self) -> Iterator[Change]:
        yield from self.settings()
        yield from self.budgets()
        yield from self.ignored()
        for path in self.predecessors.gone:
            yield from self.gone(path)

    @property
    def paths(self) -> list[str]:
        """The files that are checked, and those that are gone."""
        return [*self.files, *self.predecessors.gone]

    # --- settings ------------------------------------------------------------------------------

    def settings(self) -> Iterator[Change]:
        """Yield the weaker settings of every folder, and of the current one."""
        folders = dict.fromkeys([os.curdir, *(os.path.dirname(path) for path in self.paths)])
        seen: set[tuple[str, str, str]] = set()
        for folder in folders:
            own, held = (each.configuration(folder) for each in (self.own, self.held))
            key = own.file, own.folder, held.file
            if key not in seen:
                seen.add(key)
                yield from weaker_settings(own, held, self.home(own, held))

    def home(self, own: Configuration, held: Configuration) -> str:
        """Return the file of the tree that is to blame for other settings."""
        if own.file:
            return shown_path(own.file)
        mark = os.path.join(own.folder, ".git")
        if os.path.realpath(own.folder) != self.tree.top and os.path.lexists(mark):
            return shown_path(mark)  # a repository within the repository
        return held.file.removeprefix(f"{self.tree.title}:")

    # --- budgets -------------------------------------------------------------------------------

    def budgets(self) -> Iterator[Change]:
        """Yield the weaker budgets: of each file, then for the networks that they held for."""
        pairs: dict[tuple[str, str], tuple[Repository, Repository | None, list[str]]] = {}
        lost: dict[tuple[str, str], tuple[Budget, Place, list[str]]] = {}
        for path in [*self.paths, *self.homes()]:
            held = self.held.repository(path)
            if held is None:
                continue
            own = self.own.repository(path)
            key = held.file, own.file if own else ""
            pairs.setdefault(key, (held, own, []))[2].append(path)
            if path in self.files:
                for budget in self.not_held(held, own, path):
                    named = [b for b in own.budgets if b.name == budget.name] if own else []
                    models = [model.place for each in named for model in each.models]
                    place = models[0] if models else self.place_of(held, own, path)
                    entry = lost.setdefault((held.file, budget.name), (budget, place, []))
                    entry[2].append(path)
        for held, own, paths in pairs.values():
            yield from self.of_files(held, own, paths)
        for budget, place, paths in lost.values():
            message = f"budget '{budget.name}' does not hold for {listed(paths)} any more"
            yield change(NAME, message, place, "", budget.place, locked=budget.locked)

    def homes(self) -> Iterator[str]:
        """Yield a path beside each budget file of the policy at or below the current folder."""
        here = os.path.realpath(os.curdir)
        for inside in sorted(self.tree.names):
            name = inside.rpartition("/")[2]
            path = self.tree.path(inside)
            if name == FILE and f"{os.path.dirname(path)}{os.sep}".startswith(f"{here}{os.sep}"):
                yield os.path.relpath(path)

    def of_files(
        self, held: Repository, own: Repository | None, paths: Sequence[str]
    ) -> Iterator[Change]:
        """Yield what a budget file demands less than the one that held before for some paths."""
        if own is None:
            is_there = self.own.tree.is_file(held.path)  # but not found from everywhere
            lost = held.budgets_for(*paths) if is_there else held.budgets
            if lost:
                names = listed([f"'{budget.name}'" for budget in lost])
                message = f"the file of the budgets {names} is gone"
                if is_there:
                    message = f"the budgets {names} do not hold for {listed(paths)} any more"
                locked = any(budget.locked for budget in lost)
                yield change(NAME, message, self.place_of(held, None, paths[0]), locked=locked)
            return
        same = os.path.realpath(own.folder) == os.path.realpath(held.folder)
        if same:
            yield from weaker_budgets(held.budgets, own.budgets, Place(own.file, 1, 1))
        else:  # it may lack what does not concern its folder
            there = {budget.name for budget in own.budgets}
            some = [budget for budget in held.budgets if budget.name in there]
            home = Place(own.file, 1, 1)
            yield from weaker_budgets(some, own.budgets, home, same_folder=False)

    def not_held(self, held: Repository, own: Repository | None, path: str) -> Iterator[Budget]:
        """Yield the budgets of the policy that no budget of the tree of their name stands for."""
        before = held.budgets_for(path, self.predecessors.path(path))
        after = own.budgets_for(path) if own else []
        names = {budget.name for budget in after}
        known = {budget.name for budget in own.budgets} if own else set()
        is_same = own is not None and own.folder == held.folder
        for budget in before:
            if budget.name not in names and (budget.name in known or not is_same) and own:
                yield budget

    def place_of(self, held: Repository, own: Repository | None, path: str) -> Place:
        """Return where the tree says which budgets hold for a file."""
        if own is not None:
            return Place(own.file, 1, 1)
        folder = os.path.realpath(os.path.dirname(path))
        while folder not in (self.tree.top, os.path.dirname(folder)):
            mark = os.path.join(folder, ".git")
            if os.path.lexists(mark):
                return Place(shown_path(mark), 1, 1)
            folder = os.path.dirname(folder)
        return Place(shown_path(held.path), 1, 1)

    # --- networks ------------------------------------------------------------------------------

    def gone(self, path: str) -> Iterator[Change]:
        """Yield the finding for a network that is gone."""
        held = self.held.repository(path)
        budgets = held.budgets_for(path) if held else []
        inside = self.tree.inside(path)
        limits = self.held.configuration(os.path.dirname(path)).limits
        try:
            network = read_target(self.tree.target(inside or path), limits=limits)
        except TargetError:
            return
        yield from released(shown_path(path), "is gone", network, budgets)

    def ignored(self) -> Iterator[Change]:
        """Yield the networks of the policy that an ignore file ignores from now on."""
        folders: dict[str, list[str]] = {}
        for file in self.files:
            if self.tree.inside(file) in self.tree.names:
                real = os.path.realpath(file)
                at = os.path.dirname(real)
                while at.startswith(self.tree.top):
                    folders.setdefault(at, []).append(real)
                    at = os.path.dirname(at)
        for folder, files in folders.items():
            own, held = (each.ignore_lines(folder) for each in (self.own, self.held))
            for number, line in enumerate(own, 1):
                pattern = parse_pattern(line)
                if pattern is None or pattern.negated or line in held:
                    continue
                hit = [file for file in files if _matches(pattern, file, folder)]
                if hit:
                    path = shown_path(os.path.join(folder, IGNORES))
                    place = Place(path, number, 1, len(line) + 1)
                    names = listed([shown_path(file) for file in hit])
                    advice = "what git tracks is checked anyway"
                    yield change(RELEASED, f"'{line}' ignores {names}", place, advice)


def _matches(pattern: Pattern, file: str, folder: str) -> bool:
    parts = os.path.relpath(file, folder).split(os.sep)
    paths = ["/".join(parts[: k + 1]) for k in range(len(parts))]
    return any(is_matched([pattern], each, each != paths[-1]) for each in paths)
