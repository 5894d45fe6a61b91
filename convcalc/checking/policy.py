"""The rules for the files of a tree, by path: settings, budgets, ignore files.

There is one for the tree that is checked, and one for the revision of ``--policy``.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from convcalc.checking.budgets import FILE
from convcalc.checking.configuration import OWN, SHARED, Configuration, Configurations
from convcalc.checking.patterns import Pattern, parse_patterns
from convcalc.checking.repositories import Repositories, Repository
from convcalc.checking.trees import RevisionTree, Tree
from convcalc.language.sources.gate import SETTINGS_BYTES
from convcalc.language.sources.target import unreadable

IGNORES = ".gitignore"
_KNOWN = (OWN, SHARED, FILE, IGNORES)


class Choice(NamedTuple):
    """Files that the command line names in place of those of the tree: files of settings and
    budgets, or none.
    """

    config: str = ""
    budgets: str = ""
    isolated: bool = False


class Policy:
    """The settings, budgets and ignore files of a tree; each file is read once."""

    def __init__(self, tree: Tree | None = None, choice: Choice = Choice()) -> None:  # noqa: B008
        self.tree = tree or Tree()
        self.choice = choice
        self.configurations = Configurations(
            self.tree, choice.config, isolated=choice.isolated and not choice.config
        )
        self.repositories = Repositories(self.tree, choice.budgets, isolated=choice.isolated)

    def configuration(self, folder: str) -> Configuration:
        """Return the settings for the files of a folder; raises TargetError."""
        return self.configurations.of(folder)

    def repository(self, file: str) -> Repository | None:
        """Return the file of budgets that holds for a network file; raises TargetError."""
        return self.repositories.budgets_file(file, self.configuration(os.path.dirname(file)))

    def ignores(self, folder: str) -> tuple[Pattern, ...]:
        """Return the patterns of the ignore file in a folder."""
        return parse_patterns(self.ignore_lines(folder))

    def ignore_lines(self, folder: str) -> list[str]:
        """Return the lines of the ignore file in a folder; raises TargetError."""
        path = os.path.join(folder, IGNORES)
        try:
            return self.tree.read(path, SETTINGS_BYTES).decode("utf-8", "replace").split("\n")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return []
        except OSError as error:
            raise unreadable(self.tree.name(path), error) from None


def policy_of(revision: str, choice: Choice) -> Policy:
    """Return the policy of a revision; raises TargetError if there is none."""
    return Policy(RevisionTree(revision, _KNOWN), choice)
